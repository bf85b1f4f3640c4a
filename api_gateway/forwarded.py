"""The client's address behind proxies (RFC 7239 and the older X-Forwarded-* fields)."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import ip_address, ip_network

# An address as proxies write it: alone, or followed by a port.
_WITH_PORT = re.compile(r"\[([^\]]*)\](?::\d+)?|([^:]*):\d+")


class TrustedProxies:
    """``networks``: the proxies whose forwarding fields are trusted."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks = [ip_network(network) for network in networks]
        self._trusts = lru_cache(1024)(self._is_ours)

    def client(self, fields: Mapping[bytes, bytes], peer: str) -> tuple[str, bool]:
        """The client's address, and whether the request came through a trusted proxy.

        Read from the right: entries to the left of the first untrusted address may be forged.
        """
        if not self._networks or not self._trusts(peer):
            return peer, False
        address = peer
        for hop in reversed(fields.get(b"x-forwarded-for", b"").decode("latin-1").split(",")):
            found = _address(hop.strip())
            if found is None:
                break
            address = found
            if not self._trusts(address):
                break
        return address, True

    def _is_ours(self, address: str) -> bool:
        found = _address(address)
        return found is not None and any(ip_address(found) in n for n in self._networks)


def _address(text: str) -> str | None:
    """The IP address without its zone, which may be any text and has only local meaning."""
    if match := _WITH_PORT.fullmatch(text):
        text = match[1] or match[2]
    try:
        return None if "%" in text else str(ip_address(text))
    except ValueError:
        return None


def forwarded_fields(
    fields: Mapping[bytes, bytes], peer: str, scheme: str, *, trusted: bool
) -> list[tuple[str, str]]:
    """The forwarding fields for a service: from the connection, or added to a trusted proxy's."""

    def said(name: bytes) -> str:
        return fields.get(name, b"").decode("latin-1") if trusted else ""

    host = fields.get(b"host", b"").decode("latin-1")
    node = f'for="[{peer}]"' if ":" in peer else f"for={peer}"
    own = node if trusted else f'{node};proto={scheme};host="{host}"'
    return [
        ("x-forwarded-for", ", ".join(filter(None, (said(b"x-forwarded-for"), peer)))),
        ("x-forwarded-proto", said(b"x-forwarded-proto") or scheme),
        ("x-forwarded-host", said(b"x-forwarded-host") or host),
        ("forwarded", ", ".join(filter(None, (said(b"forwarded"), own)))),
    ]
