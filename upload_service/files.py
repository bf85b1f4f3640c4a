"""``/files/…``: serves the files of private storages, and originals that not everybody may read."""

from pathlib import Path
from uuid import UUID

from fastapi import Request
from fastapi.responses import FileResponse, Response, StreamingResponse

from shared.conditional import client_has
from shared.problems import Problem
from shared.storage import (
    FileMissingError,
    LocalStorage,
    PrivateStorage,
    Storage,
    StorageRefusedError,
    split_key,
)
from upload_service.service import UploadService
from upload_service.settings import UploadSettings
from upload_service.views import ORIGINALS

TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "avif": "image/avif",
    "heic": "image/heic",
    "bmp": "image/bmp",
    "tif": "image/tiff",
    "bin": "application/octet-stream",
    "h": "text/plain; charset=utf-8",
}


class Files:
    def __init__(self, settings: UploadSettings, service: UploadService, storage: Storage) -> None:
        self._max_bytes = settings.max_upload_bytes
        self._is_open = settings.is_open
        self._service = service
        self._storage = storage

    def respond(self, key: str, request: Request) -> Response:
        """The file, or the part of it that ``Range`` asks for; 304 if the client has it.

        Raises ``Problem`` 404, also for an original without a valid signature.
        """
        if not self._service.views.may_fetch(key, request.url.query):
            raise Problem(
                404,
                "There is no such file here, or the link has ended: GET /images/{uuid} gives its "
                "owner a new one.",
            )
        headers = {
            "cache-control": self._service.views.cache_control(key),
            # If the file is opened as a page, it may neither run scripts nor load anything.
            "content-security-policy": "default-src 'none'; sandbox",
            "x-content-type-options": "nosniff",
        }
        if isinstance(self._storage, LocalStorage):
            return _from_disk(_path(self._storage, key), request, headers)
        if isinstance(self._storage, PrivateStorage):
            return _streamed(self._storage, key, request, headers)
        return self._from_storage(key, headers)

    def _from_storage(self, key: str, headers: dict[str, str]) -> Response:
        """An original that the storage itself does not show to everybody."""
        if self._is_open or not key.startswith(ORIGINALS):
            raise _missing()  # everybody can fetch it from the storage
        url = self._service.find_original(_uuid(key))
        if url is None:
            raise _missing()
        try:
            data = self._storage.fetch(url, max_bytes=self._max_bytes)
        except (FileMissingError, StorageRefusedError):
            raise _missing() from None
        return Response(data, media_type=TYPES.get(key.rpartition(".")[2]), headers=headers)


def _from_disk(path: Path, request: Request, headers: dict[str, str]) -> Response:
    headers["etag"] = f'"{path.stat().st_size:x}-{path.stat().st_mtime_ns:x}"'
    if client_has(request, headers["etag"]):
        return Response(status_code=304, headers=headers)
    return FileResponse(path, media_type=TYPES.get(path.suffix[1:]), headers=headers)


def _streamed(
    storage: PrivateStorage, key: str, request: Request, headers: dict[str, str]
) -> Response:
    headers["etag"] = f'"{key}"'  # the bytes under a key never change
    if client_has(request, headers["etag"]):
        return Response(status_code=304, headers=headers)
    try:
        size, chunks = storage.stream(key)
    except (FileMissingError, StorageRefusedError):
        raise _missing() from None
    headers["content-length"] = str(size)
    return StreamingResponse(
        () if request.method == "HEAD" else chunks,
        media_type=TYPES.get(key.rpartition(".")[2]),
        headers=headers,
    )


def _path(storage: LocalStorage, key: str) -> Path:
    try:
        path = storage.path(key)
    except StorageRefusedError:
        raise _missing() from None
    if not path.is_file():
        raise _missing()
    return path


def _uuid(key: str) -> UUID:
    try:
        return UUID(split_key(key)[0].removeprefix(ORIGINALS))
    except (StorageRefusedError, ValueError):
        raise _missing() from None


def _missing() -> Problem:
    return Problem(404, "There is no such file.")
