"""The bodies of the notification service's HTTP API. No address is ever shown."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from pydantic.config import JsonDict

_NOTIFICATION: JsonDict = {
    "dither_id": "5c1f0a52-6f0b-4f4b-9b0e-2f6b8a3d7e11",
    "status": "sent",
    "created_at": "2025-05-04T09:30:02Z",
    "sent_at": "2025-05-04T09:30:03Z",
}


class Notification(BaseModel):
    """A mail about a dither; ``unconfirmed``: the address has not said that it wants mails."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_NOTIFICATION]})

    dither_id: UUID
    status: Literal["pending", "unconfirmed", "sent", "failed"]
    created_at: datetime
    sent_at: datetime | None


class ImageNotifications(BaseModel):
    """The mails about one image, oldest first; none when nobody left an address."""

    uuid: UUID
    notifications: list[Notification]
