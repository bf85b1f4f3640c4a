"""Kafka clients reconnect after an outage, even if the broker returns without any metadata."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from confluent_kafka import Producer

from shared.kafka.client import client_config, consumer_client
from shared.settings import KafkaSettings
from standalone.ports import free_port
from tests.support.kafka.starting import StartingBroker

WAIT_SECONDS = 40.0
TOPIC = "images-of-the-clients-that-find-back"  # librdkafka cannot read the shortest of answers
CLIENTS = {"producer", "consumer"}


@contextmanager
def busy_clients(port: int) -> Iterator[None]:
    """A producer and a consumer as in the services, both with work to do."""
    settings = KafkaSettings(kafka_server=f"127.0.0.1:{port}")
    producer = Producer({**client_config(settings, "producer"), "message.timeout.ms": 2000})
    consumer = consumer_client(settings, "consumer")
    consumer.subscribe([TOPIC])
    ended = threading.Event()

    def work() -> None:
        while not ended.wait(0.05):
            producer.produce(TOPIC, b"")
            producer.poll(0)
            consumer.poll(0)

    working = threading.Thread(target=work)
    working.start()
    try:
        yield
    finally:
        ended.set()
        working.join()
        producer.purge()
        producer.close()
        consumer.close()


def all_ask(broker: StartingBroker) -> None:
    broker.asked.clear()
    wait_until(lambda: broker.asked >= CLIENTS, f"all clients ask, not only {broker.asked}")


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not within {WAIT_SECONDS} s: {what}"
        time.sleep(0.02)


def test_clients_find_back_to_a_broker_that_went_and_came_back_knowing_nothing() -> None:
    broker = StartingBroker(free_port())
    with busy_clients(broker.port):
        for knows in (True, False, True, True):
            broker.knows = knows
            with broker:
                all_ask(broker)
