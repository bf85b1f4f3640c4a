"""Pictures from listed hosts: what is fetched, and everything that never is.

The host names are made up; a resolver in the test says where they lead.
"""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_address
from typing import Any

import pytest

from dither_service.fetch import Fetched, Fetcher, is_public
from dither_service.settings import DitherSettings
from shared.problems import Problem
from tests.support.https_server import HttpsServer, body, https_server, redirect

HOST, OTHER = "pictures.example.org", "other.example.org"
released = threading.Event()


def slowly(request: BaseHTTPRequestHandler) -> None:
    """A byte now and then, for ever."""
    request.send_response(200)
    request.send_header("content-length", "1000")
    request.end_headers()
    while not released.wait(0.05):
        request.wfile.write(b"x")
        request.wfile.flush()


def never(request: BaseHTTPRequestHandler) -> None:
    released.wait(30)


ANSWERS = {
    "/photo.jpg": body(b"a photo"),
    "/a%20b/%E2%82%AC.png": body(b"a name"),
    "/large": body(b"x" * 5000),
    "/moved": redirect("/photo.jpg?size=large"),
    "/loop": redirect("/loop"),
    "/away": redirect("https://elsewhere.example.org/photo.jpg"),
    "/down": redirect("http://pictures.example.org/photo.jpg"),
    "/inside": redirect("https://inside.example.org/secret"),
    "/packed": body(b"not unpacked", fields={"content-encoding": "gzip"}),
    "/slowly": slowly,
    "/never": never,
}


@pytest.fixture(scope="module")
def server() -> Iterator[HttpsServer]:
    with https_server(ANSWERS, HOST, "*.example.org") as running:
        yield running
        released.set()


async def everything_is_here(host: str) -> Sequence[str]:
    return ["10.9.9.9"] if host == "inside.example.org" else ["127.0.0.1"]


def fetched(server: HttpsServer, url: str, hosts: str | None = None, **options: Any) -> Fetched:
    """Fetch from the local server: only its address is allowed, instead of public ones."""
    listed = f"{HOST}:{server.port}, inside.example.org" if hosts is None else hosts
    settings = DitherSettings(
        dither_url_hosts=listed,
        max_upload_bytes=4000,
        dither_url_seconds=options.pop("seconds", 20),
    )
    parts: dict[str, Any] = {
        "resolve": everything_is_here,
        "is_allowed": lambda address: str(address) == "127.0.0.1",
        "authority": server.authority,
    } | options
    return asyncio.run(Fetcher(settings, **parts).fetch(url))


def refused(server: HttpsServer, url: str, **options: Any) -> Problem:
    with pytest.raises(Problem) as caught:
        fetched(server, url, **options)
    assert caught.value.detail.startswith("url: ")
    assert caught.value.detail.endswith(".")
    return caught.value


def at(server: HttpsServer, path: str, host: str = HOST) -> str:
    return f"https://{host}:{server.port}{path}"


def test_a_picture_is_fetched_under_its_name(server: HttpsServer) -> None:
    assert fetched(server, at(server, "/photo.jpg")) == Fetched(b"a photo", "photo.jpg")
    assert fetched(server, at(server, "/a%20b/%E2%82%AC.png")) == Fetched(b"a name", "€.png")
    assert server.asked[0] == (f"{HOST}:{server.port}", "/photo.jpg")


def test_a_redirect_to_an_allowed_address_is_followed(server: HttpsServer) -> None:
    assert fetched(server, at(server, "/moved")) == Fetched(b"a photo", "photo.jpg")
    assert server.asked[-1][1] == "/photo.jpg?size=large"


def test_hosts_below_a_listed_domain(server: HttpsServer) -> None:
    listed = "*.example.org" + f":{server.port}"
    assert fetched(server, at(server, "/photo.jpg", OTHER), hosts=listed).data == b"a photo"
    assert refused(server, at(server, "/photo.jpg", "example.org"), hosts=listed).status == 403


def test_what_is_packed_is_not_unpacked(server: HttpsServer) -> None:
    assert fetched(server, at(server, "/packed")).data == b"not unpacked"


def test_nothing_is_fetched_unless_hosts_are_listed(server: HttpsServer) -> None:
    problem = refused(server, at(server, "/photo.jpg"), hosts="")
    assert (problem.status, "DITHER_URL_HOSTS" in problem.detail) == (403, True)


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.example.org/photo.jpg",
        f"https://{HOST}/photo.jpg",  # its usual port is not listed
        f"https://{HOST}.evil.example:1/photo.jpg",
        "https://127.0.0.1/photo.jpg",
        "https://[::1]/photo.jpg",
        "https://2130706433/photo.jpg",
        "https://0x7f.1/photo.jpg",
        f"https://evil.example\\@{HOST}/photo.jpg",
    ],
)
def test_a_host_that_is_not_listed(server: HttpsServer, url: str) -> None:
    asked = len(server.asked)
    problem = refused(server, url)
    assert (problem.status, HOST in problem.detail) == (403, True)
    assert len(server.asked) == asked


@pytest.mark.parametrize(
    "url",
    [
        f"http://{HOST}/photo.jpg",
        "file:///etc/passwd",
        "gopher://localhost",
        f"https://name:password@{HOST}/photo.jpg",
        f"https://name@{HOST}/photo.jpg",
        "https://",
        "photo.jpg",
        "//photo.jpg",
        "",
        "https://[::1",
        "data:image/png;base64,AAAA",
    ],
)
def test_what_is_no_address_of_a_picture(server: HttpsServer, url: str) -> None:
    assert refused(server, url).status == 422


@pytest.mark.parametrize("path", ["/away", "/inside", "/down"])
def test_a_redirect_is_checked_like_the_first_address(server: HttpsServer, path: str) -> None:
    asked = len(server.asked)
    assert refused(server, at(server, path)).status in {403, 422}
    assert len(server.asked) == asked + 1


def test_redirects_end(server: HttpsServer) -> None:
    assert "redirects" in refused(server, at(server, "/loop")).detail


def test_a_host_with_one_private_address_is_refused(server: HttpsServer) -> None:
    async def both(host: str) -> Sequence[str]:
        return ["127.0.0.1", "10.9.9.9"]

    problem = refused(server, at(server, "/photo.jpg"), resolve=both)
    assert (problem.status, "public" in problem.detail) == (403, True)


def test_this_machine_is_not_public(server: HttpsServer) -> None:
    asked = len(server.asked)
    assert refused(server, at(server, "/photo.jpg"), is_allowed=is_public).status == 403
    assert len(server.asked) == asked


@pytest.mark.parametrize("error", [OSError("no such host"), None])
def test_a_host_without_an_address(server: HttpsServer, error: OSError | None) -> None:
    async def nothing(host: str) -> Sequence[str]:
        if error is not None:
            raise error
        return []

    assert refused(server, at(server, "/photo.jpg"), resolve=nothing).status == 422


def test_a_certificate_that_is_not_trusted(server: HttpsServer) -> None:
    assert refused(server, at(server, "/photo.jpg"), authority=None).status == 502


def test_a_certificate_of_another_host(server: HttpsServer) -> None:
    hosts = f"pictures.example.net:{server.port}"
    url = at(server, "/photo.jpg", "pictures.example.net")
    assert refused(server, url, hosts=hosts).status == 502


def test_a_file_that_is_too_large(server: HttpsServer) -> None:
    problem = refused(server, at(server, "/large"))
    assert (problem.status, "4,000 bytes" in problem.detail) == (413, True)


@pytest.mark.parametrize("path", ["/slowly", "/never"])
def test_a_host_that_is_too_slow(server: HttpsServer, path: str) -> None:
    assert refused(server, at(server, path), seconds=0.5).status == 504


def test_a_host_that_says_no(server: HttpsServer) -> None:
    assert "404" in refused(server, at(server, "/missing")).detail


@pytest.mark.parametrize(
    ("address", "public"),
    [
        *((address, True) for address in ("93.184.216.34", "8.8.8.8", "2606:4700:4700::1111")),
        *(
            (address, False)
            for address in (
                *("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
                *("100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "192.0.2.1"),
                *("::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1"),
                *("::ffff:8.8.8.8", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::"),
                *("2001:db8::1", "fec0::1"),
            )
        ),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(ip_address(address)) == public


@pytest.mark.parametrize("hosts", ["http://a.example", "a.example/b", "*", "a b", "*.*.example"])
def test_a_wrong_list_of_hosts_stops_the_start(hosts: str) -> None:
    with pytest.raises(ValueError, match="DITHER_URL_HOSTS"):
        DitherSettings(dither_url_hosts=hosts)
