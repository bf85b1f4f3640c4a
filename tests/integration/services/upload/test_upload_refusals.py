"""Bad uploads: the answer says what is wrong, nothing is stored; file names are made safe."""

from collections.abc import Iterator
from typing import Any

import pytest

from shared.database import Database
from tests.integration.services.support import (
    Client,
    rows,
    sentence,
)
from tests.integration.services.upload.uploading import PNG, multipart, send
from tests.support.pictures import black_png, picture

pytestmark = pytest.mark.usefixtures("no_images")


@pytest.fixture
def _leaves_nothing(tables: Database) -> Iterator[None]:
    yield
    assert rows(tables, "SELECT count(*) FROM upload.images") == [(0,)]
    assert rows(tables, "SELECT count(*) FROM upload.outbox") == [(0,)]


BAD_FORMS: dict[str, tuple[dict[str, Any], int, str]] = {
    "no file": ({"files": {"email": (None, "ada@example.org")}}, 422, "none was sent"),
    "two files": ({"files": [("file", ("a", PNG)), ("file", ("b", PNG))]}, 422, "2 were sent"),
    "three files": ({"files": [("file", (n, PNG)) for n in "abc"]}, 422, "at most 1"),
    "a text instead": ({"files": {"file": (None, "a text")}}, 422, "a text was sent instead"),
    "another field": ({"files": {"picture": ("a.png", PNG)}}, 422, "no field 'picture'"),
    "an empty file": ({"files": {"file": ("a.png", b"")}}, 422, "empty"),
    "a text named .png": ({"files": {"file": ("a.png", b"a text")}}, 415, "PNG, JPEG, GIF"),
    "a cut JPEG": (
        {"files": {"file": ("a.jpg", picture("JPEG", (300, 300))[:2000])}},
        422,
        "damaged or cut short",
    ),
    "169 Mpx in 20 KB": (
        {"files": {"file": ("a.png", black_png(13_000, 13_000))}},
        422,
        "at most 50,000,000 pixels",
    ),
    "a large file": ({"files": {"file": ("a.png", PNG + bytes(300_000))}}, 413, "300,000 bytes"),
    "no form at all": ({"json": {"file": "a"}}, 415, "multipart/form-data"),
    "nothing": ({}, 415, "multipart/form-data"),
    "a form without its boundary": (
        {"data": b"--cut\r\n", "headers": {"Content-Type": "multipart/form-data"}},
        400,
        "cannot be read",
    ),
    "a form that breaks off": (
        {
            "data": b"--cut\r\nContent-Disposition: form-data; name=file; filen",
            "headers": {"Content-Type": "multipart/form-data; boundary=cut"},
        },
        422,
        "none was sent",
    ),
    "a form in no charset": (
        {
            "data": multipart(b'name="file"; filename="a.png"')["data"],
            "headers": {"Content-Type": "multipart/form-data; boundary=cut; charset=undefined"},
        },
        400,
        "cannot be read",
    ),
    "an email with a newline": (
        {"files": {"file": ("a.png", PNG)}, "data": {"email": "a@b.org\r\nBcc: c@d.org"}},
        422,
        "email: ",
    ),
    "two emails": (
        {"files": {"file": ("a.png", PNG)}, "data": {"email": ["a@b.org", "c@d.org"]}},
        422,
        "sent only once",
    ),
    "an email as a file": (
        {"files": {"file": ("a.png", PNG), "email": ("e.txt", b"a@b.org")}},
        422,
        "must be text",
    ),
    "options that are no JSON": (
        {"files": {"file": ("a.png", PNG)}, "data": {"options": "channels=4"}},
        422,
        "options: a JSON object",
    ),
    "options of 100 KB": (
        {"files": {"file": ("a.png", PNG)}, "data": {"options": '{"a": "' + "b" * 100_000 + '"}'}},
        400,
        "cannot be read",
    ),
}


@pytest.mark.usefixtures("_leaves_nothing")
@pytest.mark.parametrize("case", BAD_FORMS)
def test_a_bad_upload_is_told_what_is_wrong(client: Client, case: str) -> None:
    request, status, word = BAD_FORMS[case]
    assert word in sentence(client.post("/images", **request), status)


@pytest.mark.usefixtures("_leaves_nothing")
@pytest.mark.parametrize(
    "email",
    [
        *("nobody", "a@b", "a@b.org, c@d.org", "a b@c.org", "a@" + "b" * 300, "\0"),
        "=?utf-8?q?=0D=0AX=3Ay?=@example.org",
    ],
)
def test_an_email_that_is_none(client: Client, email: str) -> None:
    detail = sentence(send(client, email=email), 422)
    assert detail == "email: must be one address such as name@example.org."


@pytest.mark.usefixtures("_leaves_nothing")
@pytest.mark.parametrize("declared", [True, False])
def test_a_body_that_is_too_large_is_not_read_to_its_end(client: Client, declared: bool) -> None:
    form = multipart(b'name="file"; filename="a.png"', bytes(500_000))
    if not declared:
        form["data"] = iter([form["data"][:200_000], form["data"][200_000:]])
    answer = client.post("/images", **form)
    assert "at most 365,536 bytes" in sentence(answer, 413)


@pytest.mark.parametrize(
    ("disposition", "kept"),
    [
        (b'name="file"; filename="../../x"', "x"),
        (b'name="file"; filename="..\\..\\x.png"', "x.png"),
        (b'name="file"; filename="a\0b.png"', "ab.png"),
        (b'name="file"; filename="she said \\"hi\\".png"', 'she said "hi".png'),
        ('name="file"; filename="photo\u202egnp.exe"'.encode(), "photognp.exe"),
        ('name="file"; filename="\u200fתמונה.png"'.encode(), "תמונה.png"),
        (b'name="file"; filename="\xff\xfe.png"', "ÿþ.png"),
        (b'name="file"; filename="."', "image"),
    ],
)
def test_a_filename_is_kept_as_harmless_text(client: Client, disposition: bytes, kept: str) -> None:
    answer = client.post("/images", **multipart(disposition))
    assert answer.status_code == 201, answer.text
    assert answer.json()["filename"] == kept


def test_a_filename_with_a_line_break_is_kept_without_it(client: Client) -> None:
    encoded = b"name=\"file\"; filename*=UTF-8''a%0D%0AX-Evil:%201.png"
    for disposition in (encoded, b'name="file"; filename="a\r\nX-Evil: 1.png"'):
        answer = client.post("/images", **multipart(disposition))
        if answer.status_code == 201:
            assert "\n" not in answer.json()["filename"]
            assert "x-evil" not in answer.headers
        else:
            assert sentence(answer, 422)


def test_a_filename_of_64_kb_is_cut_or_refused(client: Client) -> None:
    answer = client.post("/images", **multipart(b'name="file"; filename="' + b"n" * 65536 + b'"'))
    if answer.status_code == 201:
        assert len(answer.json()["filename"]) <= 200
    else:
        assert "cannot be read" in sentence(answer, 400)
