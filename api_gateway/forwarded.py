"""Who asks, when proxies stand between (RFC 7239 and the older X-Forwarded-* fields)."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import NamedTuple

# An address as proxies write it: alone, or with a port behind it.
_WITH_PORT = re.compile(r"\[([^\]]*)\](?::\d+)?|([^:]*):\d+")


class Client(NamedTuple):
    """``trusted``: whether a proxy of ours handed the request over."""

    address: str
    trusted: bool


class TrustedProxies:
    """``networks``: those whose word about the client is believed."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks = [ip_network(network) for network in networks]

    def client(self, fields: Mapping[bytes, bytes], peer: str) -> Client:
        """Read from the right: what stands left of the first address that is not ours may be
        made up."""
        if not self._networks or not self._trusts(peer):
            return Client(peer, False)
        address = peer
        for hop in reversed(fields.get(b"x-forwarded-for", b"").decode("latin-1").split(",")):
            found = _address(hop.strip())
            if found is None:
                break
            address = found
            if not self._trusts(address):
                break
        return Client(address, True)

    def _trusts(self, address: str) -> bool:
        return _is_in(address, tuple(self._networks))


@lru_cache(1024)
def _is_in(address: str, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    found = _address(address)
    return found is not None and any(ip_address(found) in network for network in networks)


def _address(text: str) -> str | None:
    """The IP address; without a zone, which may be any text and means nothing elsewhere."""
    if match := _WITH_PORT.fullmatch(text):
        text = match[1] or match[2]
    try:
        return None if "%" in text else str(ip_address(text))
    except ValueError:
        return None


def forwarded_fields(
    fields: Mapping[bytes, bytes], peer: str, scheme: str, *, trusted: bool
) -> list[tuple[str, str]]:
    """What a service is told of the client: from the connection, or added to a proxy's word."""
    host = fields.get(b"host", b"").decode("latin-1")
    node = f'"[{peer}]"' if ":" in peer else peer
    if not trusted:
        own = f"for={node};proto={scheme};host={_quoted(host)}"
        return _forwarded(peer, scheme, host, own)

    def said(name: bytes) -> str:
        return fields.get(name, b"").decode("latin-1")

    before, forwarded = said(b"x-forwarded-for"), said(b"forwarded")
    return _forwarded(
        f"{before}, {peer}" if before else peer,
        said(b"x-forwarded-proto") or scheme,
        said(b"x-forwarded-host") or host,
        f"{forwarded}, for={node}" if forwarded else f"for={node}",
    )


def _forwarded(hops: str, scheme: str, host: str, forwarded: str) -> list[tuple[str, str]]:
    return [
        ("x-forwarded-for", hops),
        ("x-forwarded-proto", scheme),
        ("x-forwarded-host", host),
        ("forwarded", forwarded),
    ]


def _quoted(host: str) -> str:
    return '"' + host.replace('"', "").replace("\\", "") + '"'
