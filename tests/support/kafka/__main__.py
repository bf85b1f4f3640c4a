"""Fetches Kafka's jars if they are missing."""

import sys

from tests.support.kafka.jars import KafkaUnavailableError, install_jars

try:
    install_jars()
except KafkaUnavailableError as unavailable:
    sys.exit(str(unavailable))
