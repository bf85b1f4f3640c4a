"""The bodies of the upload service's HTTP API."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class Dither(BaseModel):
    """A dithered version of an image; ``url_dither`` is there once ``status`` is ``done``."""

    model_config = ConfigDict(from_attributes=True)

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
    """An uploaded image and what has been made of it."""

    model_config = ConfigDict(from_attributes=True)

    uuid: UUID
    url: str
    filename: str
    content_type: str
    width: int
    height: int
    bytes: int
    created_at: datetime
    status: Literal["uploaded", "dithered", "failed"]
    dithers: list[Dither]


class ImagePage(BaseModel):
    """Newest first; give ``next_cursor`` as ``cursor`` to go on."""

    items: list[Image]
    next_cursor: str | None
