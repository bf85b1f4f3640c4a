"""The mail: text and HTML from templates, with all outside values escaped."""

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from pathlib import Path
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from notification_service.settings import ENCODED_WORD

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class UnusableAddress(ValueError):
    """No mail can be sent to this address."""


def write_email(
    *,
    sender: str,
    recipient: str,
    filename: str,
    url_dither: str,
    dither_id: UUID,
    written_at: datetime,
) -> EmailMessage:
    """A repeat of the same mail has the same Message-ID, so that mail clients show it once.

    Raises ``UnusableAddress`` for the recipient's address.
    """
    name, address = parseaddr(sender)
    domain = address.rpartition("@")[2] or "localhost"
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(name, addr_spec=address)
    message["To"] = _address(recipient)
    filename = _printable(filename)
    message["Subject"] = f"Your dithered image: {filename}"
    message["Date"] = format_datetime(written_at)
    message["Message-ID"] = f"<{dither_id}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    values = {"filename": filename, "url": url_dither}
    message.set_content(_templates.get_template("dithered.txt").render(values))
    message.add_alternative(_templates.get_template("dithered.html").render(values), "html")
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
