"""The socket that a process listens on."""

import socket

BACKLOG = 2048


def bind(host: str, port: int, variable: str = "PORT") -> socket.socket:
    """A socket for HOST and PORT, or another variable; ``::`` takes IPv4 as well.

    Ends the process if there is none. The server begins to listen: who can connect is answered.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = min(found)  # of a name with both kinds of addresses, IPv4
        bound = socket.socket(family)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, address[0] != "::")
            bound.bind(address)
        except OSError:
            bound.close()
            raise
        return bound
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "no such address"
        raise SystemExit(
            f"cannot listen to HOST={host} {variable}={port}: {reason}; HOST must be an address "
            f"of this machine (0.0.0.0 or :: for all of them), and {variable} one that nobody uses"
        ) from None


def plain_address(address: str) -> str:
    """An IPv4 address that came through an IPv6 socket as such: ``10.0.0.1``."""
    return address.removeprefix("::ffff:") if "." in address else address
