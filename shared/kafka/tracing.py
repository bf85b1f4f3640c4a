"""Messages in traces: a span for the sending of each message, and one for its processing.

The header ``traceparent`` takes the place in the trace along. The outbox stores it with the row, so
that it survives a crash, a sweep by another process and a redelivery. OpenTelemetry's semantic
conventions for messaging and for Kafka name the attributes.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from confluent_kafka import KafkaError
from opentelemetry.trace import Span, SpanKind, set_span_in_context

from shared.context import TRACEPARENT, continued, current_traceparent, trace_context
from shared.kafka.codec import Received
from shared.kafka.producer import Outgoing, Publisher
from shared.kafka.record import Record
from shared.tracing import is_on, note_failure, start_span

_SYSTEM = {"messaging.system": "kafka"}


def traced_publisher(publisher: Publisher) -> Publisher:
    """``publisher``, whose messages are recorded if traces are."""
    return _TracedPublisher(publisher) if is_on() else publisher


class _TracedPublisher:
    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    def publish(self, messages: Sequence[Outgoing]) -> list[KafkaError | None]:
        begun = [_begin_sending(message) for message in messages]
        try:
            outcomes = self._publisher.publish([message for message, _ in begun])
            for (_, span), error in zip(begun, outcomes, strict=True):
                if span is not None and error is not None:
                    note_failure(span, error.name())
            return outcomes
        finally:
            for _, span in begun:
                if span is not None:
                    span.end()


def _begin_sending(message: Outgoing) -> tuple[Outgoing, Span | None]:
    """The message with the place of its span, if it belongs to a trace."""
    headers = dict(message.headers)
    if (stored := headers.get(TRACEPARENT)) is None:
        return message, None
    span = start_span(
        f"send {message.topic}",
        SpanKind.PRODUCER,
        parent=trace_context(stored.decode()),
        attributes={
            **_SYSTEM,
            "messaging.operation.name": "send",
            "messaging.operation.type": "send",
            "messaging.destination.name": message.topic,
            **_key(message.key),
        },
    )
    headers[TRACEPARENT] = _traceparent_of(span).encode()
    return replace(message, headers=list(headers.items())), span


@contextmanager
def processing(
    batch: Sequence[Received], records: Sequence[Record], group: str
) -> Iterator[Sequence[Received]]:
    """The batch, each message with the place of its span; the first one's is the current one."""
    with ExitStack() as stack:
        if not is_on():
            stack.enter_context(continued(batch[0].origin))
            yield batch
            return
        spans = [
            _begin_processing(received, record, group, len(batch))
            for received, record in zip(batch, records, strict=True)
        ]
        for span in spans:
            stack.callback(span.end)
        placed = [
            replace(received, traceparent=_traceparent_of(span))
            for received, span in zip(batch, spans, strict=True)
        ]
        stack.enter_context(continued(placed[0].origin))
        try:
            yield placed
        except Exception as error:
            for span in spans:
                note_failure(span, type(error).__qualname__)
            raise


def _begin_processing(received: Received, record: Record, group: str, size: int) -> Span:
    return start_span(
        f"process {record.topic}",
        SpanKind.CONSUMER,
        parent=trace_context(received.traceparent),
        attributes={
            **_SYSTEM,
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.destination.name": record.topic,
            **_key(record.key),
            "messaging.destination.partition.id": str(record.partition),
            "messaging.kafka.offset": record.offset,
            "messaging.consumer.group.name": group,
            "messaging.batch.message_count": size,
            "messaging.message.type": received.body.message_type,
        },
    )


def _key(key: bytes | None) -> dict[str, str]:
    """The image's uuid, by which an operator finds its traces."""
    return {} if key is None else {"messaging.kafka.message.key": key.decode(errors="replace")}


def _traceparent_of(span: Span) -> str:
    return current_traceparent(set_span_in_context(span)) or ""
