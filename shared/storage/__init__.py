"""Where files are kept: Cloudinary if its credentials are set, else this machine's disk."""

import logging

from shared.storage.local import LocalStorage
from shared.storage.protocol import (
    FileMissingError,
    Storage,
    StorageError,
    StorageRefusedError,
    StorageUnavailableError,
    StoredFile,
    split_key,
)
from shared.storage.settings import StorageSettings

__all__ = [
    "FileMissingError",
    "LocalStorage",
    "Storage",
    "StorageError",
    "StorageRefusedError",
    "StorageSettings",
    "StorageUnavailableError",
    "StoredFile",
    "build_storage",
    "split_key",
]

_log = logging.getLogger(__name__)


def build_storage(settings: StorageSettings, *, private_originals: bool = False) -> Storage:
    """The storage that the settings choose; logs it if this is only the local disk.

    ``private_originals``: without a signed link, nobody gets an original. (On local disk it is the
    upload service that asks for one.)
    """
    name, key, secret = (
        settings.cloudinary_cloud_name,
        settings.cloudinary_api_key,
        settings.cloudinary_api_secret,
    )
    if name and key and secret:
        # Only here: its SDK reads CLOUDINARY_URL when it is imported, and a wrong one is an error.
        from shared.storage.cloudinary import CloudinaryStorage  # noqa: PLC0415

        return CloudinaryStorage(
            cloud_name=name,
            api_key=key,
            api_secret=secret.get_secret_value(),
            upload_prefix=settings.cloudinary_upload_prefix,
            delivery_url=settings.cloudinary_delivery_url,
            folder=settings.cloudinary_folder,
            timeout_seconds=settings.storage_timeout_seconds,
            private_originals=private_originals,
        )
    root = settings.data_dir / "files"
    _log.warning(
        "no CLOUDINARY_* variables are set: files are kept on local disk, in %s; "
        "services on other machines do not see them",
        root,
    )
    return LocalStorage(root)
