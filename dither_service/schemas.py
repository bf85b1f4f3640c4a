"""The bodies of the dither service's HTTP API."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from pydantic.config import JsonDict

_ID = "9b2e7c1a-4a5d-4f0e-8a57-0c2f6f1d3b90"
_DITHER: JsonDict = {
    "uuid": _ID,
    "dither_id": "5c1f0a52-6f0b-4f4b-9b0e-2f6b8a3d7e11",
    "channels": 2,
    "options": {"algorithm": "floyd-steinberg", "channels": 2},
    "status": "done",
    "url_dither": f"http://localhost:8000/files/dithers/{_ID}/2.png",
    "content_type": "image/png",
    "width": 640,
    "height": 480,
    "bytes": 48_213,
    "reason": None,
    "created_at": "2025-05-04T09:30:01Z",
    "finished_at": "2025-05-04T09:30:02Z",
}


class Dither(BaseModel):
    """A dithered version of the image ``uuid``; ``url_dither`` is there once it is ``done``."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_DITHER]})

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
