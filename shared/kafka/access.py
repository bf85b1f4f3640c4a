"""Check that all topics and rights that a service needs in Kafka are there, and name what is not.

Without this check, a consumer whose topic is missing, or is not readable for it, waits in silence.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclOperation,
    AdminClient,
)

from shared.failures import TransientFailure
from shared.kafka.client import client_config, log_client_error
from shared.settings import KafkaSettings

TIMEOUT_SECONDS = 5.0
_LOGIN_REFUSED = {KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED}


class AccessError(Exception):
    """The broker answers, but something is missing; the text says what."""


def check_access(
    settings: KafkaSettings, *, group: str, reads: Sequence[str], writes: Sequence[str]
) -> None:
    """Raises ``AccessError`` naming every topic, group (whole name) and right that is missing.

    Raises ``TransientFailure`` when the broker does not answer, which says nothing about rights.
    """
    refusals: list[str] = []

    def notice(error: KafkaError) -> None:
        if error.code() in _LOGIN_REFUSED or "SSL routines" in error.str():
            refusals.append(_refusal(settings, error))
        log_client_error(error)

    config: dict[str, Any] = {**client_config(settings, f"{group}-check"), "error_cb": notice}
    admin: AdminClient | None = None
    try:
        admin = AdminClient(config)  # waits for a first token, if there is a hook
        missing = [*_topics(admin, reads, writes), *_group(admin, group)]
    except KafkaException as error:
        if admin is None:
            notice(error.args[0])
        else:
            admin.poll(0.1)  # calls `notice`
        if refusals:
            raise AccessError(refusals[-1]) from error
        raise TransientFailure(f"Kafka does not answer: {error.args[0].str()}") from error
    if missing:
        raise AccessError("Kafka: " + "; ".join(missing))


def _refusal(settings: KafkaSettings, error: KafkaError) -> str:
    """Which settings are about a connection that one side refused."""
    if error.code() in _LOGIN_REFUSED and settings.kafka_sasl_mechanism == "OAUTHBEARER":
        return f"no login at Kafka with KAFKA_OAUTH_* (OAUTHBEARER): {error.str()}"
    if error.code() in _LOGIN_REFUSED:
        return (
            f"Kafka refuses the login of {settings.kafka_sasl_username!r} "
            f"({settings.kafka_security_protocol}, {settings.kafka_sasl_mechanism})"
        )
    if "verify failed" in error.str():
        return (
            "Kafka: the brokers' certificate is not accepted; KAFKA_SSL_CA must have its CA, and "
            "where it does not name the host, KAFKA_SSL_CHECK_HOSTNAME must be false"
        )
    return f"Kafka refuses TLS or KAFKA_CLIENT_CERT: {error.str()}"


def _topics(admin: AdminClient, reads: Sequence[str], writes: Sequence[str]) -> Iterator[str]:
    needed: dict[str, list[AclOperation]] = {}
    for names, operation in ((reads, AclOperation.READ), (writes, AclOperation.WRITE)):
        for name in names:
            needed.setdefault(name, []).append(operation)
    described = admin.describe_topics(
        TopicCollection(list(needed)),
        include_authorized_operations=True,
        request_timeout=TIMEOUT_SECONDS,
    )
    for name, operations in needed.items():
        yield from _sentences(f"topic {name!r}", operations, described, name)


def _group(admin: AdminClient, group: str) -> Iterator[str]:
    described = admin.describe_consumer_groups(
        [group], include_authorized_operations=True, request_timeout=TIMEOUT_SECONDS
    )
    yield from _sentences(f"group {group!r}", [AclOperation.READ], described, group)


def _sentences(
    what: str, needed: Sequence[AclOperation], described: Mapping[str, Future[Any]], name: str
) -> Iterator[str]:
    """What is missing. Raises ``KafkaException`` when this cannot be found out."""
    wanted = " and ".join(operation.name for operation in needed)
    try:
        allowed = described[name].result().authorized_operations
    except KafkaException as error:
        code = error.args[0].code()
        if code == KafkaError.UNKNOWN_TOPIC_OR_PART:
            yield f"{what} does not exist (python -m shared.kafka.topics creates it)"
        elif code in {KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED}:
            yield f"{what} may not be used: the right {wanted} is missing"
        else:
            raise
        return
    for operation in needed:
        if allowed is not None and operation not in allowed:
            yield f"{what}: the right {operation.name} is missing"
