"""A name is text that can be stored, shown and mailed, whatever was sent as one."""

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.filenames import (
    LONGEST,
    UNNAMED,
    clean_filename,
    content_disposition,
    sent_filename,
    with_extension,
)

NASTY = st.sampled_from(
    [
        *("\0", "\r", "\n", "\t", "\u202e", "\u2066", "\u200f", "\ufeff", "\u2028", "\x85", "\x7f"),
        *("/", "\\", "..", ".", " ", '"', "<", "&", "\ud800", "é", "e\u200d\u0301", "图", "😀"),
        *("\u200c", "\u200d", "می", "\u0301", "\u094d"),
    ]
)
NAMES = st.none() | st.text() | st.lists(NASTY | st.text(max_size=5)).map("".join)


@settings(deadline=None)
@given(NAMES)
def test_a_clean_name_is_short_printable_text_without_a_path(name: str | None) -> None:
    cleaned = clean_filename(name)
    assert 0 < len(cleaned) <= LONGEST
    assert not {"/", "\\"} & set(cleaned)
    assert all(unicodedata.category(c)[0] != "C" or c in "\u200c\u200d" for c in cleaned)
    assert cleaned == " ".join(cleaned.split(" ")).strip()
    cleaned.encode()


@settings(deadline=None)
@given(NAMES)
@example("x" * (LONGEST - 1) + " y")
@example("e\u200d\u0301")
@example("e\u0301\u200dक")
@example("e\a\u0301\u200dक")
@example("क" * (LONGEST - 1) + "\u200dक")
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
        ("می\u200cخواهم.png", "می\u200cخواهم.png"),
        ("क्\u200dष.png", "क्\u200dष.png"),
        ("👩🏽\u200d🚀.png", "👩🏽\u200d🚀.png"),
        ("🏳\ufe0f\u200d🌈.png", "🏳\ufe0f\u200d🌈.png"),
        ("pay\u200dpal.png", "paypal.png"),
        ("क\u200d.png", "क.png"),
        ("\u200d\u200c.png", "png"),
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


@pytest.mark.parametrize(
    ("parameters", "meant"),
    [
        ('filename="photo.png"', "photo.png"),
        ('filename="über €.png"', "über €.png"),
        ('filename="she said %22hi%22.png"', 'she said "hi".png'),
        ('filename="100%25.png"', "100%25.png"),
        ('filename="a%0D%0Ab.png"', "a\r\nb.png"),
        ("filename*=UTF-8''%C3%BCber%20%E2%82%AC.png", "über €.png"),
        ("filename*=utf-8'en'%C3%BCber.png", "über.png"),
        ("filename*=iso-8859-1''%fcber.png", "über.png"),
        ("filename=\"euro.png\"; filename*=UTF-8''%E2%82%AC.png", "€.png"),
        ("filename=\"=?utf-8?B?w7xiZXIucG5n?=\"; filename*=utf-8''%C3%BCber.png", "über.png"),
        ('filename="=?utf-8?B?w7xiZXIucG5n?="', "über.png"),
        ('filename="=?utf-8?Q?=C3=BCber_all.png?="', "über all.png"),
        ('filename="=?utf-8?B?w7xiZXI=?= =?utf-8?B?LnBuZw==?="', "über.png"),
        ('filename="=?nonsense?B?w7xiZXIucG5n?="', "=?nonsense?B?w7xiZXIucG5n?="),
        ('filename="=?utf-8?B?w?="', "=?utf-8?B?w?="),
        ('filename="what=?.png"', "what=?.png"),
        ('filename="2 * 3.png"', "2 * 3.png"),
    ],
)
def test_a_name_as_clients_write_it(parameters: str, meant: str) -> None:
    plain = parameters.partition('filename="')[2].partition('"')[0]
    assert sent_filename(plain, f'form-data; name="file"; {parameters}') == meant


@settings(deadline=None)
@given(NAMES)
def test_any_header_field_gives_a_name(name: str | None) -> None:
    text = (name or "").encode("utf-8", "replace").decode()
    for parameters in (f'filename="{text}"', f"filename*={text}", f"filename*=UTF-8''{text}"):
        clean_filename(sent_filename(text, f"form-data; name=file; {parameters}"))


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("photo.png", 'inline; filename="photo.png"'),
        ("für.png", "inline; filename=\"fur.png\"; filename*=UTF-8''f%C3%BCr.png"),
        ('a"b.png', "inline; filename=\"a_b.png\"; filename*=UTF-8''a%22b.png"),
        ("图.png", "inline; filename=\"image.png\"; filename*=UTF-8''%E5%9B%BE.png"),
        ("图", "inline; filename=\"image\"; filename*=UTF-8''%E5%9B%BE"),
    ],
)
def test_a_name_as_it_is_sent_back(name: str, field: str) -> None:
    assert content_disposition(name) == field


@settings(deadline=None)
@given(NAMES)
def test_what_is_sent_back_is_ascii_and_is_the_name(name: str | None) -> None:
    cleaned = clean_filename(name)
    field = content_disposition(cleaned, "attachment")
    assert field.isascii()
    assert field.isprintable()
    plain = field.partition('filename="')[2].partition('"')[0]
    assert sent_filename(plain, field) == cleaned


@pytest.mark.parametrize(
    ("name", "renamed"),
    [("a.jpeg", "a.png"), ("a", "a.png"), ("v1.2 final", "v1.2 final.png"), ("x.y.z", "x.y.png")],
)
def test_a_result_has_its_own_extension(name: str, renamed: str) -> None:
    assert with_extension(name, "png") == renamed
