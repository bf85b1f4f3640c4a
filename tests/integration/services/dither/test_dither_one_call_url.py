"""One call for a picture on the web, from the hosts that the operator lists."""

import io
from collections.abc import Iterator

import pytest
from PIL import Image

from dither_engine import Options, dither_bytes
from tests.integration.services.dither.calling import HOST, serving
from tests.integration.services.support import Client, sentence
from tests.support.https_server import HttpsServer, body, https_server
from tests.support.pictures import picture


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with serving() as started:
        yield started


@pytest.fixture(scope="module")
def pictures() -> Iterator[HttpsServer]:
    with https_server({"/my%20photo.jpg": body(picture("JPEG", (64, 48)))}, HOST) as running:
        yield running


@pytest.fixture(scope="module")
def fetching(pictures: HttpsServer) -> Iterator[Client]:
    with serving(pictures=pictures) as started:
        yield started


def test_a_panel_asks_for_an_address(fetching: Client, pictures: HttpsServer) -> None:
    url = f"https://{HOST}:{pictures.port}/my%20photo.jpg"
    answer = fetching.get("/dither", params={"url": url, "palette": "gray", "channels": "4"})
    expected = dither_bytes(picture("JPEG", (64, 48)), Options(palette="gray", channels=4))
    assert answer.content == expected.data
    assert answer.headers["content-disposition"] == 'inline; filename="my photo.png"'
    assert answer.headers["cache-control"] == "public, max-age=300"
    again = fetching.get(
        "/dither",
        params={"url": url, "palette": "gray", "channels": "4"},
        headers={"if-none-match": answer.headers["etag"]},
    )
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == answer.headers["etag"]


def test_an_address_in_a_body(fetching: Client, pictures: HttpsServer) -> None:
    url = f"https://{HOST}:{pictures.port}/my%20photo.jpg"
    wish = {"url": url, "options": {"format": "webp", "width": 32}}
    answer = fetching.post("/dither", json=wish)
    with Image.open(io.BytesIO(answer.content)) as image:
        assert (image.format, image.size) == ("WEBP", (32, 24))


def test_hosts_are_listed_by_the_operator(client: Client, fetching: Client) -> None:
    params = {"url": "https://elsewhere.example/a.png"}
    assert "DITHER_URL_HOSTS" in sentence(client.get("/dither", params=params), 403)
    assert HOST in sentence(fetching.get("/dither", params=params), 403)


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("", "url: must be the URL"),
        ("?url=a&url=b", "url: must be the URL"),
        ("?url=https://a.example/&wide=7", "no option 'wide'"),
        ("?url=https://a.example/&width=x", "width is"),
    ],
)
def test_wrong_queries_are_refused_before_anything_is_fetched(
    fetching: Client, query: str, word: str
) -> None:
    assert word in sentence(fetching.get(f"/dither{query}"), 422)
