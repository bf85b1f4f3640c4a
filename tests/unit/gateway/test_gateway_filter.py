"""The request filter: all of the attack list, none of what the API's users send (G9)."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api_gateway.filter import find_threat
from api_gateway.framing import MAX_TARGET_BYTES
from api_gateway.headers import Headers
from api_gateway.routes import ROUTES
from dither_engine import catalogue

LINES = (Path(__file__).parent / "attacks.txt").read_text().splitlines()
ATTACKS = [line for line in LINES if not line.startswith("#")]


@pytest.mark.parametrize("line", ATTACKS)
def test_every_attack_is_caught(line: str) -> None:
    kind, _, rest = line.partition(" ")
    if kind == "header":
        name, _, value = rest.partition(": ")
        assert find_threat("/images", b"", [(name.lower().encode(), value.encode())])
    else:
        path, _, query = rest.partition("?")
        assert find_threat(path, query.encode(), [])


@pytest.mark.parametrize(
    "repeated", ["aa=", "&", "<", " ", "+", ";", "'", "-", "=", "/", "on", "%20"]
)
def test_no_request_keeps_the_filter_busy(repeated: str) -> None:
    """As long as a target may be; a pattern that tries everything would not end in a lifetime."""
    text = "/options?a=" + repeated * (MAX_TARGET_BYTES // len(repeated)) + "!"
    path, _, query = text.partition("?")
    find_threat(path, query.encode(), [])
    find_threat("/" + repeated * (MAX_TARGET_BYTES // len(repeated)), b"", [])


uuids = st.uuids().map(str)
words = st.from_regex(r"[a-z]{1,12}(-[a-z0-9]{1,12}){0,3}", fullmatch=True)
colours = st.lists(st.from_regex(r"#[0-9a-f]{6}", fullmatch=True), min_size=2, max_size=16)
numbers = st.one_of(
    st.integers(-10_000, 10_000), st.floats(-100, 100).map(lambda x: round(x, 4)), st.booleans()
)
option_values = st.one_of(
    words,
    numbers,
    colours,
    colours.map(",".join),
    st.lists(st.lists(st.integers(0, 255), min_size=3, max_size=3), min_size=1, max_size=8),
    st.dictionaries(words, st.one_of(words, numbers), max_size=4),
)
options = st.dictionaries(words.map(lambda w: w.replace("-", "_")), option_values, max_size=8)
cursors = st.from_regex(r"[A-Za-z0-9_=-]{0,80}", fullmatch=True).filter(lambda c: "--" not in c)
keys = st.one_of(
    st.builds("{}/original.{}".format, uuids, st.sampled_from(["png", "jpg", "webp", "gif"])),
    st.builds("{}/{}.png".format, uuids, st.from_regex(r"[0-9a-f]{16,64}", fullmatch=True)),
    st.builds("{}.{}".format, uuids, st.sampled_from(["png", "jpeg", "tiff", "bmp"])),
)
USER_AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like"
    " Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/131.0.0.0 Safari/537.36",
    "curl/8.5.0",
    "python-requests/2.32.3",
    "okhttp/4.12.0",
)


HEADERS: Headers = [
    (b"host", b"dither.example:8000"),
    (b"accept", b"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"),
    (b"accept-language", b"de-CH,de;q=0.9,en;q=0.8"),
    (b"referer", b"https://dither.example/?image=0f8fad5b-d9cb-469f-a165-70867728950e"),
    (b"content-type", b"multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW"),
    (b"if-none-match", b'W/"0f8fad5b", "a+/=="'),
    (b"cookie", b"_ga=GA1.1.1234567.89; theme=dark"),
    (b"sec-ch-ua", b'"Chromium";v="131", "Not_A Brand";v="24"'),
]


def as_query(parameters: dict[str, object]) -> str:
    return urlencode(
        {k: json.dumps(v) if isinstance(v, list | dict) else v for k, v in parameters.items()}
    )


queries = st.one_of(
    st.builds("limit={}&cursor={}".format, st.integers(1, 200), cursors),
    options.map(as_query),
    options.map(lambda o: urlencode({"options": json.dumps(o)})),
    options.map(lambda o: urlencode({"options": json.dumps(o, indent=2)}, quote_via=quote)),
)


# 500 times each of the ten routes.
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(uuids, keys, st.integers(2, 256), queries, st.sampled_from(USER_AGENTS))
def test_no_valid_request_is_caught(
    uuid: str, key: str, channels: int, query: str, user_agent: str
) -> None:
    headers = [*HEADERS, (b"user-agent", user_agent.encode())]
    for route in ROUTES:
        path = route.path.replace("{uuid}", uuid).replace("{key:path}", key)
        path = path.replace("{channels}", str(channels))
        assert find_threat(path, query.encode(), headers) is None


def test_no_option_of_the_engine_is_caught() -> None:
    def values(node: object) -> Iterator[str]:
        if isinstance(node, dict):
            yield from node
            for child in node.values():
                yield from values(child)
        elif isinstance(node, list):
            for child in node:
                yield from values(child)
        elif isinstance(node, str):
            yield node

    # Prose (titles, sources) is nothing a client sends.
    names = [v for v in values(catalogue()) if re.fullmatch(r"[A-Za-z0-9#_.-]{1,40}", v)]
    assert len(names) > 50
    for name in names:
        assert find_threat("/images", urlencode({name: name}).encode(), []) is None
        assert (
            find_threat("/images", urlencode({"options": json.dumps([name])}).encode(), []) is None
        )


@pytest.mark.parametrize(
    "path",
    ["/", "/index.html", "/app.js", "/style.css", "/icons/logo.svg", "/manifest.webmanifest",
     "/docs", "/openapi.json", "/health", "/metrics", "/favicon.ico", "/robots.txt",
     "/.well-known/security.txt", "/console.js", "/admin-free.css", "/files/My%20photo%20(1).png",
     "/files/%C3%A4rger.png"],
)  # fmt: skip
def test_the_pages_own_paths_are_no_threat(path: str) -> None:
    assert find_threat(path, b"", []) is None
