"""The bodies of the upload service's HTTP API."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from pydantic.config import JsonDict

_ID = "9b2e7c1a-4a5d-4f0e-8a57-0c2f6f1d3b90"
_DITHER: JsonDict = {
    "dither_id": "5c1f0a52-6f0b-4f4b-9b0e-2f6b8a3d7e11",
    "channels": 2,
    "status": "done",
    "url_dither": f"http://localhost:8000/files/dithers/{_ID}/2.png",
    "options": {"algorithm": "floyd-steinberg", "channels": 2},
    "width": 640,
    "height": 480,
    "bytes": 48_213,
    "reason": None,
    "created_at": "2025-05-04T09:30:01Z",
}
_IMAGE: JsonDict = {
    "uuid": _ID,
    "url": f"http://localhost:8000/files/images/{_ID}.jpg",
    "filename": "harbour.jpg",
    "content_type": "image/jpeg",
    "width": 640,
    "height": 480,
    "bytes": 91_330,
    "owner": "anon:Vn3kq0J5bQyTz1sRw8uXEg",
    "created_at": "2025-05-04T09:30:00Z",
    "expires_at": "2025-06-03T09:30:00Z",
    "status": "dithered",
    "dithers": [_DITHER],
    "dithers_url": None,
}


class Dither(BaseModel):
    """A dithered version of an image; ``url_dither`` is there once ``status`` is ``done``."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_DITHER]})

    dither_id: UUID
    channels: int | None
    status: Literal["queued", "done", "failed"]
    url_dither: str | None
    options: dict[str, Any] | None
    width: int | None
    height: int | None
    bytes: int | None
    reason: str | None
    created_at: datetime


class Image(BaseModel):
    """An uploaded image and what has been made of it.

    ``dithers``: the newest; if there are others, ``dithers_url`` is where all of them are.
    ``url``, ``filename`` and ``owner`` are null for others than its owner. At ``expires_at`` the
    image is deleted.
    """

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_IMAGE]})

    uuid: UUID
    url: str | None
    filename: str | None
    owner: str | None
    content_type: str
    width: int
    height: int
    bytes: int
    created_at: datetime
    expires_at: datetime | None
    status: Literal["uploaded", "dithered", "failed"]
    dithers: list[Dither]
    dithers_url: str | None = None


class Recipient(BaseModel):
    """Who gets mails about an image; for the notification service only.

    ``mails_per_day``: the bound of the key that it was uploaded with, 0 for none, if it has one.
    """

    model_config = ConfigDict(from_attributes=True)

    uuid: UUID
    email: str
    expires_at: datetime | None
    mails_per_day: int | None


class NewImage(Image):
    """``manage_token``: for an owner who is new; sent as X-Manage-Token, it is who they are."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**_IMAGE, "manage_token": "WyJhbm9uOlZu….3Qk1x0f"}]}
    )

    manage_token: str | None = None


class ImagePage(BaseModel):
    """Newest first; give ``next_cursor`` as ``cursor`` to go on."""

    items: list[Image]
    next_cursor: str | None
