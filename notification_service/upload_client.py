"""Ask the upload service for what must not travel in messages, or to delete an image."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from pydantic import BaseModel, ValidationError

from shared.failures import TransientFailure
from shared.replicas import Replicas


class Addressee(BaseModel):
    """``expires_at``: when the image is deleted, if that is known.

    ``mails_per_day``: the owner's own bound instead of the settings', 0 for none.
    """

    email: str
    expires_at: datetime | None = None
    mails_per_day: int | None = None


class Uploads(Protocol):
    """Both raise ``TransientFailure`` when the upload service does not answer."""

    def recipient(self, uuid: UUID) -> Addressee | None:
        """Who gets mails about the image; None if nobody does (any more)."""

    def delete_image(self, uuid: UUID) -> bool:
        """Delete the image; False if there is none."""


class UploadClient:
    """Calls any replica of the upload service."""

    def __init__(self, replicas: Replicas) -> None:
        self._replicas = replicas

    def recipient(self, uuid: UUID) -> Addressee | None:
        status, body = self._replicas.request("GET", f"/recipients/{uuid}")
        if status == 404:
            return None
        _refuse_other(status, 200)
        try:
            return Addressee.model_validate_json(body)
        except ValidationError as error:
            raise TransientFailure("the upload service's answer cannot be read") from error

    def delete_image(self, uuid: UUID) -> bool:
        status, _ = self._replicas.request("DELETE", f"/images/{uuid}")
        if status == 404:
            return False
        _refuse_other(status, 204)
        return True


def _refuse_other(status: int, wanted: int) -> None:
    if status != wanted:
        raise TransientFailure(f"the upload service answered {status}")
