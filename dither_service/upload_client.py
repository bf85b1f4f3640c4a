"""Ask the upload service for an image: its message may not have arrived, or its name is wanted."""

import json
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from shared.failures import TransientFailure
from shared.principal import Principals
from shared.replicas import Replicas


@dataclass(frozen=True, slots=True)
class Original:
    """``url``: where the storage has the file; ``owner``: whose it is; ``filename``: cleaned."""

    url: str
    owner: str | None
    filename: str | None = None


class Uploads(Protocol):
    def find_original(self, uuid: UUID) -> Original | None:
        """None if there is no such image. Raises ``TransientFailure``."""


class UploadClient:
    """Calls ``GET /images/{uuid}`` of any replica of the upload service."""

    def __init__(self, addresses: str, timeout_seconds: float, principals: Principals) -> None:
        self._replicas = Replicas(addresses, timeout_seconds, principals)

    def find_original(self, uuid: UUID) -> Original | None:
        status, body = self._replicas.request("GET", f"/images/{uuid}")
        if status == 404:
            return None
        if status != 200:
            raise TransientFailure(f"the upload service answered {status}")
        return _original(body)


def _original(body: bytes) -> Original:
    try:
        image = json.loads(body)
        return Original(str(image["url"]), image.get("owner"), image.get("filename"))
    except (ValueError, KeyError, TypeError) as error:
        raise TransientFailure("the upload service's answer cannot be read") from error
