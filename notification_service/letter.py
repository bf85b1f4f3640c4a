"""The mail itself: text and HTML from templates, everything foreign escaped."""

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from pathlib import Path
from uuid import UUID

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def write_letter(
    *,
    sender: str,
    recipient: str,
    filename: str,
    url_dither: str,
    dither_id: UUID,
    written_at: datetime,
) -> EmailMessage:
    """A repeat of the same mail has the same Message-ID, so that readers show it once."""
    name, address = parseaddr(sender)
    domain = address.rpartition("@")[2] or "localhost"
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(name, addr_spec=address)
    message["To"] = Address(addr_spec=recipient)
    message["Subject"] = f"Your dithered image: {filename}"
    message["Date"] = format_datetime(written_at)
    message["Message-ID"] = f"<{dither_id}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    values = {"filename": filename, "url": url_dither}
    message.set_content(_templates.get_template("dithered.txt").render(values))
    message.add_alternative(_templates.get_template("dithered.html").render(values), "html")
    return message
