"""Ask the upload service for an image whose message has not arrived yet."""

import json
from typing import Protocol
from uuid import UUID

from shared.failures import TransientFailure
from shared.replicas import Replicas


class Uploads(Protocol):
    def image_url(self, uuid: UUID) -> str | None:
        """The URL of the original; None if there is no image. Raises ``TransientFailure``."""


class UploadClient:
    """Calls ``GET /images/{uuid}`` of any replica of the upload service."""

    def __init__(self, addresses: str, timeout_seconds: float) -> None:
        self._replicas = Replicas(addresses, timeout_seconds)

    def image_url(self, uuid: UUID) -> str | None:
        status, body = self._replicas.request("GET", f"/images/{uuid}")
        if status == 404:
            return None
        if status != 200:
            raise TransientFailure(f"the upload service answered {status}")
        return _url(body)


def _url(body: bytes) -> str:
    try:
        return str(json.loads(body)["url"])
    except (ValueError, KeyError, TypeError) as error:
        raise TransientFailure("the upload service's answer cannot be read") from error
