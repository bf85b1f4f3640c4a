"""Kafka's jars: fetched once by Maven into the user's cache."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

_POM = Path(__file__).with_name("pom.xml")
_MAVEN_SECONDS = 600


class KafkaUnavailableError(Exception):
    """Apache Kafka is not available on this machine; the text says what is missing."""


def kafka_version() -> str:
    match = re.search(r"<kafka.version>([^<]+)<", _POM.read_text())
    assert match is not None
    return match[1]


def cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "dither-services" / f"kafka-{kafka_version()}"


def java_version() -> int:
    """Major version of the `java` on the path, 0 if there is none."""
    if shutil.which("java") is None:
        return 0
    done = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False)
    match = re.search(r'version "(\d+)', done.stderr)
    return int(match[1]) if match else 0


def find_jars() -> Path | None:
    """The folder of the jars if they are there already."""
    return cache_folder() if cache_folder().is_dir() else None


def install_jars() -> Path:
    """The folder of the jars, fetched if they are missing. Raises KafkaUnavailableError."""
    folder = cache_folder()
    if folder.is_dir():
        return folder
    if java_version() < 17 or shutil.which("mvn") is None:
        raise KafkaUnavailableError("Apache Kafka needs Java 17 or newer and mvn")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="unfinished-") as unfinished:
        jars = Path(unfinished) / "jars"
        _run_maven(jars)
        try:
            jars.rename(folder)
        except OSError:  # another process has fetched them meanwhile
            if not folder.is_dir():
                raise
    return folder


def _run_maven(target: Path) -> None:
    command = ["mvn", "--batch-mode", "--quiet", "--file", str(_POM)]
    command += ["dependency:copy-dependencies", "-DincludeScope=runtime"]
    command += [f"-DoutputDirectory={target}"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_MAVEN_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise KafkaUnavailableError("mvn took too long to fetch Apache Kafka") from error
    if done.returncode != 0:
        raise KafkaUnavailableError(f"mvn did not fetch Apache Kafka: {done.stdout[-800:].strip()}")
