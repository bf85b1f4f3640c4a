"""Places in traces travel with messages; without a collector nothing is recorded or loaded."""

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from uuid import uuid4

import pytest
from confluent_kafka import KafkaError
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import INVALID_SPAN

from shared.context import Origin, continued, current_origin, current_traceparent
from shared.failures import PermanentFailure
from shared.kafka.codec import Received, decode, encode_headers
from shared.kafka.processing import Outcome, Processor
from shared.kafka.producer import Outgoing
from shared.kafka.tracing import traced_publisher
from shared.messages import ImageDeleted
from shared.redaction import shown_path
from shared.tracing import is_on, record_with, span, stop_tracing
from tests.support.kafka_fakes import record
from tests.support.recording import recorded_spans

PLACES = [f"00-{number:032x}-{number:016x}-01" for number in (1, 2, 3)]


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    with recorded_spans() as exporter:
        yield exporter


class Broker:
    def __init__(self, *codes: int) -> None:
        self.codes = list(codes)
        self.messages: list[Outgoing] = []

    def publish(self, messages: Sequence[Outgoing]) -> list[KafkaError | None]:
        self.messages += messages
        return [KafkaError(self.codes[0]) if self.codes else None for _ in messages]


def outgoing(traceparent: str | None) -> Outgoing:
    headers = encode_headers("IMAGE_DELETED", uuid4(), Origin("request-1", traceparent))
    return Outgoing("images", b"key", b"{}", headers)


def parent_of(recorded: ReadableSpan) -> str | None:
    parent = recorded.parent
    return parent and f"00-{parent.trace_id:032x}-{parent.span_id:016x}-01"


def place_of(recorded: ReadableSpan) -> str:
    place = recorded.get_span_context()
    assert place is not None
    return f"00-{place.trace_id:032x}-{place.span_id:016x}-01"


def header(message: Outgoing) -> str | None:
    value = dict(message.headers).get("traceparent")
    return None if value is None else value.decode()


def test_each_message_is_sent_with_the_place_of_its_own_span(spans: InMemorySpanExporter) -> None:
    broker = Broker()
    messages = [outgoing(place) for place in (*PLACES, None)]
    assert traced_publisher(broker).publish(messages) == [None] * 4

    sent = spans.get_finished_spans()
    assert [each.name for each in sent] == ["send images"] * 3
    assert [parent_of(each) for each in sent] == PLACES
    assert [header(message) for message in broker.messages] == [*map(place_of, sent), None]
    others = [{**dict(m.headers), "traceparent": None} for m in broker.messages]
    assert others == [{**dict(m.headers), "traceparent": None} for m in messages]


def test_a_message_that_the_broker_does_not_take_has_a_failed_span(
    spans: InMemorySpanExporter,
) -> None:
    publisher = traced_publisher(Broker(KafkaError._MSG_TIMED_OUT))
    publisher.publish([outgoing(PLACES[0])])
    [failed] = spans.get_finished_spans()
    assert not failed.status.is_ok
    assert (failed.attributes or {})["error.type"] == "_MSG_TIMED_OUT"


def batch(places: Sequence[str]) -> Sequence[tuple[str, bytes | None]]:
    return [*encode_headers("IMAGE_DELETED", uuid4(), Origin("request-1", places[0]))]


def test_each_message_of_a_batch_is_handled_with_the_place_of_its_own_span(
    spans: InMemorySpanExporter,
) -> None:
    handed: list[Received] = []

    def handle(received: Sequence[Received]) -> int:
        handed.extend(received)
        assert current_origin() == received[0].origin
        return len(received)

    records = [record(headers=[*batch([place])]) for place in PLACES]
    results = Processor("a-group", {ImageDeleted: handle}).process(records)

    assert [result.outcome for result in results] == [Outcome.DONE] * 3
    processed = spans.get_finished_spans()
    assert sorted(str(parent_of(each)) for each in processed) == PLACES
    by_parent = {parent_of(each): place_of(each) for each in processed}
    assert [received.traceparent for received in handed] == [by_parent[p] for p in PLACES]
    assert {(each.attributes or {})["messaging.batch.message_count"] for each in processed} == {3}


def test_a_message_that_comes_again_is_in_its_trace_again(spans: InMemorySpanExporter) -> None:
    def handle(_: Sequence[Received]) -> int:
        raise PermanentFailure("secret text")

    records = [record(headers=[*batch([PLACES[0]])])]
    for _ in range(2):
        Processor("a-group", {ImageDeleted: handle}).process(records)
    tried = spans.get_finished_spans()
    assert [parent_of(each) for each in tried] == [PLACES[0]] * 2
    assert not any(each.status.is_ok for each in tried)
    assert "secret text" not in "".join(each.to_json() for each in tried)


@pytest.mark.parametrize(
    "value", [b"", b"00-1-2-01", b"\xff", b"x" * 5000, PLACES[0].upper().encode() + b"\n"]
)
def test_another_producers_header_that_is_no_place_counts_as_missing(value: bytes) -> None:
    headers = [("message_type", b"IMAGE_DELETED"), ("version", b"1.0.0"), ("traceparent", value)]
    assert decode(record(headers=[*headers])).origin == Origin()


def test_a_service_that_records_nothing_passes_the_place_on() -> None:
    assert span("anything").__enter__() is INVALID_SPAN
    handed: list[str | None] = []

    def handle(received: Sequence[Received]) -> int:
        handed.extend([received[0].traceparent, current_traceparent()])
        return len(received)

    Processor("a-group", {ImageDeleted: handle}).process([record(headers=[*batch(PLACES)])])
    assert handed == [PLACES[0]] * 2
    broker = Broker()
    assert traced_publisher(broker) is broker


def test_what_is_continued_ends_with_its_block() -> None:
    with continued(Origin("request-17", PLACES[0])):
        assert current_origin() == Origin("request-17", PLACES[0])
        with continued(Origin("request-18")):
            assert current_origin() == Origin("request-18", None)
    assert current_origin() == Origin()


def test_a_collector_that_does_not_answer_does_not_keep_a_process_from_stopping(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = threading.Event()

    class Away(SpanExporter):
        def shutdown(self) -> None:
            answers.wait()

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(Away()))
    record_with(provider)
    monkeypatch.setattr("shared.tracing.FLUSH_SECONDS", 0.01)
    stop_tracing()
    answers.set()
    assert not is_on()


@pytest.mark.parametrize(
    "package", ["api_gateway", "upload_service", "dither_service", "notification_service"]
)
def test_no_service_loads_the_sdk_before_it_has_a_collector(package: str) -> None:
    code = f"import sys, {package}.main; print('opentelemetry.sdk' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout == "False\n"


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/images/7f8f4d4c-52c1-4c8b-9d0e-6d9e3c2f1a10", None),
        ("/files/images/7f8f4d4c-52c1-4c8b-9d0e-6d9e3c2f1a10.jpg", None),
        ("/js/palette-editor.js", None),
        ("/notifications/ann@example.org", "/notifications/[email]"),
        (f"/mail/delete/WyJhIl0.{'s' * 43}", "/mail/delete/[signed]"),
        (f"/mail/delete/.eJw.{'-_' * 14}/", "/mail/delete/[signed]/"),
        ("/" + "x" * 300, "/" + "x" * 199),
    ],
)
def test_a_path_is_shown_without_what_is_secret(path: str, shown: str | None) -> None:
    assert shown_path(path) == (shown or path)
