"""Decides what to do with a message after its handler ended: done, retry, or dead-letter.

* ``TransientFailure``: retried after a backoff with jitter, without a limit of attempts.
* ``PermanentFailure``: dead-lettered.
* Any other exception is a bug in our code or a bad message: tried ``UNEXPECTED_ATTEMPTS`` times,
  then dead-lettered.
* A run of dead letters usually means a bad deployment, which must not move the whole topic to the
  dead letters: the last message of the run is not dead-lettered, and the consumer halts. Ignored
  messages say nothing about the deployment: they neither lengthen a run nor end it.
"""

import logging
from collections.abc import Callable
from typing import Protocol

from shared.failures import TransientFailure
from shared.kafka.partition import Partition
from shared.kafka.processing import Outcome, Result
from shared.kafka.record import Record
from shared.metrics import CONSUMER_DEAD_LETTERS, CONSUMER_RETRIES

logger = logging.getLogger(__name__)

UNEXPECTED_ATTEMPTS = 5


class DeadLetters(Protocol):
    def write(self, record: Record, reason: str) -> None:
        """Return when the broker has acknowledged it; else raise ``TransientFailure``."""


class TooManyFailures(Exception):
    """The consumer must halt; the text gives the number of failures and the last reason."""


class FailurePolicy:
    """Applies the rules above and counts retries and dead letters; used by one loop's thread."""

    def __init__(
        self,
        group: str,
        dead_letters: DeadLetters,
        max_consecutive_failures: int,
        *,
        clock: Callable[[], float],
        jitter: Callable[[], float],
    ) -> None:
        self._dead_letters = dead_letters
        self._most = max_consecutive_failures
        self._clock = clock
        self._jitter = jitter
        self._in_a_row = 0
        self.retries = 0
        self.dead_lettered = 0
        # Created here, so that the metrics exist while they are still 0.
        self._retries_metric = CONSUMER_RETRIES.labels(group)
        self._dead_lettered_metric = CONSUMER_DEAD_LETTERS.labels(group)

    def settle(self, partition: Partition, result: Result) -> bool:
        """True if the partition's first message is settled; False if it will be retried.

        Raises ``TooManyFailures``.
        """
        if result.outcome is Outcome.IGNORED:
            return True
        if result.outcome is Outcome.DONE:
            self._in_a_row = 0
            return True
        if not result.expected:
            partition.unexpected += 1
        if result.outcome is Outcome.DEAD or partition.unexpected >= UNEXPECTED_ATTEMPTS:
            return self._dead_letter(partition, result.reason)
        self._postpone(partition, result.reason)
        return False

    def _dead_letter(self, partition: Partition, reason: str) -> bool:
        record = partition.buffer[0]
        if self._in_a_row + 1 >= self._most:
            raise TooManyFailures(f"{self._most} messages in a row failed; last: {reason}")
        try:
            self._dead_letters.write(record, reason)
        except TransientFailure as error:
            self._postpone(partition, str(error))
            return False
        self._in_a_row += 1
        self.dead_lettered += 1
        self._dead_lettered_metric.inc()
        logger.error("message dead-lettered", extra={"reason": reason, **record.place})
        return True

    def _postpone(self, partition: Partition, reason: str) -> None:
        partition.postpone(self._clock(), self._jitter())
        self.retries += 1
        self._retries_metric.inc()
        where = partition.buffer[0].place
        logger.warning(
            "message will be tried again",
            extra={"reason": reason, "attempt": partition.attempts, **where},
        )
