"""A name is text that can be stored, shown and mailed, whatever was sent as one."""

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from upload_service.filenames import LONGEST, UNNAMED, clean_filename

NASTY = st.sampled_from(
    [
        *("\0", "\r", "\n", "\t", "\u202e", "\u2066", "\u200f", "\ufeff", "\u2028", "\x85", "\x7f"),
        *("/", "\\", "..", ".", " ", '"', "<", "&", "\ud800", "é", "e\u200d\u0301", "图", "😀"),
    ]
)
NAMES = st.none() | st.text() | st.lists(NASTY | st.text(max_size=5)).map("".join)


@settings(deadline=None)
@given(NAMES)
def test_a_clean_name_is_short_printable_text_without_a_path(name: str | None) -> None:
    cleaned = clean_filename(name)
    assert 0 < len(cleaned) <= LONGEST
    assert not {"/", "\\"} & set(cleaned)
    assert all(unicodedata.category(c)[0] != "C" for c in cleaned)
    assert cleaned == " ".join(cleaned.split(" ")).strip()
    cleaned.encode()


@settings(deadline=None)
@given(NAMES)
@example("x" * (LONGEST - 1) + " y")
@example("e\u200d\u0301")
def test_cleaning_twice_changes_nothing(name: str | None) -> None:
    once = clean_filename(name)
    assert clean_filename(once) == once


@settings(deadline=None)
@given(st.integers(1, 100_000))
def test_a_long_name_keeps_its_beginning(length: int) -> None:
    cleaned = clean_filename("a" * length)
    assert cleaned == "a" * min(length, LONGEST)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("photo.jpg", "photo.jpg"),
        ("Große Straße 图.jpeg", "Große Straße 图.jpeg"),
        ("cafe\u0301.png", "café.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\photo.png", "photo.png"),
        ("a\r\nSet-Cookie: x=1.png", "aSet-Cookie: x=1.png"),
        ("a\0b.png", "ab.png"),
        ('she said "hi".png', 'she said "hi".png'),
        ("<img src=x onerror=alert(1)>.png", "<img src=x onerror=alert(1)>.png"),
        ("photo\u202egnp.exe", "photognp.exe"),
        ("  .hidden  ", "hidden"),
        ("a\t  b.png", "a b.png"),
        ("...", UNNAMED),
        ("/", UNNAMED),
        ("", UNNAMED),
        (None, UNNAMED),
    ],
)
def test_what_is_kept_of_a_name(sent: str | None, kept: str) -> None:
    assert clean_filename(sent) == kept


def test_a_name_that_is_too_long_keeps_its_extension() -> None:
    cleaned = clean_filename("n" * 300 + ".jpeg")
    assert cleaned.startswith("nnn")
    assert cleaned.endswith(".jpeg")
    assert len(cleaned) <= LONGEST
