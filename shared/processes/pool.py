"""The service's side: start a nursery, and give jobs to the workers that it forks."""

import itertools
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from signal import SIGPROF, SIGXCPU
from typing import Any

from shared.failures import TransientFailure
from shared.metrics import WORKER_FAILURES
from shared.processes import nursery
from shared.processes.channel import Closed, is_closed, limit, receive, send

logger = logging.getLogger(__name__)

PACKAGES = Path(__file__).parents[2]
START_SECONDS = 180.0  # compiling kernels takes a minute, the first time
WALL_FACTOR, WALL_EXTRA = 8.0, 10.0  # a busy machine may be so much slower than CPU time says
# What the workers may know of the service's environment: nothing that is a secret.
_PASSED_ON = (
    "PATH",
    "LANG",
    "LC_ALL",
    "TZ",
    "HOME",
    "TMPDIR",
    "VIRTUAL_ENV",
    "PYTHONDONTWRITEBYTECODE",
)
_PASSED_ON_BEGINNINGS = ("NUMBA_", "DITHER_ENGINE_")


class WorkerDied(Exception):
    """The worker ended in the middle of the job: it crashed, or the system took it."""


class TookTooLong(Exception):
    """The job had more CPU time than it was allowed."""


class NeedsTooMuchMemory(Exception):
    """The job needed more memory than it was allowed."""


class WorkFailed(Exception):
    """The work raised an exception; the text is its traceback."""


class Busy(Exception):
    """No worker became free in time."""


class Abandoned(Exception):
    """``Job.abandon`` was called: nobody waits for the job any more."""


@dataclass(slots=True, eq=False)
class _Worker:
    pid: int
    channel: socket.socket
    last: Hashable = None


class Job:
    """A job that may be abandoned by another thread, whether it runs or waits.

    begun: whether a worker has been found for it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._worker: _Worker | None = None
        self.abandoned = False
        self.begun = False

    def abandon(self) -> None:
        with self._lock:
            self.abandoned = True
            if self._worker is not None:
                self._worker.channel.shutdown(socket.SHUT_RDWR)

    def _begin(self, worker: _Worker) -> None:
        with self._lock:
            if self.abandoned:
                raise Abandoned
            self._worker = worker
            self.begun = True

    def _end(self) -> None:
        with self._lock:
            self._worker = None


class Nursery:
    """The process that forks workers; started again when it has died. Safe for several threads."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._ready = False

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Begin to load the module; the first ``fork`` waits until that is done."""
        with self._lock:
            if self._process is None:
                self._launch()

    def fork(self, *, nice: int) -> _Worker:
        """Raises ``TransientFailure`` if no process can be started."""
        ours, theirs = socket.socketpair()
        with self._lock, theirs:
            for _ in range(2):
                try:
                    control = self._started()
                    command = nursery.COMMAND.pack(nursery.FORK, nice)
                    socket.send_fds(control, [command], [theirs.fileno()])
                    return _Worker(self._reply(control), ours)
                except (OSError, Closed) as error:
                    logger.warning("the nursery ended", extra={"reason": str(error)})
                    self._stop()
        ours.close()
        raise TransientFailure("The worker processes do not start.")

    def end(self, worker: _Worker) -> int:
        """Kill a worker, unless it is dead already; returns how it ended, 0 if unknown."""
        worker.channel.close()
        with self._lock:
            if self._control is None:
                return 0
            try:
                self._control.sendall(nursery.COMMAND.pack(nursery.END, worker.pid))
                return self._reply(self._control)
            except (OSError, Closed):
                self._stop()
                return 0

    def close(self) -> None:
        """End the nursery, and with it all workers."""
        with self._lock:
            self._stop()

    def _started(self) -> socket.socket:
        if self._process is None:
            self._launch()
        assert self._control is not None
        if not self._ready:
            self._control.settimeout(START_SECONDS)
            if self._control.recv(1) != nursery.READY:
                raise Closed("it did not start")
            self._ready = True
        return self._control

    def _launch(self) -> None:
        self._control, theirs = socket.socketpair()
        with theirs:
            number = str(theirs.fileno())
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-P", "-m", nursery.__name__, number, self._module],
                env=_environment(),
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )

    def _reply(self, control: socket.socket) -> int:
        control.settimeout(START_SECONDS)
        data = control.recv(nursery.REPLY.size, socket.MSG_WAITALL)
        if len(data) < nursery.REPLY.size:
            raise Closed("no reply")
        return int(nursery.REPLY.unpack(data)[0])

    def _stop(self) -> None:
        if self._process is not None and self._control is not None:
            self._control.close()
            self._process.kill()
            self._process.wait()
        self._process = self._control = None
        self._ready = False


def _environment() -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _PASSED_ON or name.startswith(_PASSED_ON_BEGINNINGS)
    }
    # One thread for linear algebra: it has no use here, and threads do not survive a fork.
    return {**kept, "PYTHONPATH": str(PACKAGES), "OPENBLAS_NUM_THREADS": "1"}


@dataclass(slots=True)
class Limits:
    """seconds: CPU time of a job. memory: bytes that a worker may have beyond what it starts with.

    data: bytes of the largest result.
    """

    seconds: float
    memory: int
    data: int = 1 << 30


@dataclass(slots=True, eq=False)
class ProcessPool:
    """At most ``count`` workers, forked when they are needed. Any thread may call ``run``."""

    nursery: Nursery
    count: int
    limits: Limits
    nice: int = 0
    _free: list[_Worker] = field(default_factory=list)
    _busy: int = 0
    _turns: "itertools.count[int]" = field(default_factory=itertools.count)
    _change: threading.Condition = field(default_factory=threading.Condition)

    def run(
        self,
        call: str,
        arguments: Mapping[str, Any],
        data: bytes = b"",
        *,
        job: Job | None = None,
        seconds: float | None = None,
        memory: int | None = None,
        like: Hashable = None,
        patience: float | None = None,
    ) -> tuple[Any, bytes]:
        """Wait for a worker and let it do one job; returns its answer and the bytes with it.

        seconds, memory: instead of the pool's limits. patience: seconds to wait for a worker.
        like: a worker that has done a job with the same value before is preferred, because it may
        have something in memory.
        Raises ``WorkerDied``, ``TookTooLong``, ``NeedsTooMuchMemory``, ``WorkFailed``,
        ``Abandoned``, ``Busy``, or ``TransientFailure`` if no process can be started.
        """
        job = job or Job()
        seconds = seconds or self.limits.seconds
        worker = self._take(like, job, None if patience is None else time.monotonic() + patience)
        healthy = False
        try:
            job._begin(worker)
            request = {
                nursery.CALL: call,
                nursery.ARGUMENTS: arguments,
                nursery.SECONDS: seconds,
                nursery.MEMORY: memory or self.limits.memory,
            }
            deadline = time.monotonic() + seconds * WALL_FACTOR + WALL_EXTRA
            header, result = self._exchange(worker, request, data, deadline)
            healthy = True
        except (Closed, TimeoutError) as error:
            late = isinstance(error, TimeoutError)
            status = self.nursery.end(worker)
            if job.abandoned:
                raise Abandoned from error
            if late or -status in (SIGPROF, SIGXCPU):
                WORKER_FAILURES.labels("too_long").inc()
                raise TookTooLong from error
            WORKER_FAILURES.labels("died").inc()
            logger.warning("a worker process died", extra={"call": call, "status": status})
            raise WorkerDied from error
        finally:
            job._end()
            self._give_back(worker if healthy else None)
            if not healthy:
                worker.channel.close()
        if nursery.NO_MEMORY in header:
            WORKER_FAILURES.labels("too_much_memory").inc()
            raise NeedsTooMuchMemory
        if nursery.FAILURE in header:
            WORKER_FAILURES.labels("raised").inc()
            raise WorkFailed(str(header[nursery.FAILURE]))
        return header.get(nursery.ANSWER), result

    def close(self) -> None:
        """End the workers that are free."""
        with self._change:
            free, self._free = self._free, []
        for worker in free:
            self.nursery.end(worker)

    def _exchange(
        self, worker: _Worker, request: dict[str, Any], data: bytes, deadline: float
    ) -> tuple[Mapping[str, Any], bytes]:
        limit(worker.channel, deadline - time.monotonic())
        send(worker.channel, request, data)
        return receive(worker.channel, most=self.limits.data, deadline=deadline)

    def _take(self, like: Hashable, job: Job, deadline: float | None) -> _Worker:
        with self._change:
            while self._busy >= self.count:
                if job.abandoned:
                    raise Abandoned
                left = inf if deadline is None else deadline - time.monotonic()
                if left <= 0:
                    raise Busy
                self._change.wait(min(1.0, left))
            self._busy += 1
            worker = self._best(like)
        try:
            while worker is not None and is_closed(worker.channel):
                self.nursery.end(worker)
                with self._change:
                    worker = self._best(like)
            worker = worker or self.nursery.fork(nice=self.nice)
        except BaseException:
            self._give_back(None)
            raise
        worker.last = like
        return worker

    def _best(self, like: Hashable) -> _Worker | None:
        """A free worker that knows ``like``; or the one used last, whose memory is warm.

        With ``like``, a new worker is better than one that knows something else.
        """
        if like is not None:
            known = [worker for worker in self._free if worker.last == like]
            if not known and len(self._free) + self._busy <= self.count:
                return None
            worker = known[-1] if known else (self._free[0] if self._free else None)
        else:
            worker = self._free[-1] if self._free else None
        if worker is not None:
            self._free.remove(worker)
        return worker

    def _give_back(self, worker: _Worker | None) -> None:
        with self._change:
            self._busy -= 1
            if worker is not None:
                self._free.append(worker)
            self._change.notify()
