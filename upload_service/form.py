"""The form of an upload."""

import re

from pydantic import EmailStr, TypeAdapter, ValidationError

from shared.forms import Form, form_openapi
from shared.principal import Principal
from shared.problems import Problem
from upload_service.idempotency import read_key
from upload_service.service import Upload

FIELDS = ("email", "options", "expires_in")
LEAST_SECONDS = 60
MAX_EMAIL_CHARACTERS = 254

OPENAPI = form_openapi(
    {
        "email": {
            "type": "string",
            "format": "email",
            "example": "ada@example.org",
            "description": "Who gets the link to each dithered version by mail.",
        },
        "options": {
            "type": "string",
            "description": "The first dither's options as JSON; GET /options describes them.",
            "example": '{"algorithm": "atkinson"}',
        },
        "expires_in": {
            "type": "integer",
            "minimum": LEAST_SECONDS,
            "example": 86_400,
            "description": "Seconds until the image is deleted, with all that was made of it.",
        },
    }
)
OPENAPI["parameters"] = [
    {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "A text of your own: for a day, a repeat with it is the same image.",
        "schema": {"type": "string", "maxLength": 200},
    }
]

_email = TypeAdapter(EmailStr)


async def read_upload(
    form: Form, max_bytes: int, caller: Principal, idempotency_key: str | None = None
) -> Upload:
    """Raises ``Problem`` with what is wrong and what is allowed.

    The options are only checked to be a JSON object; the dither service validates them.
    """
    data, filename = await form.file(max_bytes)
    email = form.text("email")
    email = None if email is None else _checked_email(email)
    options = form.json_object("options")
    expires_in = _seconds(form.text("expires_in"))
    fields = (filename, email, options, expires_in)
    return Upload(
        data=data,
        filename=filename,
        email=email,
        options=options,
        caller=caller,
        expires_in=expires_in,
        repeatable=read_key(idempotency_key, caller, data, *fields),
    )


def _seconds(text: str | None) -> int | None:
    if text is None:
        return None
    if not re.fullmatch("[0-9]{1,9}", text) or int(text) < LEAST_SECONDS:
        raise Problem(
            422, f"expires_in: must be a whole number of seconds, at least {LEAST_SECONDS}."
        )
    return int(text)


def _checked_email(text: str) -> str:
    try:
        # In a mail header, a text that begins with "=?" is decoded (RFC 2047), also line breaks.
        if len(text) > MAX_EMAIL_CHARACTERS or "=?" in text or any(ord(c) < 32 for c in text):
            raise ValueError
        return str(_email.validate_python(text))
    except (ValueError, ValidationError):
        raise Problem(422, "email: must be one address such as name@example.org.") from None
