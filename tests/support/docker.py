"""Whether a Docker engine is there to start containers with."""

import functools
import shutil
import subprocess


@functools.cache
def docker_answers() -> bool:
    """True if `docker` is installed and its engine answers."""
    docker = shutil.which("docker")
    if docker is None:
        return False
    try:
        done = subprocess.run(
            [docker, "version", "--format", "{{.Server.Version}}"],
            capture_output=True,
            timeout=5,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
