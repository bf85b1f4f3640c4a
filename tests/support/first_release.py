"""The first release, taken from this repository's history: what an upgrade starts from."""

import subprocess
import tempfile
from pathlib import Path

from tests.support.maven import cache_folder

ROOT = Path(__file__).parents[2]
COMMIT = "2376375d1b62283fad752a943d3da5b566424a72"


class NoHistoryError(Exception):
    """This is no clone with its history; the text says so."""


def unpack_first_release() -> Path:
    """Its files, in the user's cache, so that its kernels are compiled once.

    Raises NoHistoryError in a shallow clone or an archive.
    """
    folder = cache_folder(f"first-release-{COMMIT[:8]}")
    if folder.is_dir():
        return folder
    archive = subprocess.run(
        ["git", "-C", str(ROOT), "archive", COMMIT], capture_output=True, check=False
    )
    if archive.returncode != 0:
        raise NoHistoryError("needs a clone with its whole history, for the release before")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="unfinished-") as unfinished:
        files = Path(unfinished) / "files"
        files.mkdir()
        subprocess.run(["tar", "-x", "-C", str(files)], input=archive.stdout, check=True)
        try:
            files.rename(folder)
        except OSError:  # another process has unpacked it meanwhile
            if not folder.is_dir():
                raise
    return folder
