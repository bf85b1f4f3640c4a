"""A mail about a dither, of which tests change one thing at a time."""

from dataclasses import fields
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

from notification_service.email import Dithered, Envelope, write_dithered

URL = "https://pictures.example.org/files/dithers/1-2.png"
UNSUBSCRIBE_URL = "https://pictures.example.org/mail/unsubscribe/" + 150 * "t"
AGAIN_URL = "https://pictures.example.org/#image=1"
DELETE_URL = "https://pictures.example.org/mail/delete/token"
LINKS = {URL, AGAIN_URL, DELETE_URL, UNSUBSCRIBE_URL}
_VALUES: dict[str, Any] = {
    "sender": "Dither <no-reply@pictures.example.org>",
    "recipient": "ada@example.org",
    "mail_id": None,
    "written_at": datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC),
    "unsubscribe_url": UNSUBSCRIBE_URL,
    "filename": "photo.jpg",
    "url": URL,
    "again_url": AGAIN_URL,
    "delete_url": DELETE_URL,
}


def dithered_mail(**changed: Any) -> EmailMessage:
    """``changed``: fields of ``Envelope`` and of ``Dithered``."""
    values = {**_VALUES, "mail_id": uuid4(), **changed}
    envelope = {field.name: values.pop(field.name) for field in fields(Envelope)}
    return write_dithered(Envelope(**envelope), Dithered(**values))
