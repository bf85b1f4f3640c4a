import logging
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaError, TopicPartition
from pydantic import SecretStr, ValidationError

from shared.kafka.client import client_config, consumer_client, log_client_error, log_commit
from shared.kafka.topics import wanted_topics
from shared.settings import HttpSettings, KafkaSettings
from tests.support.mailserver.tls import make_certificate

LOGIN = {
    "kafka_security_protocol": "sasl_ssl",
    "kafka_sasl_mechanism": "SCRAM-SHA-256",
    "kafka_sasl_username": "alice",
    "kafka_sasl_password": SecretStr("s3cret"),
}


def test_a_login_is_given_to_the_client_and_shown_to_nobody() -> None:
    settings = KafkaSettings.model_validate(LOGIN)
    config = client_config(settings, "me")
    assert config["security.protocol"] == "SASL_SSL"
    assert (config["sasl.username"], config["sasl.password"]) == ("alice", "s3cret")
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize("ephemeral", [False, True])
def test_topics_are_made_by_being_named_on_the_broker_that_forgets_alone(ephemeral: bool) -> None:
    config = client_config(KafkaSettings(kafka_ephemeral=ephemeral), "relay")
    assert config["allow.auto.create.topics"] is ephemeral


@pytest.mark.parametrize("missing", ["kafka_sasl_mechanism", "kafka_sasl_username"])
def test_half_a_login_is_refused(missing: str) -> None:
    with pytest.raises(ValidationError, match="must be set"):
        KafkaSettings.model_validate({k: v for k, v in LOGIN.items() if k != missing})


def test_the_certificate_authority_may_be_a_file_or_the_text_itself(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    _, begin, rest = make_certificate(tmp_path).read_text().partition("-----BEGIN CERTIFICATE")
    pem = begin + rest[: rest.index("-----END CERTIFICATE-----") + 26]
    file.write_text(pem)

    def config(value: str) -> dict[str, Any]:
        return client_config(KafkaSettings(kafka_security_protocol="SSL", kafka_ssl_ca=value), "me")

    by_path, by_text = config(str(file)), config(pem.replace("\n", "\\n"))
    assert by_path["ssl.ca.location"] == str(file)
    assert by_text["ssl.ca.pem"] == pem


@pytest.mark.parametrize(
    "value",
    [
        *("missing.pem", "a.pem", ".", "-----BEGIN CERTIFICATE-----\\nabc"),
        '"-----BEGIN CERTIFICATE-----\\nabc"',
        *("-----BEGIN x-----\\nabc", "-----BEGIN CERTIFICATE-----\\né", "\0"),
    ],
)
def test_a_certificate_authority_that_is_none_is_refused_at_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.pem").write_text("no certificate")
    with pytest.raises(ValidationError, match="must be certificates"):
        KafkaSettings(kafka_ssl_ca=value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kafka_security_protocol", "sasl-ssl"),
        ("kafka_sasl_mechanism", "SCRAM"),
        ("kafka_topic_replication", 0),
        ("kafka_topic_replication", -2),
    ],
)
def test_a_value_that_kafka_does_not_know_is_refused_at_start(name: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=rf"KafkaSettings\n{name}\n"):
        KafkaSettings.model_validate({name: value})


@pytest.mark.parametrize(
    "url",
    [
        *(
            "dither.example.org",
            "ftp://h",
            "https://",
            "https://h?a",
            "http://h#a",
        ),
        *("https://a b", "https://h\n", "/files"),
    ],
)
def test_a_public_address_that_links_cannot_start_with_is_refused_at_start(url: str) -> None:
    with pytest.raises(ValidationError, match="PUBLIC_URL must be like"):
        HttpSettings(public_url=url)


@pytest.mark.parametrize("url", ["http://localhost:8000", "https://dither.example.org/"])
def test_a_public_address(url: str) -> None:
    assert HttpSettings(public_url=url).public_url == url


@pytest.mark.parametrize("session", [1.0, 10.0, 600.0])
def test_librdkafka_accepts_the_consumers_settings_whatever_the_timeouts(session: float) -> None:
    settings = KafkaSettings(
        kafka_server="127.0.0.1:1",
        kafka_session_timeout_seconds=session,
        kafka_max_poll_interval_seconds=30,
    )
    consumer_client(settings, "group").close()


def test_an_outage_is_worth_an_information_and_a_refused_login_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO):
        log_client_error(KafkaError(KafkaError._ALL_BROKERS_DOWN))
        log_client_error(KafkaError(KafkaError._AUTHENTICATION))
    assert [line.levelname for line in caplog.records] == ["INFO", "WARNING"]


def test_a_commit_that_failed_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    log_commit(None, [TopicPartition("t", 0, 1)])
    log_commit(KafkaError(KafkaError._NO_OFFSET), [])
    assert caplog.text == ""
    log_commit(KafkaError(KafkaError.REBALANCE_IN_PROGRESS), [])
    assert "offsets were not committed" in caplog.text


def test_topics_are_replicated_as_the_broker_has_it_by_default() -> None:
    assert KafkaSettings().kafka_topic_replication == -1


def test_messages_are_kept_for_less_long_than_the_inboxes_know_them() -> None:
    from shared.inbox import RETENTION

    settings = KafkaSettings()
    kept = int(wanted_topics(settings)[settings.kafka_image_topic]["retention.ms"])
    assert kept / 1000 < RETENTION.total_seconds()
