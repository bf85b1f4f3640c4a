"""One call with several files: a ZIP, in order, with a text for each file that fails."""

import io
import threading
import zipfile
from collections.abc import Iterator

import pytest

from dither_engine import Encoded, Options, dither_bytes
from dither_service.pool import Job
from shared.failures import TransientFailure
from tests.integration.services.dither.calling import PNG, entries, send, serving
from tests.integration.services.support import Client
from tests.support.pictures import picture


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with serving() as started:
        yield started


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
