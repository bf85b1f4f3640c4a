"""Files in Cloudinary, through its own SDK.

Only the upload API is used (upload, destroy): the Admin API is limited to 500 calls an hour.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from urllib.parse import urlsplit

import cloudinary.exceptions
import cloudinary.uploader
import urllib3

from shared.storage.protocol import (
    KEY_PATTERN,
    FileMissingError,
    Storage,
    StorageError,
    StorageRefusedError,
    StorageUnavailableError,
    StoredFile,
    refuse_empty,
    split_key,
)
from shared.storage.settings import StorageSettings

_CHUNK = 64 * 1024
# Cloudinary refuses these files as images: the bytes for a display, and their C array.
_NO_IMAGES = {"bin", "h"}
_ORIGINALS = "images/"
# urllib3's pool in the SDK tries to connect this often; the time for one attempt follows from it.
_CONNECT_ATTEMPTS = 4


class CloudinaryStorage:
    """Storage in one Cloudinary product environment.

    The public id is `folder` and the key without its extension; two keys never differ in the
    extension alone. Files that are no images are Cloudinary's type raw, and their public id has the
    extension. With `private_originals`, originals are of type authenticated: they are served only
    for a URL with a signature, which is what `put` returns. Nothing is retried here: the callers
    know how long their work may wait.
    """

    name = "cloudinary"

    def __init__(
        self,
        *,
        cloud_name: str,
        api_key: str,
        api_secret: str,
        upload_prefix: str = "https://api.cloudinary.com",
        delivery_url: str = "https://res.cloudinary.com",
        private_cdn: bool = False,
        folder: str = "",
        timeout_seconds: float = 8.0,
        private_originals: bool = False,
    ) -> None:
        self._private_originals = private_originals
        self._folder = f"{folder}/" if folder else ""
        self._seconds = timeout_seconds
        self._timeout = urllib3.Timeout(
            connect=timeout_seconds / _CONNECT_ATTEMPTS, read=timeout_seconds
        )
        # Passed with each call: the SDK's global configuration stays untouched, and upload and
        # destroy ignore its `config(timeout=…)`.
        self._call = {
            "cloud_name": cloud_name,
            "api_key": api_key,
            "api_secret": api_secret,
            "oauth_token": None,
            "upload_prefix": upload_prefix.rstrip("/"),
            "invalidate": True,
            "timeout": self._timeout,
        }
        # A private CDN serves one product environment only, and has no name of it in the path.
        path = "/" if private_cdn else f"/{cloud_name}/"
        self._delivery = delivery_url.rstrip("/") + path
        # Only a version may come before the public id: no transformations in the URL.
        self._own_url = re.compile(
            re.escape(self._delivery)
            + r"(?:image|raw)/(?:upload|authenticated/s--[\w-]{8,32}--)/(?:v\d{1,20}/)?"
            + re.escape(self._folder)
            + KEY_PATTERN
        )
        self._pool = urllib3.PoolManager(maxsize=8)

    def put(self, key: str, data: bytes, content_type: str) -> StoredFile:  # noqa: ARG002 - Cloudinary reads it from the bytes
        file = self._identity(key)
        is_private = self._private_originals and key.startswith(_ORIGINALS)
        kind = "authenticated" if is_private else "upload"
        refuse_empty(key, data)
        with _sdk_errors(f"store {key}"):
            # Bytes only: the SDK would take a str as a path or a URL.
            answer = cloudinary.uploader.upload(
                BytesIO(data), **file, type=kind, overwrite=True, **self._call
            )
        url = str(answer.get("secure_url"))
        if not self._own_url.fullmatch(url):
            raise StorageUnavailableError(
                f"Cloudinary stored {key} at {url[:200]!r}, which is not under {self._delivery}: "
                "CLOUDINARY_DELIVERY_URL and CLOUDINARY_PRIVATE_CDN must say how files are served"
            )
        return StoredFile(key=key, url=url)

    def fetch(self, url: str, *, max_bytes: int) -> bytes:
        if not self._own_url.fullmatch(url):
            raise StorageRefusedError(f"not a URL of this Cloudinary storage: {url[:200]!r}")
        try:
            response = self._pool.request(
                "GET",
                url,
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=False,
                timeout=self._timeout,
            )
        except urllib3.exceptions.HTTPError as error:
            raise StorageUnavailableError(f"cannot fetch {url}: {error}") from error
        try:
            return self._read(response, url, max_bytes)
        finally:
            response.release_conn()

    def delete(self, key: str) -> None:
        file = self._identity(key)
        with _sdk_errors(f"delete {key}"):
            # "ok" or "not found": both mean that the file is gone.
            cloudinary.uploader.destroy(**file, **self._call)
            if key.startswith(_ORIGINALS):
                # Of which type it is depends on the settings when it was stored.
                cloudinary.uploader.destroy(**file, type="authenticated", **self._call)

    def _identity(self, key: str) -> dict[str, str]:
        stem, extension = split_key(key)
        if extension in _NO_IMAGES:
            return {"public_id": self._folder + key, "resource_type": "raw"}
        return {"public_id": self._folder + stem, "resource_type": "image"}

    def _read(self, response: urllib3.BaseHTTPResponse, url: str, max_bytes: int) -> bytes:
        if response.status != 200:
            response.close()
            raise _unfetchable(response.status, url)
        # The read timeout restarts with each byte: a very slow server must not block a worker.
        deadline = time.monotonic() + 4 * self._seconds
        data = bytearray()
        try:
            for chunk in response.stream(_CHUNK):
                data += chunk
                if len(data) > max_bytes:
                    raise StorageRefusedError(f"{url} is larger than {max_bytes} bytes")
                if time.monotonic() > deadline:
                    raise StorageUnavailableError(f"{url} came too slowly")
        except urllib3.exceptions.HTTPError as error:
            raise StorageUnavailableError(f"cannot read {url}: {error}") from error
        except StorageError:
            response.close()
            raise
        return bytes(data)


def build(settings: StorageSettings, *, private_originals: bool) -> Storage:
    secret = settings.cloudinary_api_secret
    return CloudinaryStorage(
        cloud_name=settings.cloudinary_cloud_name or "",
        api_key=settings.cloudinary_api_key or "",
        api_secret=secret.get_secret_value() if secret else "",
        upload_prefix=settings.cloudinary_upload_prefix,
        delivery_url=settings.cloudinary_delivery_url,
        private_cdn=settings.cloudinary_private_cdn,
        folder=settings.cloudinary_folder,
        timeout_seconds=settings.storage_timeout_seconds,
        private_originals=private_originals,
    )


def _unfetchable(status: int, url: str) -> StorageError:
    path = urlsplit(url).path
    if status in {404, 410}:
        return FileMissingError(f"{path} is not there")
    if status in {401, 403, 420, 429} or status >= 500:
        return StorageUnavailableError(f"Cloudinary answered {status} for {path}")
    return StorageRefusedError(f"Cloudinary answered {status} for {path}")


@contextmanager
def _sdk_errors(action: str) -> Iterator[None]:
    """Sorts the errors of the SDK and of urllib3 below it into "later" and "never"."""
    try:
        yield
    except (
        cloudinary.exceptions.AuthorizationRequired,
        cloudinary.exceptions.NotAllowed,
    ) as error:
        raise StorageUnavailableError(
            f"Cloudinary does not accept the credentials, cannot {action} "
            f"(CLOUDINARY_CLOUD_NAME, CLOUDINARY_API_KEY, CLOUDINARY_API_SECRET): {error}"
        ) from error
    except (cloudinary.exceptions.BadRequest, cloudinary.exceptions.AlreadyExists) as error:
        raise StorageRefusedError(f"Cloudinary refused to {action}: {error}") from error
    except (cloudinary.exceptions.Error, urllib3.exceptions.HTTPError, OSError) as error:
        if "server response (413)" in str(error):  # from a proxy on the way, as HTML
            raise StorageRefusedError(f"Cloudinary refused to {action}: too large") from error
        raise StorageUnavailableError(f"Cloudinary cannot {action} now: {error}") from error
