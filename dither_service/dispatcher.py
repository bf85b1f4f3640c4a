"""The loop that works on queued dithers: claim, start, settle.

Its thread is the only one that changes its state; job threads and message handlers send it events.
Quick and slow jobs have lanes of their own. A lane has some jobs claimed ahead, so that its threads
always have work; what is left in the table is for whoever is free first.
"""

import heapq
import itertools
import logging
import queue as queues
import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from prometheus_client import Gauge
from sqlalchemy.orm import Session

from dither_service import queue
from dither_service.jobs import CannotDither, Job, JobRunner
from dither_service.pool import Abandoned, WorkerDied
from dither_service.settings import DitherSettings
from dither_service.settling import Outcomes, Settling, job_of
from shared.backoff import Backoff
from shared.database import Database
from shared.failures import TransientFailure
from shared.health import Part
from shared.storage.removals import FileRemovals
from shared.workers import Workers

logger = logging.getLogger(__name__)

SETTLE_SECONDS = 0.25  # outcomes wait so long for others, while other jobs are running
SETTLE_MOST = 64
EXTEND_SECONDS = 3.0
LEAST_SECONDS = 0.1  # between two looks for jobs of a process that died
DRAIN_SECONDS = 4.0  # how long a stop waits for running jobs
BACKOFF = Backoff(first=0.2, most=5.0)
# What a lane has claimed: as many jobs as it has threads, and more only if they are short, so that
# a job whose turn is earlier never waits long behind them.
AHEAD_SECONDS = 0.5
AHEAD_MOST = 64

GIVEN_UP = (
    "The process that worked on this image died each time: it cannot be dithered with these"
    " options."
)
# More processes are needed when it grows; consumers only write rows, so their lag stays small.
QUEUE_SECONDS = Gauge(
    "dither_queue_seconds", "CPU seconds that the queued dithers are likely to take"
)

_Made = Future[dict[str, Any]]
_Event = tuple[Job, _Made] | None  # a job has ended; None: look again


@dataclass(slots=True)
class _Lane:
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

    def jobs(self) -> list[Job]:
        return [*self.running.values(), *(job for _, _, job in self.waiting)]


_numbers = itertools.count()


class Dispatcher:
    """``run`` blocks until ``stop``. The other public methods are for any thread."""

    def __init__(
        self,
        settings: DitherSettings,
        database: Database,
        runner: JobRunner,
        settling: Settling,
        removals: FileRemovals,
        *,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._max_attempts = settings.max_attempts
        self._database = database
        self._runner = runner
        self._settling = settling
        self._removals = removals
        self._clock = clock
        self._jitter = jitter
        # Twice as many threads as processes: half of them wait for the storage.
        threads = 2 * settings.consumer_workers
        self._quick, self._slow = (
            _Lane(slow, Workers(threads, name=f"dither-{name}"))
            for name, slow in (("quick", False), ("slow", True))
        )
        self._lanes = (self._quick, self._slow)
        self._events: queues.SimpleQueue[_Event] = queues.SimpleQueue()
        self._given: queues.SimpleQueue[tuple[Sequence[Job], bool]] = queues.SimpleQueue()
        self._stopping = threading.Event()
        self._idle = threading.Event()  # a thread of the quick lane has no job
        self._idle.set()
        self._outcomes = Outcomes()
        self._outcome_at = 0.0
        self._extend_at = 0.0
        self._look_at: float | None = None
        self._suspects = True  # the table may have some, see ``queue.py``
        self._failures = 0  # in a row; then jobs are tried one at a time
        self._retry_at = 0.0
        self._room = self._quick.room
        self._queued_seconds = 0.0

    def room(self) -> int:
        """How many jobs a handler may claim for this process; 0 if others are waiting."""
        return 0 if self._quick.more or self._stopping.is_set() else self._room

    def add(self, jobs: Sequence[Job], *, more: bool = False) -> None:
        """Jobs that a handler has claimed. more: others are in the table."""
        if jobs:
            self._idle.clear()
        self._given.put((jobs, more))
        self._events.put(None)

    def wait_until_idle(self, seconds: float) -> None:
        """Return when a thread has no job, or after some time."""
        self._idle.wait(seconds)

    def look_soon(self) -> None:
        """The table may have jobs: another process may have left them behind."""
        self.add([], more=True)

    def health(self) -> Part:
        self._measure_queue()
        claimed = sum(len(lane.waiting) + len(lane.running) for lane in self._lanes)
        claimed += len(self._outcomes)
        return Part("degraded" if self._failures else "ok", {"claimed": claimed})

    def stop(self) -> None:
        """Safe in a signal handler."""
        self._stopping.set()
        self._events.put(None)

    def run(self) -> None:
        self._events.put(None)  # look at once: a predecessor may have left jobs
        while not self._stopping.is_set():
            self.step(self._seconds())
        self._drain()

    def step(self, seconds: float | None) -> None:
        """Wait for something to do, at most so long, and do it."""
        self._wait(seconds)
        self._take_given()
        self._settle_if_due()
        self._claim()
        self._start()
        self._extend()

    # The steps of the loop.

    def _wait(self, seconds: float | None) -> None:
        """Wait for an event; take all events there are."""
        try:
            event = self._events.get(timeout=seconds)
            while True:
                if event is not None:
                    self._ended(*event)
                event = self._events.get_nowait()
        except queues.Empty:
            return

    def _seconds(self) -> float | None:
        due = [] if self._look_at is None else [self._look_at]
        if len(self._outcomes):
            due.append(max(self._outcome_at, self._retry_at if self._failures else 0.0))
        if self._failures and any(lane.waiting or lane.more for lane in self._lanes):
            due.append(self._retry_at)
        if any(lane.waiting or lane.running for lane in self._lanes):
            due.append(self._extend_at)
        return max(0.0, min(due) - self._clock()) if due else None

    def _take_given(self) -> None:
        while True:
            try:
                jobs, more = self._given.get_nowait()
            except queues.Empty:
                break
            for job in jobs:
                self._lanes[job.slow].put(job)
            for lane in self._lanes:
                lane.more = lane.more or more
        if self._look_at is not None and self._clock() >= self._look_at:
            self._look_at = None
            for lane in self._lanes:
                lane.more = True
        self._room = self._quick.free

    def _ended(self, job: Job, made: _Made) -> None:
        lane = self._lanes[job.slow]
        del lane.running[job.dither_id]
        error = made.exception()
        if isinstance(error, TransientFailure):
            self._postpone(error)
            lane.put(job)
            return
        if not len(self._outcomes):
            self._outcome_at = self._clock() + SETTLE_SECONDS
        if error is None:
            self._outcomes.done(job, made.result())
        elif isinstance(error, CannotDither):
            self._outcomes.failed(job, str(error))
        elif isinstance(error, Abandoned):
            self._outcomes.returned.append(job.dither_id)
        elif isinstance(error, WorkerDied) and job.attempts < self._max_attempts:
            self._outcomes.again.append(job.dither_id)
        elif isinstance(error, WorkerDied):
            self._outcomes.failed(job, GIVEN_UP)
        else:
            logger.error("a job failed", exc_info=error, extra={"dither": job.dither_id})
            self._outcomes.failed(job, "This image cannot be dithered with these options.")
        if self._failures:
            logger.info("jobs can be done again")
        self._failures = 0

    def _postpone(self, error: Exception) -> None:
        self._failures += 1
        self._retry_at = self._clock() + BACKOFF.seconds(self._failures, self._jitter())
        logger.warning("jobs must wait", extra={"reason": str(error), "attempt": self._failures})

    def _settle_if_due(self) -> None:
        count = len(self._outcomes)
        idle = not self._quick.waiting and not self._quick.running
        if not count or not (idle or count >= SETTLE_MOST or self._clock() >= self._outcome_at):
            return
        if self._failures and self._clock() < self._retry_at:
            return
        again = bool(self._outcomes.again)
        if self._tries(lambda: self._settling.settle(self._outcomes)):
            self._outcomes = Outcomes()
            self._suspects = self._suspects or again

    def _claim(self) -> None:
        for lane in self._lanes:
            # Half empty: so that many are claimed in one transaction.
            while lane.more and lane.free * 2 >= lane.room and not self._pausing():
                if not self._tries(partial(self._claim_for, lane)):
                    return
        if self._suspects and not self._holds_a_suspect() and not self._pausing():
            self._tries(self._claim_suspect)

    def _claim_for(self, lane: _Lane) -> None:
        limit = lane.free
        with self._database.transaction() as session:
            rows = queue.claim_next(session, limit, slow=lane.slow)
            jobs = self._jobs_of(session, rows)
            left = None
            self._queued_seconds = queue.waiting(session, "").all
            QUEUE_SECONDS.set(self._queued_seconds)
            if len(rows) < limit:
                mine = [*self._claimed(), *(row.dither_id for row in rows)]
                left = queue.seconds_until_free(session, mine)
        lane.more = len(rows) == limit
        self._suspects = True
        if left is not None:
            self._look_at = self._clock() + max(left, LEAST_SECONDS)
        for job in jobs:
            lane.put(job)

    def _measure_queue(self) -> None:
        """Other processes work on the queue, too. An empty one is not asked for."""
        if self._queued_seconds:
            with self._database.transaction(is_use=False) as session:
                self._queued_seconds = queue.waiting(session, "").all
            QUEUE_SECONDS.set(self._queued_seconds)

    def _claim_suspect(self) -> None:
        with self._database.transaction() as session:
            jobs = self._jobs_of(session, queue.claim_suspect(session))
        self._suspects = bool(jobs)
        for job in jobs:
            if job.attempts > self._max_attempts:
                self._outcomes.failed(job, GIVEN_UP)
            else:
                self._lanes[job.slow].put(job)

    def _holds_a_suspect(self) -> bool:
        return any(job.attempts > 1 for lane in self._lanes for job in lane.jobs())

    def _jobs_of(self, session: Session, rows: Sequence[Any]) -> list[Job]:
        if not rows:
            return []
        images = queue.images_of(session, rows)
        jobs = [job_of(row, images[row.image_uuid]) for row in rows]
        self._removals.reserve(session, [job.key for job in jobs])
        return jobs

    def _start(self) -> None:
        for lane in self._lanes:
            # Twice as many as threads: they need not wait while this thread settles outcomes.
            most = 2 * lane.workers.count
            while lane.waiting and len(lane.running) < most and not self._pausing():
                _, _, job = heapq.heappop(lane.waiting)
                lane.running[job.dither_id] = job
                made = lane.workers.submit(partial(self._runner.run, job))
                made.add_done_callback(partial(self._note, job))
                if self._failures:  # one alone, to see whether it works again
                    self._retry_at = self._clock() + BACKOFF.most
                    return
        self._room = self._quick.free
        if len(self._quick.waiting) + len(self._quick.running) < self._quick.workers.count:
            self._idle.set()

    def _note(self, job: Job, made: _Made) -> None:
        self._events.put((job, made))

    def _pausing(self) -> bool:
        return self._failures > 0 and self._clock() < self._retry_at

    def _extend(self) -> None:
        ids = self._claimed()
        if self._clock() < self._extend_at or not ids:
            if not ids:
                self._extend_at = self._clock() + EXTEND_SECONDS
            return
        self._extend_at = self._clock() + EXTEND_SECONDS
        self._tries(lambda: self._extend_these(ids))

    def _extend_these(self, ids: Sequence[UUID]) -> None:
        with self._database.transaction(wait_for_disk=False, is_use=False) as session:
            queue.extend(session, ids)

    def _claimed(self) -> list[UUID]:
        held = [job.dither_id for lane in self._lanes for job in lane.jobs()]
        return [*held, *self._outcomes.rows]

    def _tries(self, step: Callable[[], None]) -> bool:
        """Do a step that needs the database; False if that is not available now."""
        try:
            step()
            return True
        except TransientFailure as error:
            self._postpone(error)
            return False

    def _drain(self) -> None:
        """Wait a moment for running jobs; give back what is not done, for another process."""
        deadline = self._clock() + DRAIN_SECONDS
        while any(lane.running for lane in self._lanes) and self._clock() < deadline:
            try:
                event = self._events.get(timeout=max(0.0, deadline - self._clock()))
            except queues.Empty:
                break
            if event is not None:
                self._ended(*event)
        self._take_given()
        left = [job for lane in self._lanes for job in lane.jobs()]
        self._outcomes.returned += [job.dither_id for job in left]
        for lane in self._lanes:
            lane.waiting.clear()
            lane.workers.close()
        if len(self._outcomes):
            self._tries(lambda: self._settling.settle(self._outcomes))
