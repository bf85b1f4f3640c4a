"""What is known of the brokers, from the client's own reports."""

import json
import time

from shared.kafka.brokers import SILENT_AFTER, Brokers
from shared.kafka.client import consumer_client
from shared.settings import KafkaSettings
from standalone.ports import free_port


def report(*states: str) -> str:
    return json.dumps({"brokers": {str(n): {"state": state} for n, state in enumerate(states)}})


def test_a_broker_that_answers_is_enough() -> None:
    brokers = Brokers()
    for _ in range(SILENT_AFTER):
        brokers.note(report("DOWN", "INIT", "UP"))
    assert brokers.answer


def test_a_moment_of_silence_is_none_and_a_connection_ends_it() -> None:
    brokers = Brokers()
    for _ in range(SILENT_AFTER - 1):
        brokers.note(report("CONNECT", "DOWN"))
    told = [brokers.answer]
    for states in ((), ("UPDATE",)):
        brokers.note(report(*states))
        told.append(brokers.answer)
    assert told == [True, False, True]


def test_a_client_without_a_broker_tells_of_it() -> None:
    brokers = Brokers()
    settings = KafkaSettings(kafka_server=f"127.0.0.1:{free_port()}")
    client = consumer_client(settings, "group", brokers)
    client.subscribe(["topic"])
    deadline = time.monotonic() + 60
    while brokers.answer and time.monotonic() < deadline:
        client.poll(0.1)
    client.close()
    assert not brokers.answer
