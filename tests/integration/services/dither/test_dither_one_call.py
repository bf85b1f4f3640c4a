"""One call: a picture in, the dithered file out; its bounds, and what is refused."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dither_engine import Encoded, Options, dither_bytes
from dither_service.one_call import Engine, OneCall
from dither_service.pool import Job
from tests.integration.services.dither.calling import PNG, SETTINGS, entries, send, serving
from tests.integration.services.support import Client, sentence
from tests.support.pictures import picture


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with serving() as started:
        yield started


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
    assert "your copy" in sentence(again, 412)
    assert made == [PNG]


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
            422, "width: it was sent twice",
        ),
        (
            {"files": {"file": ("a.png", PNG)}, "data": {"width": "9"}, "params": {"width": "9"}},
            422, "width: it was sent twice",
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
