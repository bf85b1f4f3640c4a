"""Files in a bucket of S3 or of a service that speaks its protocol (MinIO, R2, B2, Garage).

The bucket stays private: a file's URL is `/files/<key>` of our own, signed for originals, and the
upload service passes the file on. So no setting of the bucket can show an original, and nothing
that is stored names a host.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from shared.storage.protocol import (
    FILES,
    FileMissingError,
    Storage,
    StorageRefusedError,
    StorageUnavailableError,
    StoredFile,
    key_of_ours,
    refuse_empty,
    split_key,
)
from shared.storage.settings import StorageSettings

if TYPE_CHECKING:  # they exist for types only
    from obstore import GetResult
    from obstore.store import S3Config

_CHUNK = 64 * 1024


class S3Storage:
    """Storage in `bucket`, under `prefix`. Nothing is retried here, as in `CloudinaryStorage`.

    Without keys the credentials are those of the machine: `AWS_*`, a web identity, a role.
    """

    name = "s3"

    def __init__(
        self,
        *,
        bucket: str,
        region: str = "us-east-1",
        endpoint: str | None = None,
        prefix: str = "",
        path_style: bool = False,
        access_key_id: str | None = None,
        secret_access_key: str | None = None,
        timeout_seconds: float = 8.0,
    ) -> None:
        config: S3Config = {
            "region": region,
            "virtual_hosted_style_request": not path_style,
            # One DELETE each: several services do not have the call for many.
            "disable_bulk_delete": True,
        }
        if endpoint:
            config["endpoint"] = endpoint.rstrip("/")
        if access_key_id and secret_access_key:
            config["access_key_id"] = access_key_id
            config["secret_access_key"] = secret_access_key
        self._store = S3Store(
            bucket,
            prefix=prefix or None,
            config=config,
            client_options={
                "allow_http": True,
                "connect_timeout": timedelta(seconds=timeout_seconds / 4),
                "read_timeout": timedelta(seconds=timeout_seconds),
                "timeout": timedelta(seconds=timeout_seconds * 4),
            },
            retry_config={"max_retries": 0},
        )

    def put(self, key: str, data: bytes, content_type: str) -> StoredFile:
        split_key(key)
        refuse_empty(key, data)
        with _s3_errors(f"store {key}"):
            try:
                # In one request, so that the object is there whole or not at all.
                obstore.put(
                    self._store,
                    key,
                    data,
                    attributes={"Content-Type": content_type},
                    use_multipart=False,
                )
            except FileNotFoundError as error:
                raise _no_bucket(key) from error
        return StoredFile(key=key, url=FILES + key)

    def fetch(self, url: str, *, max_bytes: int) -> bytes:
        key = key_of_ours(url)
        found = self._get(key)
        if found.meta["size"] > max_bytes:
            raise StorageRefusedError(f"{key} is larger than {max_bytes} bytes")
        with _s3_errors(f"fetch {key}"):
            return bytes(found.bytes())

    def stream(self, key: str) -> tuple[int, Iterator[bytes]]:
        split_key(key)
        found = self._get(key)
        return found.meta["size"], _chunks(key, found)

    def delete(self, key: str) -> None:
        split_key(key)
        with _s3_errors(f"delete {key}"):
            obstore.delete(self._store, key)

    def _get(self, key: str) -> "GetResult":
        with _s3_errors(f"fetch {key}"):
            try:
                return obstore.get(self._store, key)
            except FileNotFoundError as error:
                if "NoSuchBucket" in str(error):
                    raise _no_bucket(key) from error
                raise FileMissingError(f"{key} is not there") from error


def build(settings: StorageSettings, *, private_originals: bool) -> Storage:  # noqa: ARG001 - all are private
    secret, path_style = settings.s3_secret_access_key, settings.s3_path_style
    return S3Storage(
        bucket=settings.s3_bucket or "",
        region=settings.s3_region,
        endpoint=settings.s3_endpoint,
        prefix=settings.s3_prefix,
        path_style=bool(settings.s3_endpoint) if path_style is None else path_style,
        access_key_id=settings.s3_access_key_id,
        secret_access_key=secret.get_secret_value() if secret else None,
        timeout_seconds=settings.storage_timeout_seconds,
    )


def _chunks(key: str, found: "GetResult") -> Iterator[bytes]:
    with _s3_errors(f"read {key}"):
        for chunk in found.stream(min_chunk_size=_CHUNK):
            yield bytes(chunk)


def _no_bucket(key: str) -> StorageUnavailableError:
    return StorageUnavailableError(f"S3 has no such bucket, asked for {key}: check S3_BUCKET")


@contextmanager
def _s3_errors(action: str) -> Iterator[None]:
    try:
        yield
    except (PermissionDeniedError, UnauthenticatedError) as error:
        raise StorageUnavailableError(
            f"S3 does not let these credentials {action} (S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY, "
            f"S3_BUCKET): {_first_line(error)}"
        ) from error
    except (BaseError, OSError) as error:
        if "413 Payload Too Large" in str(error) or "EntityTooLarge" in str(error):
            raise StorageRefusedError(f"S3 refused to {action}: too large") from error
        raise StorageUnavailableError(f"S3 cannot {action} now: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    """What follows is a dump of the library's own structures."""
    return str(error).partition("\n")[0][:500]
