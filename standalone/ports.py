"""Free ports for the servers that we start."""

import random
import socket

# Below the range that Linux and macOS use for outgoing connections. A port of that range may be
# taken by a client while its server restarts, even by a client that tries to reach this server.
_FIRST, _LAST = 15_000, 32_000
_given: set[int] = set()  # returned before by this process; possibly not yet listened on


def free_port() -> int:
    """A port of 127.0.0.1 on which nothing listens; no port is returned twice."""
    while True:
        port = random.randint(_FIRST, _LAST)  # noqa: S311 - no secret
        if port in _given:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port
