"""Kafka's jars."""

import re
from pathlib import Path

from tests.support.cache import cache_folder
from tests.support.maven import JarsUnavailableError, fetch_jars, java_version

__all__ = ["KafkaUnavailableError", "find_jars", "install_jars", "java_version", "kafka_version"]

_POM = Path(__file__).with_name("pom.xml")

KafkaUnavailableError = JarsUnavailableError


def kafka_version() -> str:
    match = re.search(r"<kafka.version>([^<]+)<", _POM.read_text())
    assert match is not None
    return match[1]


def find_jars() -> Path | None:
    """The folder of the jars if they are there already."""
    folder = cache_folder() / f"kafka-{kafka_version()}"
    return folder if folder.is_dir() else None


def install_jars() -> Path:
    """The folder of the jars, fetched if they are missing. Raises KafkaUnavailableError."""
    return fetch_jars(_POM, f"kafka-{kafka_version()}", "Apache Kafka")
