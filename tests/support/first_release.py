"""The first release, taken from this repository's history: what an upgrade starts from."""

import subprocess
from pathlib import Path

from tests.support.cache import filled_once

ROOT = Path(__file__).parents[2]
COMMIT = "2376375d1b62283fad752a943d3da5b566424a72"


class NoHistoryError(Exception):
    """This is no clone with its history; the text says so."""


def unpack_first_release() -> Path:
    """Its files, in the user's cache, so that its kernels are compiled once.

    Raises NoHistoryError in a shallow clone or an archive.
    """
    return filled_once(f"first-release-{COMMIT[:8]}", _unpack)


def _unpack(folder: Path) -> None:
    archive = subprocess.run(
        ["git", "-C", str(ROOT), "archive", COMMIT], capture_output=True, check=False
    )
    if archive.returncode != 0:
        raise NoHistoryError("needs a clone with its whole history, for the release before")
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)
