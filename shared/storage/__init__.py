"""Where files are kept: Cloudinary, a bucket of S3, or this machine's disk."""

from importlib import import_module

from shared.storage.local import LocalStorage
from shared.storage.protocol import (
    FILES,
    FileMissingError,
    PrivateStorage,
    Storage,
    StorageError,
    StorageRefusedError,
    StorageUnavailableError,
    StoredFile,
    split_key,
)
from shared.storage.settings import StorageSettings

__all__ = [
    "FILES",
    "FileMissingError",
    "LocalStorage",
    "PrivateStorage",
    "Storage",
    "StorageError",
    "StorageRefusedError",
    "StorageSettings",
    "StorageUnavailableError",
    "StoredFile",
    "build_storage",
    "split_key",
]


def build_storage(settings: StorageSettings, *, private_originals: bool = False) -> Storage:
    """The storage that the settings choose: the module of its name has a function ``build``.

    Only that module is imported: a client of megabytes costs memory, and Cloudinary's reads
    CLOUDINARY_URL when it is imported, where a wrong one is an error.
    ``private_originals``: without a signed link, nobody gets an original. (Where files are at
    ``/files/…`` it is the upload service that asks for one.)
    """
    module = import_module(f"{__name__}.{settings.chosen_storage}")
    storage: Storage = module.build(settings, private_originals=private_originals)
    return storage
