"""Requests as clients of the API send them, in all the variety that could look like an attack."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from hypothesis import strategies as st

from dither_engine import Options, catalogue


@dataclass
class Valid:
    method: str
    target: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None


def names_of_the_engine() -> list[str]:
    """Algorithms, palettes, options: every word of the catalogue that a client may send."""

    def texts(node: object) -> Iterator[str]:
        if isinstance(node, dict):
            yield from node
            for child in node.values():
                yield from texts(child)
        elif isinstance(node, list):
            for child in node:
                yield from texts(child)
        elif isinstance(node, str):
            yield node

    # Prose (titles, sources) is nothing that a client sends.
    found = {t for t in texts(catalogue()) if re.fullmatch(r"[A-Za-z0-9#_.:-]{1,40}", t)}
    return sorted(found)


uuids = st.uuids().map(str)
words = st.one_of(
    st.sampled_from(names_of_the_engine()), st.from_regex(r"\A[a-z]{1,12}(-[a-z0-9]{1,12}){0,3}\Z")
)
colours = st.from_regex(r"\A#[0-9a-fA-F]{6}\Z")
palettes = st.lists(colours, min_size=2, max_size=64)
numbers = st.one_of(
    st.integers(-10_000, 10_000), st.floats(-100, 100).map(lambda x: round(x, 4)), st.booleans()
)
kernels = st.lists(
    st.lists(
        st.one_of(st.integers(0, 48), st.floats(0, 1).map(lambda x: round(x, 5))),
        min_size=1,
        max_size=11,
    ),
    min_size=1,
    max_size=6,
)
rgb = st.lists(st.lists(st.integers(0, 255), min_size=3, max_size=3), min_size=2, max_size=16)
values = st.one_of(words, numbers, palettes, palettes.map(",".join), kernels, rgb)
options = st.dictionaries(st.sampled_from(sorted(Options.model_fields)), values, max_size=8)
cursors = st.from_regex(r"\A[A-Za-z0-9_=-]{0,80}\Z").filter(lambda c: "--" not in c)
keys = st.one_of(
    st.builds("{}/original.{}".format, uuids, st.sampled_from(["png", "jpg", "webp", "gif"])),
    st.builds("{}/{}.png".format, uuids, st.from_regex(r"\A[0-9a-f]{16,64}\Z")),
    st.builds("{}.{}".format, uuids, st.sampled_from(["png", "jpeg", "tif", "bmp", "avif"])),
)

# What people call their pictures: many scripts, emoji, and what looks like code.
letters = st.characters(
    codec="utf-8", exclude_categories=["C", "Zl", "Zp"], exclude_characters='"\\/'
)
filenames = st.one_of(
    st.text(letters, min_size=1, max_size=60).map("{}.png".format),
    st.sampled_from(
        [
            "Ferien & Strand (1).JPG",
            "foto's van oma.jpeg",
            "O'Brien; 50% off!.png",
            "naïve café.gif",
            "写真 2024年.webp",
            "фото из отпуска.png",
            "صورة.png",
            "चित्र.png",
            "ภาพ.png",
            "🌅🏖️.png",
            "select from union.png",
            "drop table.png",
            "<3 you.png",
            "a=b&c=d.png",
            "IMG_0001.HEIC.png",
            "../up.png",
            "C:photo.png",
            "--.png",
            "$(date).png",
            "`x`.png",
            "{{name}}.png",
            "con.png",
            ".png",
        ]
    ),
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
    "Wget/1.21.4",
    "Java-http-client/21.0.5",
    "Go-http-client/1.1",
    "PostmanRuntime/7.42.0",
    "node",
    "",  # none at all
)
REFERERS = (
    "",
    "https://dither.example/",
    "https://dither.example/?image=0f8fad5b-d9cb-469f-a165-70867728950e",
    "https://dither.example/#algorithm=floyd-steinberg&palette=%23000000%2C%23ffffff",
    "https://www.google.com/search?q=how+to+dither+an+image+from+a+select+palette&hl=en",
    "https://duckduckgo.com/?q=dither+%22black+and+white%22+or+%27grey%27&t=h_&ia=web",
    "https://t.co/aB3dE5fG7h",
    "https://mail.example.org/mail/u/0/#inbox/FMfcgzQXKqLmzVwJ",
    "https://example.org/wiki/Dither_(image_processing)?action=view&from=index.php",
    "android-app://com.google.android.gm/",
)
COOKIES = (
    "",
    "_ga=GA1.1.1234567.89; theme=dark",
    "_ga_ABC123=GS1.1.1732656389.3.1.1732656401.48.0.0; _gid=GA1.2.111.222",
    "OptanonConsent=isGpcEnabled=0&datestamp=Thu+Nov+26+2026+12%3A00%3A00+GMT%2B0100+(CET)"
    "&version=202409.1.0&hosts=&groups=C0001%3A1%2CC0002%3A0",
    "session=eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
    "prefs=%7B%22algorithm%22%3A%22atkinson%22%2C%22levels%22%3A2%7D; csrftoken=Zk3+/a==",
    "CookieConsent={stamp:%27-1%27%2Cnecessary:true%2Cpreferences:false%2Cver:1%2Cregion:%27ch%27}",
    "__stripe_mid=0f8fad5b-d9cb-469f-a165-70867728950e1a2b3c; lang=de-CH",
)
ACCEPTS = (
    "*/*",
    "application/json",
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
    "text/event-stream",
)
EXTRA: tuple[dict[str, str], ...] = (
    {},
    {"If-None-Match": 'W/"0f8fad5b", "a+/=="', "Cache-Control": "no-cache", "Pragma": "no-cache"},
    {"X-Requested-With": "XMLHttpRequest", "Cache-Control": "no-cache"},
    {"X-API-Key": "k-9f8e7d6c5b4a39281706f5e4d3c2b1a0"},
    {"Authorization": "Bearer c2VjcmV0LWtleQ+/=="},
    {
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "Last-Event-ID": "17",
    },
    {"Range": "bytes=0-1023", "If-Range": '"v1"'},
    {"Origin": "https://app.example.org", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "cross-site"},
    {
        "sec-ch-ua": '"Chromium";v="131", "Not_A Brand";v="24"',
        "sec-ch-ua-platform": '"Windows"',
        "DNT": "1",
    },
    {
        "Accept-Language": "de-CH,de;q=0.9,en;q=0.8,zh-Hant-TW;q=0.7",
        "Accept-Encoding": "gzip, deflate, br, zstd",
    },
    {"X-Forwarded-For": "203.0.113.17, 10.0.0.1", "X-Request-ID": "req_01JDMQ3Z"},
)


@st.composite
def headers(draw: st.DrawFn) -> dict[str, str]:
    found = {
        "Host": draw(
            st.sampled_from(
                ["dither.example", "dither.example:8443", "127.0.0.1:8080", "localhost"]
            )
        ),
        "User-Agent": draw(st.sampled_from(USER_AGENTS)),
        "Accept": draw(st.sampled_from(ACCEPTS)),
        "Referer": draw(st.sampled_from(REFERERS)),
        "Cookie": draw(st.sampled_from(COOKIES)),
        **draw(st.sampled_from(EXTRA)),
    }
    return {name: value for name, value in found.items() if value}


def as_query(parameters: dict[str, object]) -> str:
    return urlencode(
        {k: json.dumps(v) if isinstance(v, list | dict) else v for k, v in parameters.items()}
    )


queries = st.one_of(
    st.just(""),
    st.builds("limit={}&cursor={}".format, st.integers(1, 200), cursors),
    options.map(as_query),
    options.map(lambda o: urlencode({"options": json.dumps(o)})),
    options.map(lambda o: urlencode({"options": json.dumps(o, indent=2)}, quote_via=quote)),
)
addresses = st.builds(
    "https://{}.example.org/{}".format,
    st.sampled_from(["images", "cdn-2"]),
    st.sampled_from(["photo.jpg", "a/b/c.png?width=800&v=2", "my%20photo.jpg", "2026/11/%C3%BC"]),
)
BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"


def multipart(filename: str, chosen: dict[str, object]) -> bytes:
    part = f"--{BOUNDARY}\r\nContent-Disposition: form-data; name="
    fields = f'{part}"options"\r\n\r\n{json.dumps(chosen)}\r\n'
    file = f'{part}"file"; filename="{filename}"\r\nContent-Type: image/png\r\n\r\n'
    picture = b"\x89PNG\r\n\x1a\n<script>' OR 1=1--\r\n"
    return (fields + file).encode() + picture + f"--{BOUNDARY}--\r\n".encode()


@st.composite
def requests(draw: st.DrawFn) -> list[Valid]:
    """One request for each route of the API, all from one client."""
    uuid, key, channels = draw(uuids), draw(keys), draw(st.integers(2, 256))
    query, chosen, common = draw(queries), draw(options), draw(headers())
    form = {**common, "Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    as_json = {**common, "Content-Type": "application/json"}
    suffix = f"?{query}" if query else ""
    dither = f"/images/{uuid}/{channels}"
    return [
        Valid("GET", f"/{suffix}", common),
        Valid("GET", f"/images{suffix}", common),
        Valid("POST", "/images", form, multipart(draw(filenames), chosen)),
        Valid("POST", "/preview", form, multipart(draw(filenames), chosen)),
        Valid("POST", "/previews/part", form, multipart(draw(filenames), chosen)),
        Valid("POST", "/dither", form, multipart(draw(filenames), chosen)),
        Valid("GET", f"/dither?{urlencode({'url': draw(addresses)})}&{as_query(chosen)}", common),
        Valid("GET", f"/dithers/{uuid}/{draw(uuids)}?format=webp", common),
        Valid("GET", f"/images/{uuid}/file", common),
        Valid("GET", f"/images/{uuid}", common),
        Valid("DELETE", f"/images/{uuid}", common),
        Valid("POST", dither, as_json, json.dumps(chosen).encode()),
        Valid("POST", f"{dither}?{as_query(chosen)}", common, b""),
        Valid("GET", f"/files/{key}", common),
        Valid("GET", f"/dithers/{uuid}{suffix}", common),
    ]
