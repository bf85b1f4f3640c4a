"""The messages that the services exchange: the one definition of their bodies.

A type is a fact in the past tense (or, for ``DITHER_REQUESTED``, a request). Minor versions only
add optional fields, so bodies ignore what they do not know. ``make docs`` writes them into
``docs/asyncapi.yaml`` for the rest of the world; a test compares the two.
"""

from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints

VERSION = "1.1.0"

Url = Annotated[str, StringConstraints(max_length=2048, pattern=r"^https?://[^\s\x00-\x1f]+$")]
# No control characters: a filename ends up in a mail's subject and in headers.
Filename = Annotated[
    str,
    StringConstraints(max_length=255, pattern=r"^[^\x00-\x1f\x7f]*$"),
    Field(description="The original's name, without control characters."),
]
Email = Annotated[
    str,
    StringConstraints(max_length=254, pattern=r"^[^\s@<>,;\x00-\x1f]+@[^\s@<>,;]+$"),
    Field(description="Who wants an email about each dither of the image."),
]
Owner = Annotated[
    str,
    StringConstraints(max_length=80, pattern=r"^(key|anon):[A-Za-z0-9_-]+$"),
    Field(description="Whose it is: `key:<id>` or `anon:<id>`. Absent: everybody's (since 1.1.0)."),
]
EngineOptions = Annotated[
    dict[str, Any],
    Field(description="Options of the engine; GET /options lists them. Absent: the default."),
]


class Body(BaseModel):
    """The JSON body of a message; ``uuid`` is the original image's and the message's key."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    message_type: ClassVar[str]
    uuid: UUID


class ImageUploaded(Body):
    """An image was stored; ``url`` is the original file's."""

    message_type: ClassVar[str] = "IMAGE_UPLOADED"

    url: Url
    filename: Filename
    content_type: str | None = None
    width: int | None = None
    height: int | None = None
    frames: int | None = None
    email: Email | None = None
    options: EngineOptions | None = None
    owner: Owner | None = None
    has_recipient: StrictBool | None = Field(
        None,
        description="Whether the producer can be asked for an address: it is not in the message, "
        "since messages are kept for long (since 1.1.0).",
    )

    @property
    def wants_mail(self) -> bool:
        """Whether somebody left an address with this image."""
        return self.email is not None or self.has_recipient is True


class ImageDeleted(Body):
    """An image is gone; whoever made something of it deletes that too."""

    message_type: ClassVar[str] = "IMAGE_DELETED"


class DitherRequested(Body):
    """A dither was queued, to be worked on by any replica of the dither service."""

    message_type: ClassVar[str] = "DITHER_REQUESTED"

    dither_id: UUID
    channels: int = Field(ge=2, le=256, description="Levels per colour channel.")
    options: EngineOptions = Field(default_factory=dict)
    owner: Owner | None = None


class DitherUploaded(Body):
    """A dithered image was stored; ``uuid`` is the original's, ``url_dither`` the new file's."""

    message_type: ClassVar[str] = "DITHER_UPLOADED"

    url_dither: Url
    dither_id: UUID | None = None
    channels: int | None = None
    options: EngineOptions | None = None
    width: int | None = None
    height: int | None = None
    bytes: int | None = None
    has_recipient: StrictBool | None = Field(
        None, description="Whether somebody left an address for emails about the image."
    )
    owner: Owner | None = None


class DitherFailed(Body):
    """A dither can never be made; ``reason`` is a sentence for the user."""

    message_type: ClassVar[str] = "DITHER_FAILED"

    dither_id: UUID
    channels: int
    options: EngineOptions = Field(default_factory=dict)
    reason: str = Field(description="A sentence for the user.")
    owner: Owner | None = None


BODIES: dict[str, type[Body]] = {
    body.message_type: body
    for body in (ImageUploaded, ImageDeleted, DitherRequested, DitherUploaded, DitherFailed)
}
