"""The mails: text and HTML from templates, with all outside values escaped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.header import Header
from email.headerregistry import (
    Address,
    BaseHeader,
    HeaderRegistry,
    UnstructuredHeader,
)
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy, Policy
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Any
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from notification_service.settings import ENCODED_WORD

_THUMBNAIL = "<picture@mail>"
templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class _UrlHeader(UnstructuredHeader, BaseHeader):
    """A header whose URL stays one line: the default would write a long one as encoded words."""

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


class _SubjectHeader(UnstructuredHeader, BaseHeader):
    """Beyond ASCII, folded by the older ``Header``: the newer way cuts encoded words in two."""

    def fold(self, *, policy: Policy) -> str:
        if self.isascii():
            return super().fold(policy=policy)
        encoded = Header(str(self), "utf-8", header_name=self.name).encode(linesep=policy.linesep)
        return f"{self.name}: {encoded}{policy.linesep}"


def _policy() -> "EmailPolicy[EmailMessage]":
    headers = HeaderRegistry()
    headers.map_to_type("list-unsubscribe", _UrlHeader)
    headers.map_to_type("subject", _SubjectHeader)
    return SMTP.clone(header_factory=headers)


MAIL_POLICY = _policy()


class UnusableAddress(ValueError):
    """No mail can be sent to this address."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What every mail has. A repeat of a mail has the same id, so that it is shown once."""

    sender: str
    recipient: str
    mail_id: UUID
    written_at: datetime
    unsubscribe_url: str


@dataclass(frozen=True, slots=True)
class Dithered:
    """What the mail about a dither says; ``ends_at`` is when the file is deleted, if it is."""

    filename: str
    url: str
    again_url: str
    delete_url: str
    settings: Sequence[str] = field(default_factory=tuple)
    ends_at: datetime | None = None
    thumbnail: bytes | None = None


def write_dithered(envelope: Envelope, dithered: Dithered) -> EmailMessage:
    """The mail about a dither. Raises ``UnusableAddress``."""
    filename = _printable(dithered.filename)
    values = {
        "filename": filename,
        "url": dithered.url,
        "again_url": dithered.again_url,
        "delete_url": dithered.delete_url,
        "settings": dithered.settings,
        "ends": None if dithered.ends_at is None else f"{dithered.ends_at:%d %B %Y}".lstrip("0"),
        "thumbnail": _THUMBNAIL.strip("<>") if dithered.thumbnail else None,
    }
    message = _write(envelope, f"Your dithered image: {filename}", "dithered", values)
    if dithered.thumbnail:
        html = message.get_body(("html",))
        assert html is not None
        html.add_related(dithered.thumbnail, "image", "jpeg", cid=_THUMBNAIL, disposition="inline")
    return message


def write_confirmation(envelope: Envelope, confirm_url: str) -> EmailMessage:
    """Asks whether mails are wanted; has no word of whoever gave the address.

    Raises ``UnusableAddress``.
    """
    subject = "Do you want mails about your dithered images?"
    return _write(envelope, subject, "confirmation", {"confirm_url": confirm_url})


def _write(
    envelope: Envelope, subject: str, template: str, values: Mapping[str, Any]
) -> EmailMessage:
    name, address = parseaddr(envelope.sender)
    domain = address.rpartition("@")[2] or "localhost"
    message = EmailMessage(policy=MAIL_POLICY)
    message["From"] = Address(name, addr_spec=address)
    message["To"] = _address(envelope.recipient)
    message["Subject"] = subject
    message["Date"] = format_datetime(envelope.written_at)
    message["Message-ID"] = f"<{envelope.mail_id}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message["List-Unsubscribe"] = f"<{envelope.unsubscribe_url}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
    values = {**values, "unsubscribe_url": envelope.unsubscribe_url}
    message.set_content(templates.get_template(f"{template}.txt").render(values))
    message.add_alternative(templates.get_template(f"{template}.html").render(values), "html")
    return message


def _address(text: str) -> Address:
    """The address with its domain in ASCII, which every server accepts."""
    try:
        found = validate_email(text, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as error:
        raise UnusableAddress("this is no address") from error
    if ENCODED_WORD in text:
        raise UnusableAddress("this would be read as an encoded word")
    return Address(username=found.local_part, domain=found.ascii_domain)


def _printable(text: str) -> str:
    """The text without characters that break a header line or change the reading direction."""
    words = "".join(c if c.isprintable() else " " for c in text).split()
    return " ".join(words).replace(ENCODED_WORD, "= ?")
