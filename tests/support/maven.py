"""Servers written in Java: their jars, fetched once by Maven into the user's cache."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

_MAVEN_SECONDS = 600


class JarsUnavailableError(Exception):
    """A server is not available on this machine; the text says what is missing."""


def cache_folder(name: str) -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "dither-services" / name


def java_version() -> int:
    """Major version of the `java` on the path, 0 if there is none."""
    if shutil.which("java") is None:
        return 0
    done = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False)
    match = re.search(r'version "(\d+)', done.stderr)
    return int(match[1]) if match else 0


def fetch_jars(pom: Path, name: str, title: str) -> Path:
    """The folder with what ``pom`` lists, fetched if missing. Raises JarsUnavailableError."""
    folder = cache_folder(name)
    if folder.is_dir():
        return folder
    if java_version() < 17 or shutil.which("mvn") is None:
        raise JarsUnavailableError(f"{title} needs Java 17 or newer and mvn")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="unfinished-") as unfinished:
        jars = Path(unfinished) / "jars"
        _run_maven(pom, jars, title)
        try:
            jars.rename(folder)
        except OSError:  # another process has fetched them meanwhile
            if not folder.is_dir():
                raise
    return folder


def _run_maven(pom: Path, target: Path, title: str) -> None:
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
