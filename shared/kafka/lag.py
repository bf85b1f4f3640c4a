"""How far a consumer is behind, from what its client knows without asking the broker."""

from collections.abc import Callable, Iterable

from confluent_kafka import KafkaException

from shared.kafka.client import ConsumerClient
from shared.kafka.partition import Partition
from shared.metrics import CONSUMER_LAG

LAG_SECONDS = 1.0


class Lag:
    """``messages`` may be read by any thread."""

    def __init__(self, client: ConsumerClient, group: str, clock: Callable[[], float]) -> None:
        self._client = client
        self._clock = clock
        self._metric = CONSUMER_LAG.labels(group)
        self._metric.set(0)
        self._due = clock()
        self.messages = 0

    def measure(self, partitions: Iterable[Partition]) -> None:
        """Update the lag, at intervals. Call it on the loop's thread: a poll blocks others."""
        if self._clock() >= self._due:
            self._due = self._clock() + LAG_SECONDS
            self.messages = sum(p.lag(self._end(p)) for p in partitions)
            self._metric.set(self.messages)

    def _end(self, partition: Partition) -> int | None:
        """One past the newest offset, if it is known."""
        try:
            marks = self._client.get_watermark_offsets(partition.at(), 0.1, True)
        except (KafkaException, RuntimeError):  # not known yet, or closed
            return None
        return None if marks is None or marks[1] < 0 else marks[1]
