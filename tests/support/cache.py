"""What tests fetch or unpack once, and keep between runs. It may be deleted at any time."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "dither-services"


def filled_once(name: str, fill: Callable[[Path], None]) -> Path:
    """The folder ``name`` of the cache; if it is missing, ``fill`` writes what is in it.

    It appears only when it is complete, also if several processes fill it at once.
    """
    folder = cache_folder() / name
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="unfinished-") as unfinished:
        content = Path(unfinished) / "content"
        content.mkdir()
        fill(content)
        try:
            content.rename(folder)
        except OSError:  # another process has filled it meanwhile
            if not folder.is_dir():
                raise
    return folder
