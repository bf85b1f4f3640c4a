"""Ask the upload service for an image whose message has not arrived yet."""

import itertools
import json
from typing import Protocol
from uuid import UUID

import urllib3

from shared.context import REQUEST_ID_HEADER, current_request_id
from shared.failures import TransientFailure

_LARGEST_ANSWER = 1024 * 1024


class Uploads(Protocol):
    def image_url(self, uuid: UUID) -> str | None:
        """The URL of the original; None if there is no image. Raises ``TransientFailure``."""


class UploadClient:
    """Calls ``GET /images/{uuid}`` of any replica of the upload service."""

    def __init__(self, addresses: str, timeout_seconds: float) -> None:
        self._addresses = [part.strip().rstrip("/") for part in addresses.split(",")]
        self._turns = itertools.count()
        self._timeout = urllib3.Timeout(connect=timeout_seconds / 2, read=timeout_seconds)
        self._pool = urllib3.PoolManager(maxsize=8)

    def image_url(self, uuid: UUID) -> str | None:
        for _ in self._addresses:
            base = self._addresses[next(self._turns) % len(self._addresses)]
            try:
                return self._ask(f"{base}/images/{uuid}")
            except urllib3.exceptions.HTTPError:
                continue
        raise TransientFailure("the upload service does not answer")

    def _ask(self, url: str) -> str | None:
        headers = {REQUEST_ID_HEADER: request_id} if (request_id := current_request_id()) else {}
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
        return _url(body)


def _url(body: bytes) -> str:
    try:
        return str(json.loads(body)["url"])
    except (ValueError, KeyError, TypeError) as error:
        raise TransientFailure("the upload service's answer cannot be read") from error
