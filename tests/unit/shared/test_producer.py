"""A producer whose broker does not answer."""

import pytest
from confluent_kafka import KafkaError

from shared.kafka.producer import STUCK_AFTER, Outgoing, Producer
from standalone.ports import free_port


def test_a_client_that_delivers_nothing_is_replaced_now_and_then(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It may be the client that is stuck, not the broker that is away."""
    server = f"127.0.0.1:{free_port()}"
    producer = Producer({"bootstrap.servers": server, "log_level": 0}, delivery_timeout=0.1)
    message = Outgoing("images", b"key", b"{}", [])
    replaced = []
    for _ in range(2 * STUCK_AFTER):
        outcomes = producer.publish([message, message])
        assert [o.code() for o in outcomes if o] == [KafkaError._MSG_TIMED_OUT] * 2
        replaced.append(sum("is replaced" in record.message for record in caplog.records))
    producer.close()
    assert replaced == [0, 1, 1, 2]
    assert producer.publish([]) == []
