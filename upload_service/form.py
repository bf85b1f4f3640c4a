"""The form of an upload."""

from pydantic import EmailStr, TypeAdapter, ValidationError

from shared.forms import Form, form_openapi
from shared.problems import Problem
from upload_service.service import Upload

FIELDS = ("email", "options")
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
    }
)

_email = TypeAdapter(EmailStr)


async def read_upload(form: Form, max_bytes: int, owner: str | None) -> Upload:
    """The upload of ``owner``. Raises ``Problem`` with what is wrong and what is allowed.

    The options are only checked to be a JSON object; the dither service validates them.
    """
    data, filename = await form.file(max_bytes)
    email = form.text("email")
    return Upload(
        data=data,
        filename=filename,
        email=None if email is None else _checked_email(email),
        options=form.json_object("options"),
        owner=owner,
    )


def _checked_email(text: str) -> str:
    try:
        # In a mail header, a text that begins with "=?" is decoded (RFC 2047), also line breaks.
        if len(text) > MAX_EMAIL_CHARACTERS or "=?" in text or any(ord(c) < 32 for c in text):
            raise ValueError
        return str(_email.validate_python(text))
    except (ValueError, ValidationError):
        raise Problem(422, "email: this is no single address such as name@example.org.") from None
