"""Fetch a picture from a host that the operator has listed: GET /dither?url=….

Whoever gives the address must not reach what only this machine can reach. So each address, also
that of a redirect, must be https, of a listed host, and public. The connection then goes to the
address that was checked: a second look-up, which could give another one, does not take place.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import unquote

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import PyreqwestError
from pyreqwest.http import Url
from pyreqwest.response import Response

from dither_service.settings import DitherSettings
from shared.problems import Problem

MAX_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PUBLIC_6 = IPv6Network("2000::/3")
# Their addresses contain IPv4 addresses, also private ones: Teredo and others, and 6to4.
_CARRIERS_6 = (IPv6Network("2001::/23"), IPv6Network("2002::/16"))

Address = IPv4Address | IPv6Address
Resolve = Callable[[str], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Fetched:
    data: bytes
    filename: str


def is_public(address: Address) -> bool:
    """Whether an address belongs to the public internet, and to no network of this machine."""
    if isinstance(address, IPv6Address):
        carried = any(address in network for network in _CARRIERS_6)
        return address.is_global and address in _PUBLIC_6 and not carried
    return address.is_global and not address.is_multicast


async def resolve(host: str) -> Sequence[str]:
    """All addresses of a host, by the machine's resolver. Raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(address[4][0]) for address in found]


class Fetcher:
    """Every refusal is a ``Problem``.

    Only tests give the last three parameters. authority: the certificate, in PEM, that is trusted
    besides the usual ones.
    """

    def __init__(
        self,
        settings: DitherSettings,
        *,
        resolve: Resolve = resolve,
        is_allowed: Callable[[Address], bool] = is_public,
        authority: bytes | None = None,
    ) -> None:
        self._hosts = settings.url_hosts
        self._seconds = settings.dither_url_seconds
        self._max_bytes = settings.max_upload_bytes
        self._resolve = resolve
        self._is_allowed = is_allowed
        self._authority = authority

    async def fetch(self, address: str) -> Fetched:
        """The file at an address, and the name that its path ends with."""
        if not self._hosts:
            raise Problem(403, "url: this service fetches no URLs: DITHER_URL_HOSTS is empty.")
        try:
            async with asyncio.timeout(self._seconds):
                return await self._follow(address)
        except TimeoutError as error:
            seconds = f"{self._seconds:g} seconds"
            raise Problem(504, f"url: the file did not come within {seconds}.") from error
        except PyreqwestError as error:
            raise Problem(502, "url: its host does not answer as it should.") from error

    async def _follow(self, address: str) -> Fetched:
        base: Url | None = None
        for _ in range(MAX_REDIRECTS + 1):
            url = _parsed(address, base)
            self._check_host(url)
            to = await self._checked(url)
            async with (
                self._client_for(url.host_str or "", to) as client,
                client.get(url).build_streamed() as response,
            ):
                location = response.get_header("location")
                if response.status not in _REDIRECTS or location is None:
                    data = await self._read(response)
                    return Fetched(data, unquote(url.path.rpartition("/")[2]))
            address, base = location, url
        raise _refused(f"its host redirects more than {MAX_REDIRECTS} times")

    def _check_host(self, url: Url) -> None:
        place = f"{url.host_str}:{url.port}" if url.port else url.host_str or ""
        if not any(_matches(place, listed) for listed in self._hosts):
            allowed = ", ".join(self._hosts)
            raise Problem(403, f"url: {place[:100]} is not allowed; allowed: {allowed}.")

    async def _checked(self, url: Url) -> Address:
        """The address of a host to connect to. All of its addresses must be allowed."""
        try:
            found = [ip_address(text) for text in await self._resolve(url.host_str or "")]
        except OSError:
            found = []
        if not found:
            raise _refused("its host has no address")
        if not all(map(self._is_allowed, found)):
            raise Problem(403, "url: its host is not on the public internet.")
        # IPv4 first, because many containers have no route for IPv6.
        return min(found, key=lambda address: address.version)

    def _client_for(self, host: str, address: Address) -> Client:
        builder = (
            ClientBuilder()
            .https_only(enable=True)
            .resolve(host, str(address), 0)  # 0: the port of the URL
            .follow_redirects(enable=False)
            .gzip(enable=False)
            .brotli(enable=False)
            .zstd(enable=False)
            .deflate(enable=False)
            .referer(enable=False)
            .no_proxy()
            .user_agent("dither")
            .timeout(timedelta(seconds=self._seconds))
        )
        if self._authority is not None:
            builder = builder.add_root_certificate_pem(self._authority)
        return builder.build()

    async def _read(self, response: Response) -> bytes:
        if response.status != 200:
            raise _refused(f"its host answered {response.status}")
        data = bytearray()
        while (chunk := await response.body_reader.read_chunk()) is not None:
            data += chunk.to_bytes()
            if len(data) > self._max_bytes:
                allowed = f"at most {self._max_bytes:,} bytes are allowed"
                raise Problem(413, f"url: the file is too large; {allowed}.")
        return bytes(data)


def _parsed(address: str, base: Url | None) -> Url:
    """The client's own parser, so that what is checked is what is connected to."""
    try:
        url = Url(address) if base is None else base.join(address)
    except ValueError:
        raise _refused("it is no address such as https://example.org/photo.jpg") from None
    if url.scheme != "https" or not url.host_str or url.username or url.password:
        raise _refused("an address such as https://example.org/photo.jpg is expected")
    return url


def _matches(host: str, listed: str) -> bool:
    """Whether a host is the listed one; ``*.example.org`` is every host below that."""
    return host.endswith(listed[1:]) if listed.startswith("*.") else host == listed


def _refused(why: str) -> Problem:
    return Problem(422, f"url: {why}.")
