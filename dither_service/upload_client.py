"""Ask the upload service for an image: its message may not have arrived, or its name is wanted."""

import itertools
import json
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import urllib3

from shared.context import REQUEST_ID_HEADER, current_request_id
from shared.failures import TransientFailure
from shared.principal import EVERYBODY, PRINCIPAL_HEADER, Principals

_LARGEST_ANSWER = 1024 * 1024


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
        self._principals = principals
        self._addresses = [part.strip().rstrip("/") for part in addresses.split(",")]
        self._turns = itertools.count()
        self._timeout = urllib3.Timeout(connect=timeout_seconds / 2, read=timeout_seconds)
        self._pool = urllib3.PoolManager(maxsize=8)

    def find_original(self, uuid: UUID) -> Original | None:
        for _ in self._addresses:
            base = self._addresses[next(self._turns) % len(self._addresses)]
            try:
                return self._ask(f"{base}/images/{uuid}")
            except urllib3.exceptions.HTTPError:
                continue
        raise TransientFailure("the upload service does not answer")

    def _ask(self, url: str) -> Original | None:
        headers = {PRINCIPAL_HEADER: self._principals.sign(EVERYBODY)}
        if (request_id := current_request_id()) is not None:
            headers[REQUEST_ID_HEADER] = request_id
        response = self._pool.request(
            "GET",
            url,
            headers=headers,
            redirect=False,
            retries=False,
            timeout=self._timeout,
            preload_content=False,
        )
        try:
            body = response.read(_LARGEST_ANSWER)
        finally:
            response.release_conn()
        if response.status == 404:
            return None
        if response.status != 200:
            raise TransientFailure(f"the upload service answered {response.status}")
        return _original(body)


def _original(body: bytes) -> Original:
    try:
        image = json.loads(body)
        return Original(str(image["url"]), image.get("owner"), image.get("filename"))
    except (ValueError, KeyError, TypeError) as error:
        raise TransientFailure("the upload service's answer cannot be read") from error
