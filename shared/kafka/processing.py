"""One message: decode it, call its handler, say what became of it."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.context import request_context
from shared.failures import PermanentFailure, TransientFailure
from shared.kafka.codec import Received, decode
from shared.kafka.record import Record
from shared.metrics import MESSAGE_SECONDS, MESSAGES

logger = logging.getLogger(__name__)

Handler = Callable[[Received], None]


class Outcome(StrEnum):
    DONE = "done"
    IGNORED = "ignored"
    RETRY = "retry"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Result:
    """``expected`` is false for an error that no handler foresaw."""

    outcome: Outcome
    reason: str = ""
    expected: bool = True


class Processor:
    """Never raises. A known type without a handler here is another service's: ignored."""

    def __init__(self, group: str, handlers: Mapping[str, Handler]) -> None:
        self._group = group
        self._handlers = dict(handlers)

    def process(self, record: Record) -> Result:
        started = time.monotonic()
        message_type = "undecodable"
        try:
            received = decode(record)
            message_type = received.body.message_type
            result = Result(self._handle(received))
        except TransientFailure as error:
            result = Result(Outcome.RETRY, str(error))
        except PermanentFailure as error:
            result = Result(Outcome.DEAD, str(error))
        except Exception as error:
            logger.exception("unexpected error", extra=record.place)
            result = Result(Outcome.RETRY, f"unexpected {type(error).__name__}", expected=False)
        MESSAGES.labels(self._group, message_type, result.outcome.value).inc()
        MESSAGE_SECONDS.labels(self._group, message_type).observe(time.monotonic() - started)
        return result

    def _handle(self, received: Received) -> Outcome:
        handler = self._handlers.get(received.body.message_type)
        if handler is None:
            return Outcome.IGNORED
        with request_context(received.request_id):
            handler(received)
        return Outcome.DONE
