"""The client settings that every Kafka client of ours starts from."""

import logging
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaError

from shared.settings import KafkaSettings

logger = logging.getLogger(__name__)

# librdkafka reports these whenever a broker goes away; it reconnects by itself.
_ROUTINE = frozenset({KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT, KafkaError._TIMED_OUT})


def client_config(settings: KafkaSettings, client_id: str) -> dict[str, Any]:
    """Address, login and TLS, the same for producers, consumers and admin clients."""
    config: dict[str, Any] = {
        "bootstrap.servers": settings.kafka_server,
        "client.id": client_id,
        "security.protocol": settings.kafka_security_protocol.upper(),
        "error_cb": log_client_error,
        "logger": logging.getLogger("librdkafka"),
        "log_level": 3,  # librdkafka's own lines: errors only
        "socket.keepalive.enable": True,
        "reconnect.backoff.ms": 100,
        "reconnect.backoff.max.ms": 2000,
        "broker.address.ttl": 5000,
        "allow.auto.create.topics": False,
    }
    if settings.kafka_sasl_mechanism and settings.kafka_sasl_password:
        config["sasl.mechanism"] = settings.kafka_sasl_mechanism
        config["sasl.username"] = settings.kafka_sasl_username
        config["sasl.password"] = settings.kafka_sasl_password.get_secret_value()
    if settings.kafka_ssl_ca:
        config.update(_certificate_authority(settings.kafka_ssl_ca))
    return config


def _certificate_authority(value: str) -> dict[str, str]:
    if value.lstrip().startswith("-----BEGIN"):
        return {"ssl.ca.pem": value.replace("\\n", "\n")}
    if not Path(value).is_file():
        raise ValueError("KAFKA_SSL_CA is neither a PEM text nor the path of a readable file")
    return {"ssl.ca.location": value}


def log_client_error(error: KafkaError) -> None:
    level = logging.INFO if error.code() in _ROUTINE else logging.WARNING
    logger.log(level, "kafka client: %s", error.str())
