"""How a client of Kafka logs in: by a certificate, a password, or tokens of OAuth 2."""

import logging
from collections.abc import Callable
from pkgutil import resolve_name
from typing import Any

from shared.settings import KafkaSettings
from shared.settings.pem import pem_text

logger = logging.getLogger(__name__)

# The token, and when it ends in seconds since 1970; further parts are Confluent's (see its
# ``oauth_cb``): the principal's name and a dict of extensions.
Token = tuple[Any, ...]


def login(settings: KafkaSettings) -> dict[str, Any]:
    """librdkafka's properties for TLS and SASL."""
    return _tls(settings) | _sasl(settings)


def _tls(settings: KafkaSettings) -> dict[str, Any]:
    if "SSL" not in settings.kafka_security_protocol:
        return {}
    key = settings.kafka_client_cert_key
    given = {
        "ca": settings.kafka_ssl_ca,
        "certificate": settings.kafka_client_cert,
        "key": key and key.get_secret_value(),
    }
    config: dict[str, Any] = {
        "ssl.endpoint.identification.algorithm": (
            "https" if settings.kafka_ssl_check_hostname else "none"
        )
    }
    for name, value in given.items():
        if value:
            text = pem_text(value)
            config |= {f"ssl.{name}.pem": text} if text else {f"ssl.{name}.location": value}
    return config


def _sasl(settings: KafkaSettings) -> dict[str, Any]:
    if "SASL" not in settings.kafka_security_protocol:
        return {}
    config: dict[str, Any] = {"sasl.mechanism": settings.kafka_sasl_mechanism}
    if settings.kafka_oauth_hook is not None:
        return config | {"oauth_cb": _hook(settings.kafka_oauth_hook)}
    if (secret := settings.kafka_oauth_client_secret) is not None:
        config |= {
            "sasl.oauthbearer.method": "oidc",
            "sasl.oauthbearer.token.endpoint.url": settings.kafka_oauth_token_url,
            "sasl.oauthbearer.client.id": settings.kafka_oauth_client_id,
            "sasl.oauthbearer.client.secret": secret.get_secret_value(),
            "sasl.oauthbearer.scope": settings.kafka_oauth_scope,
            "sasl.oauthbearer.extensions": settings.kafka_oauth_extensions,
        }
    if (password := settings.kafka_sasl_password) is not None:
        config |= {
            "sasl.username": settings.kafka_sasl_username,
            "sasl.password": password.get_secret_value(),
        }
    return {name: value for name, value in config.items() if value is not None}


def _hook(name: str) -> Callable[[str], Token]:
    ask: Callable[[], Token] = resolve_name(name)

    def token(_config: str) -> Token:
        try:
            return ask()
        except Exception as error:
            logger.warning("KAFKA_OAUTH_HOOK gives no token", extra={"reason": repr(error)})
            raise

    return token
