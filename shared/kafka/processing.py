"""Decode a partition's messages, call their handlers, and return a result for each message.

Waiting messages are handled as a batch, in one call of their handler and so in one transaction. If
the batch fails, none of its messages is settled, and the caller must pass them again one by one:
so each message is judged by itself.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from shared.context import sampled_trace_id
from shared.failures import PermanentFailure, TransientFailure
from shared.kafka.codec import Received, UnknownMessageType, decode
from shared.kafka.record import Record
from shared.kafka.tracing import processing
from shared.messages import Body
from shared.metrics import MESSAGE_SECONDS, MESSAGES
from shared.tracing import exemplar_of

logger = logging.getLogger(__name__)

# Handles messages of one partition, in order, and returns how many of them, counted from the first,
# are done: all, or only some if the work takes long.
Handler = Callable[[Sequence[Received]], int]
Handlers = Mapping[type[Body], Handler]


class Outcome(StrEnum):
    DONE = "done"
    IGNORED = "ignored"
    RETRY = "retry"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Result:
    """``expected`` is false for an exception that is not one of ``shared.failures``."""

    outcome: Outcome
    reason: str = ""
    expected: bool = True


DONE, IGNORED = Result(Outcome.DONE), Result(Outcome.IGNORED)


@dataclass(frozen=True, slots=True)
class _Item:
    """``received`` is None for a message that is ignored."""

    record: Record
    kind: str
    received: Received | None = None

    @property
    def exemplar(self) -> dict[str, str] | None:
        trace = self.received.traceparent if self.received is not None else None
        return exemplar_of(sampled_trace_id(trace))


class Processor:
    """Never raises. Message types without a handler belong to another service: they are ignored.

    Unknown types are ignored as well: the producer may be newer than this consumer.
    """

    def __init__(self, group: str, handlers: Handlers) -> None:
        self._group = group
        self._handlers = dict(handlers)

    def process(self, records: Sequence[Record]) -> list[Result]:
        """Results for the first messages; the caller must pass the others again.

        The list is empty if the batch failed: then pass its messages again one by one.
        """
        started = time.monotonic()
        items, handler = self._first_run(records)
        kinds = [item.kind for item in items] or ["undecodable"]
        results = self._results(items, handler) if items else [_undecodable(records[0])]
        seconds = (time.monotonic() - started) / max(1, len(results))
        examples = [item.exemplar for item in items] or [None]
        for kind, example, result in zip(kinds, examples, results, strict=False):
            MESSAGES.labels(self._group, kind, result.outcome.value).inc()
            MESSAGE_SECONDS.labels(self._group, kind).observe(seconds, example)
        return results

    def _first_run(self, records: Sequence[Record]) -> tuple[list[_Item], Handler | None]:
        """The first messages, up to one that cannot be decoded or has another handler."""
        items: list[_Item] = []
        handler: Handler | None = None
        for record in records:
            try:
                received = decode(record)
            except UnknownMessageType:
                items.append(_Item(record, "unknown"))
                continue
            except Exception:  # noqa: BLE001 - raised and reported again when it is the first
                break
            own = self._handlers.get(type(received.body))
            if own is not None and handler not in {None, own}:
                break
            handler = handler or own
            kind = received.body.message_type
            items.append(_Item(record, kind, None if own is None else received))
        return items, handler

    def _results(self, items: Sequence[_Item], handler: Handler | None) -> list[Result]:
        handled = [item for item in items if item.received is not None]
        outcomes = iter(_handled(handler, handled, self._group) if handler is not None else [])
        results: list[Result] = []
        for item in items:
            result = IGNORED if item.received is None else next(outcomes, None)
            if result is None:
                break
            results.append(result)
        return results


def _handled(handler: Handler, items: Sequence[_Item], group: str) -> list[Result]:
    try:
        return [DONE] * _call(handler, items, group)
    except Exception as error:  # noqa: BLE001 - each has its result
        if len(items) > 1:
            logger.info("handling one by one", extra={"reason": type(error).__name__})
            return []
        return [_failed(error, items[0].record)]


def _call(handler: Handler, items: Sequence[_Item], group: str) -> int:
    batch = [item.received for item in items if item.received is not None]
    with processing(batch, [item.record for item in items], group) as placed:
        return handler(placed)


def _undecodable(record: Record) -> Result:
    try:
        decode(record)
    except Exception as error:  # noqa: BLE001 - each has its result
        return _failed(error, record)
    raise AssertionError("it was not readable before")


def _failed(error: Exception, record: Record) -> Result:
    if isinstance(error, TransientFailure):
        return Result(Outcome.RETRY, str(error))
    if isinstance(error, PermanentFailure):
        return Result(Outcome.DEAD, str(error))
    logger.error("unexpected error", exc_info=error, extra=record.place)
    return Result(Outcome.RETRY, f"unexpected {type(error).__name__}", expected=False)
