"""The jobs that a process has claimed, and in which order it works on them."""

import heapq
import itertools
from dataclasses import dataclass, field
from uuid import UUID

from dither_service.jobs import Job
from shared.backoff import Backoff
from shared.workers import Workers

# What a lane has claimed: as many jobs as it has threads, and more only if they are short, so that
# a job whose turn is earlier never waits long behind them.
AHEAD_SECONDS = 0.5
AHEAD_MOST = 64

_numbers = itertools.count()


@dataclass(slots=True)
class Lane:
    """Quick or slow jobs: those that wait for a thread, and those that are running."""

    slow: bool
    workers: Workers
    waiting: list[tuple[float, int, Job]] = field(default_factory=list)  # a heap, by turn
    running: dict[UUID, Job] = field(default_factory=dict)
    more: bool = True  # the table may have jobs that nobody has claimed
    usual_cost: float = 0.01  # of the jobs claimed lately

    @property
    def room(self) -> int:
        """How many jobs may be claimed at once."""
        short = AHEAD_SECONDS / max(self.usual_cost, AHEAD_SECONDS / AHEAD_MOST)
        return self.workers.count + int(short)

    @property
    def free(self) -> int:
        return max(0, self.room - len(self.waiting) - len(self.running))

    def put(self, job: Job) -> None:
        heapq.heappush(self.waiting, (job.turn, next(_numbers), job))
        self.usual_cost += (job.cost - self.usual_cost) / 8

    def take(self) -> Job:
        """The job whose turn is next; it counts as running."""
        _, _, job = heapq.heappop(self.waiting)
        self.running[job.dither_id] = job
        return job

    def jobs(self) -> list[Job]:
        return [*self.running.values(), *(job for _, _, job in self.waiting)]


class Retries:
    """Jobs that could not be done, each with its own time for the next attempt.

    While they wait, others take their turns: one file that cannot be read stops no other work.
    """

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff
        self._waiting: list[tuple[float, int, Job]] = []  # a heap, by time
        self._failures: dict[UUID, int] = {}  # in a row

    def put(self, job: Job, now: float, jitter: float) -> None:
        failures = self._failures.get(job.dither_id, 0) + 1
        self._failures[job.dither_id] = failures
        due_at = now + self._backoff.seconds(failures, jitter)
        heapq.heappush(self._waiting, (due_at, next(_numbers), job))

    def take_due(self, now: float) -> list[Job]:
        due = []
        while self._waiting and self._waiting[0][0] <= now:
            due.append(heapq.heappop(self._waiting)[2])
        return due

    def forget(self, job: Job) -> None:
        """The job has ended."""
        self._failures.pop(job.dither_id, None)

    @property
    def next_at(self) -> float | None:
        return self._waiting[0][0] if self._waiting else None

    def jobs(self) -> list[Job]:
        return [job for _, _, job in self._waiting]
