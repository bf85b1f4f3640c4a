"""Whether containers can be started: an engine answers, and the image exists or can be pulled."""

import functools
import shutil
import subprocess

_PULL_SECONDS = 300


@functools.cache
def docker_has(image: str) -> bool:
    """True if a container of `image` can be started; pulls the image if it is not there."""
    if shutil.which("docker") is None or not _succeeds("version", seconds=5):
        return False
    return _succeeds("image", "inspect", image, seconds=5) or _succeeds(
        "pull", "--quiet", image, seconds=_PULL_SECONDS
    )


def _succeeds(*arguments: str, seconds: float) -> bool:
    try:
        done = subprocess.run(
            ["docker", *arguments], capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
