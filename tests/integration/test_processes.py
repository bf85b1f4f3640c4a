"""Worker processes: each job is done or fails by itself, whatever it does to its process."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import ANY

import psutil
import pytest

from shared.processes.pool import (
    Abandoned,
    Busy,
    Job,
    Limits,
    NeedsTooMuchMemory,
    Nursery,
    ProcessPool,
    TookTooLong,
    WorkerDied,
    WorkFailed,
)
from tests.support.system import wait_for

MODULE = "tests.support.work_module"
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    started = Nursery(MODULE)
    yield started
    started.close()


@pytest.fixture
def pool(nursery: Nursery) -> Iterator[ProcessPool]:
    started = ProcessPool(nursery, 2, Limits(seconds=20, memory=200 << 20))
    yield started
    started.close()


def test_a_process_serves_many_jobs(pool: ProcessPool) -> None:
    answers = [pool.run("echo", {"a": [1, "ä"]}, b"\x00\xff")[0] for _ in range(3)]
    assert [answer["seen"] for answer in answers] == [1, 2, 3]
    assert answers[0]["a"] == [1, "ä"]
    assert len({answer["pid"] for answer in answers}) == 1


@pytest.mark.parametrize("size", [0, 1, 70_000, 20_000_000])
def test_bytes_of_any_length_come_back(pool: ProcessPool, size: int) -> None:
    data = os.urandom(1000) * (size // 1000) + bytes(size % 1000)
    assert pool.run("echo", {}, data)[1] == data


def test_a_worker_that_crashes_takes_only_its_job_along(pool: ProcessPool) -> None:
    job = Job()
    with ThreadPoolExecutor(1) as other:
        running = other.submit(pool.run, "sleep", {}, job=job)
        with pytest.raises(WorkerDied):
            pool.run("die", {})
        assert pool.run("echo", {}, b"x")[1] == b"x"
        assert not running.done()
        job.abandon()
        with pytest.raises(Abandoned):
            running.result(10)


def test_work_that_takes_too_long_is_stopped(pool: ProcessPool) -> None:
    with pytest.raises(TookTooLong):
        pool.run("spin", {}, seconds=0.2)
    assert pool.run("echo", {}, b"x")[1] == b"x"


def test_work_that_takes_too_much_memory_fails_and_its_process_goes_on(pool: ProcessPool) -> None:
    pid = pool.run("echo", {})[0]["pid"]
    with pytest.raises(NeedsTooMuchMemory):
        pool.run("eat", {"bytes": 300 << 20})
    assert pool.run("eat", {"bytes": 100 << 20})[0] == 100 << 20
    assert pool.run("eat", {"bytes": 300 << 20}, memory=400 << 20)[0] == 300 << 20
    assert pool.run("echo", {})[0]["pid"] == pid


def test_a_process_that_has_grown_is_replaced(nursery: Nursery) -> None:
    pool = ProcessPool(nursery, 1, Limits(seconds=20, memory=1 << 30))
    grown = pool.run("grow", {"count": 6_000_000})[0]["pid"]
    wait_for(lambda: not _runs(grown), "end of the process")
    assert pool.run("echo", {})[0]["seen"] == 1
    pool.close()


def test_a_job_for_a_process_that_is_just_leaving_goes_to_another(
    nursery: Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It decides to leave after its answer was read, and is taken before its channel closes."""
    pool = ProcessPool(nursery, 1, Limits(seconds=20, memory=1 << 30))
    leaving = pool.run("grow", {"count": 6_000_000})[0]["pid"]
    wait_for(lambda: not _runs(leaving), "end of the process")
    monkeypatch.setattr("shared.processes.pool.is_closed", lambda channel: False)
    assert pool.run("echo", {}, b"x") == ({"seen": 1, "pid": ANY}, b"x")
    pool.close()


def test_an_exception_is_the_job_s_failure(pool: ProcessPool) -> None:
    with pytest.raises(WorkFailed, match="a fault of the work"):
        pool.run("anything else", {})
    assert pool.run("echo", {})[0]["seen"] == 2


def test_what_nobody_waits_for_is_stopped_or_never_begun(pool: ProcessPool) -> None:
    job = Job()
    job.abandon()
    with pytest.raises(Abandoned):
        pool.run("sleep", {}, job=job)
    assert pool.run("echo", {}, b"x")[1] == b"x"


def test_who_waits_too_long_for_a_process_is_told(nursery: Nursery) -> None:
    pool, job = ProcessPool(nursery, 1, Limits(seconds=20, memory=1 << 30)), Job()
    with ThreadPoolExecutor(1) as other:
        running = other.submit(pool.run, "sleep", {}, job=job)
        wait_for(lambda: pool._busy == 1, "the first job")
        with pytest.raises(Busy):
            pool.run("echo", {}, patience=0.01)
        job.abandon()
        with pytest.raises(Abandoned):
            running.result(20)
    pool.close()


def test_the_process_that_knows_something_is_preferred(pool: ProcessPool) -> None:
    first = pool.run("echo", {}, like="a")[0]["pid"]
    second = pool.run("echo", {}, like="b")[0]["pid"]
    assert first != second
    assert [pool.run("echo", {}, like=name)[0]["pid"] for name in "abab"] == [first, second] * 2


def test_there_are_never_more_processes_than_wanted(pool: ProcessPool) -> None:
    with ThreadPoolExecutor(8) as threads:
        found = threads.map(lambda _: pool.run("echo", {})[0]["pid"], range(40))
        assert len(set(found)) <= 2


def test_a_nursery_that_dies_is_started_again(pool: ProcessPool, nursery: Nursery) -> None:
    with ThreadPoolExecutor(1) as other:
        running = other.submit(pool.run, "sleep", {})
        wait_for(lambda: nursery.pid and psutil.Process(nursery.pid).children(), "a worker")
        os.kill(nursery.pid or 0, signal.SIGKILL)
        with pytest.raises(WorkerDied):
            running.result(20)
    assert pool.run("echo", {}, b"x")[1] == b"x"


def test_workers_know_no_secret(nursery: Nursery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTGRES_PASSWORD", "secret-1")
    started = Nursery(MODULE)
    pool = ProcessPool(started, 1, Limits(seconds=20, memory=1 << 30))
    assert "secret-1" not in str(pool.run("environment", {})[0])
    pool.close()
    started.close()


def test_no_process_outlives_its_service() -> None:
    script = f"""
        import threading, time
        from shared.processes.pool import Limits, Nursery, ProcessPool
        nursery = Nursery({MODULE!r})
        pool = ProcessPool(nursery, 1, Limits(20, 1 << 30))
        print(pool.run("echo", {{}})[0]["pid"], nursery.pid, flush=True)
        pool.run("sleep", {{}})
    """
    service = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert service.stdout is not None
    pids = [int(pid) for pid in service.stdout.readline().split()]
    service.kill()
    service.communicate()
    wait_for(lambda: not any(map(_runs, pids)), "end of the processes", seconds=20)


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
