"""The mail itself: whatever the filename, it is one mail to one person with one link."""

import email
import email.policy
import inspect
import re
from datetime import UTC, datetime
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from notification_service.email import Envelope, UnusableAddress, write_confirmation
from notification_service.settings import NotificationSettings
from tests.support.mails import LINKS, UNSUBSCRIBE_URL, URL, dithered_mail

NASTY = st.sampled_from(
    [
        "\r\n",
        "\n",
        "\0",
        "\x85",
        "\u2028",
        "\u202e",
        "<b>",
        "&amp;",
        '"',
        "'",
        "%0a",
        *("=", "?", "=?", "?=", "==?utf-8?q?a?=", "=?utf-8?b?DQpYOnk=?="),
        *("=?utf-8?q?a?=", "=?utf-8?q?=0D=0A=0D=0AHello_evil?=", "=?utf-8?q?=0D=0AX=3Ay?="),
        "=?utf-8?q?=0D=0ABcc:_evil@example.org?=",
    ]
)
TEXT = st.lists(NASTY | st.text(st.characters(exclude_categories=["Cs"]), max_size=9)).map("".join)
HEADERS = [
    *(b"From", b"To", b"Subject", b"Date", b"Message-ID", b"Auto-Submitted"),
    *(b"List-Unsubscribe", b"List-Unsubscribe-Post", b"MIME-Version"),
    b"Content-Type",
]


def sent(**changed: Any) -> bytes:
    return bytes(dithered_mail(**{"mail_id": UUID(int=7), **changed}))


def an_email(**changed: Any) -> EmailMessage:
    """The mail as a reader gets it: written, sent as bytes, and read again."""
    return email.message_from_bytes(sent(**changed), policy=email.policy.default)


def check_headers(mail: bytes) -> None:
    """The bytes have our headers, each once and in our order, and then comes our own body."""
    head, _, body = mail.partition(b"\r\n\r\n")
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|[\0\x7f-\xff]", head)
    begins = [line for line in head.split(b"\r\n") if not line.startswith((b" ", b"\t"))]
    assert [line.partition(b":")[0] for line in begins] == HEADERS
    assert body.startswith(b"--==")


def text_of(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert isinstance(part, EmailMessage)
    return str(part.get_content())


class Html(HTMLParser):
    """The tags, the links and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str | None] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_a_mail_says_from_whom_to_whom_about_what() -> None:
    message = an_email()
    assert message["From"] == "Dither <no-reply@pictures.example.org>"
    assert message["To"] == "ada@example.org"
    assert message["Subject"] == "Your dithered image: photo.jpg"
    assert message["Date"] == "Mon, 04 May 2026 03:02:01 +0000"
    assert message["Auto-Submitted"] == "auto-generated"


def test_text_and_html_have_the_link_and_the_name() -> None:
    message = an_email()
    assert message.get_content_type() == "multipart/alternative"
    for kind in ("plain", "html"):
        assert URL in text_of(message, kind)
        assert "photo.jpg" in text_of(message, kind)


def test_one_click_ends_all_mails() -> None:
    """RFC 8058: the link is one unbroken word in its header, however long it is."""
    head = sent().partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert f"List-Unsubscribe: <{UNSUBSCRIBE_URL}>".encode() in head
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in head
    assert UNSUBSCRIBE_URL in text_of(an_email(), "plain")


def test_the_picture_is_in_the_mail_itself() -> None:
    message = an_email(thumbnail=b"\xff\xd8 small")
    [image] = [part for part in message.walk() if part.get_content_type() == "image/jpeg"]
    assert image.get_content() == b"\xff\xd8 small"
    assert image.get_content_disposition() == "inline"
    name = image["Content-ID"].strip("<>")
    assert f'src="cid:{name}"' in text_of(message, "html")
    assert "<img" not in text_of(an_email(), "html")


def test_the_mail_says_how_it_was_made_and_when_the_links_end() -> None:
    lines = ["Algorithm: atkinson", "Colours: gameboy"]
    message = an_email(settings=lines, ends_at=datetime(2026, 6, 3, tzinfo=UTC))
    for kind in ("plain", "html"):
        text = text_of(message, kind)
        assert all(line in text for line in (*lines, "until 3 June 2026."))
    assert "until you delete the picture" in text_of(an_email(), "plain")


def test_a_confirmation_has_no_word_of_the_sender() -> None:
    envelope = Envelope("D <d@d.example>", "ada@example.org", uuid4(), datetime.now(UTC), URL)
    message = write_confirmation(envelope, "https://pictures.example.org/mail/confirm/token")
    assert message["Subject"] == "Do you want mails about your dithered images?"
    assert set(inspect.signature(write_confirmation).parameters) == {"envelope", "confirm_url"}
    for kind in ("plain", "html"):
        assert "https://pictures.example.org/mail/confirm/token" in text_of(message, kind)


def test_the_same_dither_has_the_same_message_id() -> None:
    dither_id = uuid4()
    first = an_email(mail_id=dither_id)
    again = an_email(mail_id=dither_id, written_at=datetime(2027, 1, 1, tzinfo=UTC))
    assert first["Message-ID"] == again["Message-ID"] == f"<{dither_id}@pictures.example.org>"
    assert an_email(mail_id=uuid4())["Message-ID"] != first["Message-ID"]


def test_markup_in_a_name_is_text() -> None:
    name = '<script>alert("1")</script> & <a href=x>.png'
    page = Html(text_of(an_email(filename=name), "html"))
    assert name in page.texts
    assert "script" not in page.tags
    assert set(page.links) == LINKS


def test_a_link_cannot_leave_its_attribute() -> None:
    url = 'https://example.org/"onmouseover="alert(1)'
    page = Html(text_of(an_email(url=url), "html"))
    assert set(page.links) == LINKS - {URL} | {url}


@pytest.mark.parametrize("line_break", ["\r\n", "\n", "\r", "\x85", "\u2028", "\u2029", "\v", "\f"])
def test_a_line_break_in_a_name_adds_no_header(line_break: str) -> None:
    message = an_email(filename=f"a{line_break}Bcc: eve@example.org{line_break}{line_break}b.png")
    assert message["Bcc"] is None
    assert message["Subject"] == "Your dithered image: a Bcc: eve@example.org b.png"


def test_a_name_does_not_turn_the_reading_direction() -> None:
    assert (
        an_email(filename="photo\u202egnp.exe")["Subject"] == "Your dithered image: photo gnp.exe"
    )
    assert "<bdi>" in text_of(an_email(filename="تصویر.png"), "html")


@pytest.mark.parametrize(
    "name",
    [
        "Große Straße.jpeg",
        "תמונה.png",
        "ภาพ.png",
        "😀" * 50,
        "字" * 200,
        "=0D=0AHello_evil?= ¡ ¡¡ ¡¡ ¡",
    ],
)
def test_a_name_in_any_script_arrives(name: str) -> None:
    message = an_email(filename=name)
    assert message["Subject"] == f"Your dithered image: {name}"
    assert name in text_of(message, "plain")


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("=?utf-8?q?=0D=0A=0D=0AHello_evil?=", "= ?utf-8?q?=0D=0A=0D=0AHello_evil?="),
        (
            "=?utf-8?q?=0D=0ABcc:_evil@example.org?=",
            "= ?utf-8?q?=0D=0ABcc:_evil@example.org?=",
        ),
        ("=?utf-8?b?DQpYOnkh?=", "= ?utf-8?b?DQpYOnkh?="),
    ],
)
def test_an_encoded_word_in_a_name_stays_text(word: str, shown: str) -> None:
    """Pythons before 3.11.10 and 3.12.5 write what it decodes to as it is, line breaks too."""
    check_headers(sent(filename=f"{word}.png"))
    message = an_email(filename=f"{word}.png")
    assert message["Subject"] == f"Your dithered image: {shown}.png"
    assert f"{shown}.png" in text_of(message, "plain")


@settings(deadline=None)
@given(TEXT)
def test_any_name_makes_one_whole_mail(name: str) -> None:
    check_headers(sent(filename=name))
    message = an_email(filename=name)
    assert "=?" not in message["Subject"]
    assert set(Html(text_of(message, "html")).links) == LINKS
    assert URL in text_of(message, "plain")


@settings(deadline=None)
@given(TEXT, st.sampled_from(["example.org", "bücher.example.org", "=?utf-8?q?=0D=0AX=3Ay?="]))
def test_any_address_makes_one_whole_mail_or_none(local_part: str, domain: str) -> None:
    address = f"{local_part}@{domain}"
    try:
        mail = sent(recipient=address)
    except UnusableAddress:
        return
    check_headers(mail)
    assert "=?" not in address


def test_a_domain_goes_as_ascii() -> None:
    assert an_email(recipient="ada@bücher.example.org")["To"] == "ada@xn--bcher-kva.example.org"


def test_a_name_of_any_script_may_stand_before_the_at_sign() -> None:
    assert an_email(recipient="jörg@example.org")["To"].addresses[0].username == "jörg"


@pytest.mark.parametrize(
    "recipient",
    [
        *("", "nobody", "a@b@c.org", "a..b@c.org", 'a"b@c.org', "a:b@c.org", "a@b\0.org", "a@"),
        *("a@example.org\r\nBcc: eve@example.org", "a@example.org, eve@example.org"),
        *("=?utf-8?q?=0D=0AX=3Ay?=@example.org", "=?utf-8?q?a?=@example.org"),
    ],
)
def test_an_address_that_is_none(recipient: str) -> None:
    with pytest.raises(UnusableAddress):
        an_email(recipient=recipient)


@pytest.mark.parametrize(
    "sender",
    ["", "nobody", "<>", "Dither <a@>", "=?utf-8?q?=0D=0AX=3Ay?= <a@example.org>", "=?a?=@b.org"],
)
def test_a_sender_that_is_none_is_refused_at_start(sender: str) -> None:
    with pytest.raises(ValidationError, match="MAIL_FROM"):
        NotificationSettings(mail_from=sender)
