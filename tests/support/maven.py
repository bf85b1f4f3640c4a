"""Servers written in Java: their jars, fetched once by Maven into the user's cache."""

import re
import shutil
import subprocess
from pathlib import Path

from tests.support.cache import filled_once

_MAVEN_SECONDS = 600


class JarsUnavailableError(Exception):
    """A server is not available on this machine; the text says what is missing."""


def java_version() -> int:
    """Major version of the `java` on the path, 0 if there is none."""
    if shutil.which("java") is None:
        return 0
    done = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False)
    match = re.search(r'version "(\d+)', done.stderr)
    return int(match[1]) if match else 0


def fetch_jars(pom: Path, name: str, title: str) -> Path:
    """The folder with what ``pom`` lists, fetched if missing. Raises JarsUnavailableError."""
    return filled_once(name, lambda folder: _run_maven(pom, folder, title))


def _run_maven(pom: Path, target: Path, title: str) -> None:
    if java_version() < 17 or shutil.which("mvn") is None:
        raise JarsUnavailableError(f"{title} needs Java 17 or newer and mvn")
    command = ["mvn", "--batch-mode", "--quiet", "--file", str(pom)]
    command += ["dependency:copy-dependencies", "-DincludeScope=runtime"]
    command += [f"-DoutputDirectory={target}"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_MAVEN_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise JarsUnavailableError(f"mvn took too long to fetch {title}") from error
    if done.returncode != 0:
        raise JarsUnavailableError(f"mvn did not fetch {title}: {done.stdout[-800:].strip()}")
