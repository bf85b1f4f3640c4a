"""The bodies of the dither service's HTTP API."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class Dither(BaseModel):
    """A dithered version of the image ``uuid``; ``url_dither`` is there once it is ``done``."""

    model_config = ConfigDict(from_attributes=True)

    uuid: UUID
    dither_id: UUID
    channels: int
    options: dict[str, Any]
    status: Literal["queued", "done", "failed"]
    url_dither: str | None
    content_type: str | None
    width: int | None
    height: int | None
    bytes: int | None
    reason: str | None
    created_at: datetime
    finished_at: datetime | None


class DitherPage(BaseModel):
    """Newest first; give ``next_cursor`` as ``cursor`` to go on."""

    items: list[Dither]
    next_cursor: str | None


class ImageDithers(BaseModel):
    """All dithers of one image, oldest first."""

    uuid: UUID
    dithers: list[Dither]
