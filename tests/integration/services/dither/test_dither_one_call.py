"""One call: a picture in, the dithered file out; several in, a ZIP out; and what is refused."""

import asyncio
import io
import json
import threading
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import pytest
from PIL import Image

from dither_engine import Encoded, Options, dither_bytes
from dither_service.fetch import Fetcher
from dither_service.one_call import Engine, OneCall, engine_of
from dither_service.one_call_api import one_call_router
from dither_service.pool import DitherPool, Job
from dither_service.preview import Previews
from dither_service.settings import DitherSettings
from shared.failures import TransientFailure
from shared.health import Health
from shared.http import BodyLimit, create_app
from tests.integration.services.support import Client, sentence, served
from tests.support.https_server import HttpsServer, body, https_server
from tests.support.pictures import picture

PNG = picture("PNG", (64, 48))
HOST = "pictures.example.org"
SETTINGS = DitherSettings(
    max_upload_bytes=300_000,
    dither_call_max_bytes=900_000,
    max_pixels=200_000,
    dither_call_max_files=4,
    dither_call_seconds=120,  # the first call waits until the engine is loaded
)


async def here(host: str) -> Sequence[str]:
    return ["127.0.0.1"]


@contextmanager
def serving(
    settings: DitherSettings = SETTINGS, engine: Engine | None = None, pictures: Any = None
) -> Iterator[Client]:
    """The routes of one call; ``pictures`` is the server that GET may fetch from."""
    fetcher = Fetcher(settings)
    if pictures is not None:
        settings = settings.model_copy(update={"dither_url_hosts": f"{HOST}:{pictures.port}"})
        fetcher = Fetcher(
            settings, resolve=here, is_allowed=lambda _: True, authority=pictures.authority
        )
    app = create_app("One call", Health("dither", {}))
    app.add_middleware(BodyLimit, max_bytes=1000, larger={"/dither": 900_000})
    pool = DitherPool(settings)
    one_call = OneCall(settings, engine or engine_of(Previews(settings, pool)))
    app.include_router(one_call_router(settings, one_call, fetcher))
    with closing(pool), served(app) as client:
        yield client


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


def send(client: Client, *files: tuple[str, bytes], **request: Any) -> Any:
    sent = [("file", file) for file in files] or [("file", ("photo.jpg", PNG))]
    return client.post("/dither", files=sent, **request)


# One file.


def test_the_answer_is_the_file(client: Client) -> None:
    answer = send(client)
    assert answer.status_code == 200
    assert answer.content == dither_bytes(PNG, Options()).data
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"] == 'inline; filename="photo.png"'
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-dither-width"] == "64"
    steps = answer.headers["server-timing"].split(", ")
    assert [step.partition(";")[0] for step in steps] == ["read", "dither"]


OPTIONS = {"palette": ["#000000", "#ffffff", "#ff0000"], "width": 32, "channels": 3, "scale": 2}
TEXTS = {"palette": "#000000,#ffffff,#ff0000", "width": "32", "channels": "3", "scale": "2"}


@pytest.mark.parametrize(
    "request_parts",
    [
        {"data": {"options": json.dumps(OPTIONS)}},
        {"data": TEXTS},
        {"params": TEXTS},
        {"data": {"width": "32", "options": json.dumps({"channels": 3})}, "params": {
            "palette": "#000000,#ffffff,#ff0000", "scale": "2"}},
    ],
    ids=["JSON", "fields", "query", "all three"],
)  # fmt: skip
def test_options_come_as_json_as_fields_or_in_the_query(
    client: Client, request_parts: dict[str, Any]
) -> None:
    expected = dither_bytes(PNG, Options(**OPTIONS)).data
    assert send(client, **request_parts).content == expected


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("*/*", "image/png"),
        ("image/*", "image/png"),
        ("image/webp", "image/webp"),
        ("image/webp, image/png;q=0.5", "image/webp"),
        ("image/avif,image/webp,image/png,image/svg+xml,*/*;q=0.8", "image/png"),
        ("image/gif;q=1, image/*;q=0.1", "image/gif"),
        ("text/html, image/gif", "image/gif"),
        ("application/zip, image/png;q=0.5", "image/png"),
    ],
)
def test_the_client_chooses_the_format(client: Client, accept: str, content_type: str) -> None:
    answer = send(client, headers={"accept": accept})
    assert answer.headers["content-type"] == content_type
    assert answer.headers["vary"] == "accept"


def test_the_option_format_counts_more(client: Client) -> None:
    answer = send(client, data={"format": "gif"}, headers={"accept": "image/webp"})
    assert answer.headers["content-type"] == "image/gif"
    assert answer.headers["content-disposition"] == 'inline; filename="photo.gif"'


@pytest.mark.parametrize("accept", ["image/jpeg", "text/html", "image/*;q=0"])
def test_no_format_that_the_client_accepts(client: Client, accept: str) -> None:
    assert "image/png, image/gif, image/webp" in sentence(
        send(client, headers={"accept": accept}), 406
    )


def test_the_answer_says_what_auto_chose(client: Client) -> None:
    options = {"auto": "natural", "palette": "spectra-6"}
    chosen = json.loads(send(client, data=options).headers["x-dither-chosen"])
    assert chosen == dict(dither_bytes(PNG, Options(**options)).chosen)
    assert "x-dither-chosen" not in send(client).headers
    _, _, manifest = entries(send(client, ("a.png", PNG), ("b.png", PNG), data=options))
    assert manifest[0]["chosen"] == chosen


def test_the_file_keeps_its_name(client: Client) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; '
    form = head + b"filename*=UTF-8''%C3%BCber%20%E2%82%AC.jpg\r\n\r\n" + PNG + b"\r\n--x--\r\n"
    answer = client.post(
        "/dither", data=form, headers={"content-type": "multipart/form-data; boundary=x"}
    )
    field = answer.headers["content-disposition"]
    assert field == "inline; filename=\"uber .png\"; filename*=UTF-8''%C3%BCber%20%E2%82%AC.png"


def test_a_large_file_with_only_an_extended_name_is_a_file(client: Client) -> None:
    """It is larger than a text may be."""
    data = picture("BMP", (200, 200))
    head = b"--x\r\nContent-Disposition: form-data; name=file; filename*=UTF-8''a.bmp\r\n\r\n"
    answer = client.post(
        "/dither",
        data=head + data + b"\r\n--x--\r\n",
        headers={"content-type": "multipart/form-data; boundary=x"},
    )
    assert answer.headers["x-dither-width"] == "200"


def test_the_tag_is_that_of_content_and_options(client: Client) -> None:
    tag = send(client).headers["etag"]
    assert send(client, ("other.jpg", PNG)).headers["etag"] == tag
    assert send(client, data={"algorithm": "floyd-steinberg"}).headers["etag"] == tag
    assert send(client, data={"algorithm": "atkinson"}).headers["etag"] != tag
    assert send(client, ("photo.jpg", picture("PNG", (9, 9)))).headers["etag"] != tag
    assert send(client, headers={"accept": "image/gif"}).headers["etag"] != tag


def test_a_result_that_the_client_has_is_not_made_again() -> None:
    made: list[bytes] = []

    def engine(data: bytes, options: Options, job: Job) -> Encoded:
        made.append(data)
        return dither_bytes(data, options)

    with serving(engine=engine) as client:
        tag = send(client).headers["etag"]
        again = send(client, headers={"if-none-match": tag})
    assert "you have" in sentence(again, 412)
    assert made == [PNG]


# Several files.


def entries(answer: Any) -> tuple[list[str], dict[str, bytes], Any]:
    """The names in the ZIP in order, the contents by name, and the manifest."""
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        contents = {name: archive.read(name) for name in names}
    return names, contents, json.loads(contents["manifest.json"])["files"]


def test_several_files_come_back_in_order(client: Client) -> None:
    files = [(f"{name}.jpg", picture("PNG", (40 + n, 30))) for n, name in enumerate("cab")]
    answer = send(client, *files, data={"format": "gif"})
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == 'attachment; filename="dithered.zip"'
    names, contents, manifest = entries(answer)
    assert names == ["c.gif", "a.gif", "b.gif", "manifest.json"]
    for (_, data), name in zip(files, names, strict=False):
        assert contents[name] == dither_bytes(data, Options(format="gif")).data
    assert manifest[1] == {
        "file": "a.jpg", "entry": "a.gif", "status": 200, "width": 41, "height": 30, "colours": 8
    }  # fmt: skip


def test_a_bad_file_is_a_text_in_its_place(client: Client) -> None:
    answer = send(client, ("a.png", PNG), ("b.png", b"no image"), ("c.png", b""), ("d.png", PNG))
    names, contents, manifest = entries(answer)
    assert names == ["a.png", "b.png.txt", "c.png.txt", "d.png", "manifest.json"]
    assert contents["b.png.txt"].decode().startswith("b.png: This is no image that can be read")
    assert b"empty" in contents["c.png.txt"]
    assert [entry["status"] for entry in manifest] == [200, 422, 422, 200]
    assert manifest[1]["entry"] == "b.png.txt"
    assert manifest[1]["detail"] in contents["b.png.txt"].decode()


def test_what_fails_for_a_moment_is_a_text_too() -> None:
    def engine(data: bytes, options: Options, job: Job) -> Encoded:
        if not data:
            raise TransientFailure("no process can be started")
        return dither_bytes(data, options)

    with serving(engine=engine) as client:
        names, contents, manifest = entries(send(client, ("a.png", b""), ("b.png", PNG)))
    assert names == ["a.png.txt", "b.png", "manifest.json"]
    assert b"try again" in contents["a.png.txt"]
    assert [entry["status"] for entry in manifest] == [503, 200]


def test_equal_names_are_numbered(client: Client) -> None:
    answer = send(client, ("a.jpg", PNG), ("a.png", PNG), ("b/a.gif", PNG), ("manifest.json", PNG))
    names, _, manifest = entries(answer)
    assert names == ["a.png", "a-2.png", "a-3.png", "manifest.png", "manifest.json"]
    assert [entry["entry"] for entry in manifest] == names[:-1]


def test_a_single_file_in_a_zip_if_only_that_is_accepted(client: Client) -> None:
    names, _, _ = entries(send(client, headers={"accept": "application/zip"}))
    assert names == ["photo.png", "manifest.json"]


def test_the_first_results_are_sent_while_the_others_are_made() -> None:
    others_may_be_made = threading.Event()
    done: list[int] = []

    def engine(data: bytes, options: Options, job: Job) -> Encoded:
        if done:
            assert others_may_be_made.wait(30)
        done.append(1)
        return dither_bytes(data, options)

    with serving(engine=engine) as client:
        answer = send(client, ("a.png", PNG), ("b.png", PNG), stream=True)
        parts = answer.iter_content(None)
        first = next(parts)
        assert first.startswith(b"PK")
        assert len(done) == 1
        others_may_be_made.set()
        rest = b"".join(parts)
    with zipfile.ZipFile(io.BytesIO(first + rest)) as archive:
        assert archive.namelist() == ["a.png", "b.png", "manifest.json"]


# Bounds.


def test_too_many_files(client: Client) -> None:
    for count in (5, 9):
        answer = send(client, *[("a.png", PNG)] * count)
        assert "4" in sentence(answer, 422)


def test_too_many_bytes(client: Client) -> None:
    large = picture("BMP", (400, 300))
    assert "300,000 bytes" in sentence(send(client, ("a.bmp", large)), 413)
    three = [("a.bmp", large[:299_000])] * 4
    assert "900,000 bytes" in sentence(send(client, *three), 413)


def test_too_many_pixels(client: Client) -> None:
    answer = send(client, ("a.png", picture("PNG", (500, 401))))
    assert "200,000 pixels" in sentence(answer, 422)
    answer = send(client, data={"width": "500", "height": "401"})
    assert "200,000 pixels" in sentence(answer, 422)


@pytest.mark.parametrize(
    ("request_parts", "status", "word"),
    [
        ({"data": {"file": "a text"}}, 415, "multipart/form-data"),
        ({"files": {"file": (None, "a text")}}, 422, "a text was sent instead"),
        ({"files": {"options": (None, "{}")}}, 422, "none was sent"),
        ({"files": {"picture": ("a.png", PNG)}}, 422, "no field 'picture'"),
        ({"files": {"file": ("a.png", PNG)}, "data": {"colour": "1"}}, 422, "no field 'colour'"),
        ({"files": {"file": ("a.png", PNG)}, "params": {"a": "1"}}, 422, "no option 'a'"),
        ({"files": {"file": ("a.png", PNG)}, "params": {"url": "x"}}, 422, "no option 'url'"),
        ({"files": {"file": ("a.png", PNG)}, "data": {"width": "0"}}, 422, "from 1 to 20000"),
        ({"files": {"file": ("a.png", PNG)}, "data": {"options": "["}}, 422, "a JSON object"),
        (
            {"files": {"file": ("a.png", PNG)}, "data": {"width": "9", "options": '{"width": 9}'}},
            422, "width: it is given twice",
        ),
        (
            {"files": {"file": ("a.png", PNG)}, "data": {"width": "9"}, "params": {"width": "9"}},
            422, "width: it is given twice",
        ),
        ({"files": {"file": ("a.png", b"")}}, 422, "it is empty"),
        ({"files": {"file": ("a.png", PNG[:60])}}, 422, "damaged"),
        ({"files": {"file": ("a.txt", b"a text")}}, 422, "no image"),
        ({"data": b"x", "headers": {"content-type": "image/png"}}, 415, "multipart/form-data"),
        ({"json": {"options": {}}}, 422, "url"),
        ({"json": {"url": 7}}, 422, "url"),
        ({"json": {"url": "https://a.example/", "width": 9}}, 422, "options"),
        ({"json": []}, 422, "a JSON object"),
        ({"json": {"url": "https://a.example/b.png"}}, 403, "DITHER_URL_HOSTS"),
    ],
)  # fmt: skip
def test_what_is_refused(
    client: Client, request_parts: dict[str, Any], status: int, word: str
) -> None:
    assert word in sentence(client.post("/dither", **request_parts), status)


def waiting(released: threading.Event, entered: Callable[[], None]) -> Engine:
    result = dither_bytes(PNG, Options())

    def engine(data: bytes, options: Options, job: Job) -> Encoded:
        job.begun = True
        entered()
        assert released.wait(30)
        return result

    return engine


def test_what_takes_too_long_is_given_up_and_what_never_began_can_be_repeated() -> None:
    released, entered = threading.Event(), threading.Event()
    settings = SETTINGS.model_copy(update={"dither_call_seconds": 0.5, "dither_calls_at_once": 1})
    with serving(settings, waiting(released, entered.set)) as client:
        assert "longer than 0.5 seconds" in sentence(send(client), 422)
        assert entered.is_set()
        busy = send(client)
        assert "Too many images" in sentence(busy, 503)
        assert busy.headers["retry-after"]
        released.set()
        assert send(client).status_code == 200


def test_while_no_worker_is_found_the_call_can_be_repeated() -> None:
    released = threading.Event()

    def engine(data: bytes, options: Options, job: Job) -> Encoded:
        assert released.wait(30)
        raise AssertionError("nobody waits for this any more")

    with serving(SETTINGS.model_copy(update={"dither_call_seconds": 0.2}), engine) as client:
        assert "just started" in sentence(send(client), 503)
        released.set()


def test_work_that_is_cancelled_before_its_turn_is_not_begun() -> None:
    released, entered = threading.Event(), threading.Event()
    begun: list[bytes] = []
    wait = waiting(released, entered.set)

    def engine(data: bytes, options: Options, job: Job) -> Encoded:
        begun.append(data)
        return wait(data, options, job)

    async def two() -> None:
        one_call = OneCall(SETTINGS.model_copy(update={"dither_calls_at_once": 1}), engine)
        first = asyncio.create_task(one_call.dither(PNG, Options()))
        await asyncio.to_thread(entered.wait, 30)
        second = asyncio.create_task(one_call.dither(b"of a client that goes", Options()))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.wait({second})
        released.set()
        await first
        await one_call.dither(PNG, Options())

    asyncio.run(two())
    assert begun == [PNG, PNG]


# A picture from the web.


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
        ("", "url: give the address"),
        ("?url=a&url=b", "url: give the address"),
        ("?url=https://a.example/&wide=7", "no option 'wide'"),
        ("?url=https://a.example/&width=x", "width is"),
    ],
)
def test_wrong_queries_are_refused_before_anything_is_fetched(
    fetching: Client, query: str, word: str
) -> None:
    assert word in sentence(fetching.get(f"/dither{query}"), 422)
