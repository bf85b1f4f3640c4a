"""``/files/…``: serves the files on the local disk if Cloudinary is not used."""

from pathlib import Path

from fastapi import Request
from fastapi.responses import FileResponse, Response

from shared.conditional import client_has
from shared.problems import Problem
from shared.storage import LocalStorage, Storage, StorageRefusedError

# The bytes under a key never change, although the file may be deleted.
CACHE = "public, max-age=31536000, immutable"
TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "avif": "image/avif",
    "heic": "image/heic",
    "bmp": "image/bmp",
    "tif": "image/tiff",
}


def file_response(storage: Storage, key: str, request: Request) -> Response:
    """The file, or the part of it that ``Range`` asks for; 304 if the client already has it."""
    path = _path(storage, key)
    headers = {
        "etag": f'"{path.stat().st_size:x}-{path.stat().st_mtime_ns:x}"',
        "cache-control": CACHE,
        # If the file is opened as a page, it may neither run scripts nor load anything.
        "content-security-policy": "default-src 'none'; sandbox",
        "x-content-type-options": "nosniff",
    }
    if client_has(request, headers["etag"]):
        return Response(status_code=304, headers=headers)
    return FileResponse(path, media_type=TYPES.get(path.suffix[1:]), headers=headers)


def _path(storage: Storage, key: str) -> Path:
    if isinstance(storage, LocalStorage):
        try:
            path = storage.path(key)
        except StorageRefusedError:
            path = None
        if path is not None and path.is_file():
            return path
    raise Problem(404, "There is no such file here.")
