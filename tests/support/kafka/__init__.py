"""A real Apache Kafka for the tests, from Maven's jars: no Docker, only Java 17 and mvn.

`python -m tests.support.kafka` fetches the jars.
"""

from tests.support.kafka.apache import ApacheKafka
from tests.support.kafka.jars import KafkaUnavailableError, find_jars, install_jars, kafka_version

__all__ = ["ApacheKafka", "KafkaUnavailableError", "find_jars", "install_jars", "kafka_version"]
