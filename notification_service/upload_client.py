"""Ask the upload service for what must not travel in messages, or to delete an image."""

import json
from typing import Protocol
from uuid import UUID

from shared.failures import TransientFailure
from shared.replicas import Replicas


class Uploads(Protocol):
    """Both raise ``TransientFailure`` when the upload service does not answer."""

    def address(self, uuid: UUID) -> str | None:
        """The address that mails about the image go to; None if there is none (any more)."""

    def delete_image(self, uuid: UUID) -> bool:
        """Delete the image; False if there is none."""


class UploadClient:
    """Calls any replica of the upload service."""

    def __init__(self, replicas: Replicas) -> None:
        self._replicas = replicas

    def address(self, uuid: UUID) -> str | None:
        status, body = self._replicas.request("GET", f"/recipients/{uuid}")
        if status == 404:
            return None
        _refuse_other(status, 200)
        try:
            return str(json.loads(body)["email"])
        except (ValueError, KeyError, TypeError) as error:
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
