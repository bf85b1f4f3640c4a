"""The bodies of the notification service's HTTP API. No address is ever shown."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class Notification(BaseModel):
    """A mail about a dither."""

    model_config = ConfigDict(from_attributes=True)

    dither_id: UUID
    status: Literal["pending", "sent", "failed"]
    created_at: datetime
    sent_at: datetime | None


class ImageNotifications(BaseModel):
    """The mails about one image, oldest first; none when nobody left an address."""

    uuid: UUID
    notifications: list[Notification]
