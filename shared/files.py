"""Files and directories that outlast a power failure. All functions raise ``OSError``."""

import os
import secrets
from contextlib import suppress
from pathlib import Path


def make_directory(directory: Path) -> None:
    """Make it and what is above it, so that they outlast a power failure."""
    if directory.is_dir():
        return
    make_directory(directory.parent)
    with suppress(FileExistsError):
        directory.mkdir()
    _sync_directory(directory.parent)


def write_atomically(path: Path, data: bytes) -> None:
    """A reader, also after a power failure, sees either the old file or the new one."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    _sync_directory(path.parent)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
