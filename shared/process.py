"""A service as a process: its HTTP server, and its other parts (consumer, relay, …) in threads."""

import argparse
import asyncio
import gc
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from math import inf
from types import FrameType
from typing import Protocol

import uvicorn

from shared.failures import TransientFailure
from shared.http import Asgi, RequestScope
from shared.metrics import PART_RESTARTS, show_from_the_start
from shared.problems import locate_problem_types
from shared.settings import HttpSettings
from shared.tracing import stop_tracing

logger = logging.getLogger(__name__)

RESTART_SECONDS = 2.0
STOP_SECONDS = 6.0  # the whole process is gone within 8
START_RETRY_SECONDS = 1.0
REQUESTS_END_SECONDS = 3
GARBAGE = 20_000, 20, 50  # the default, 700 objects, is for programs that make few of them
DATE_SECONDS = 1.0  # how often the header field `date` of answers is brought up to date


class Runnable(Protocol):
    """``run`` blocks until ``stop`` is called or no work is left."""

    def run(self) -> None: ...
    def stop(self) -> None: ...


class Threads:
    """Runs parts in parallel threads; a part that crashes is rebuilt after a pause."""

    def __init__(self, factories: Mapping[str, Callable[[], Runnable]]) -> None:
        self._factories = dict(factories)
        self._running: dict[str, Runnable] = {}
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()
        self._deadline = inf

    def start(self) -> None:
        show_from_the_start(PART_RESTARTS, *self._factories)
        for name, factory in self._factories.items():
            thread = threading.Thread(
                target=self._keep_running, args=(name, factory), name=name, daemon=True
            )
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Only sets flags: safe in a signal handler that no other handler interrupts."""
        self._stopping.set()
        self._deadline = min(self._deadline, time.monotonic() + STOP_SECONDS)
        for part in list(self._running.values()):
            part.stop()

    def join(self) -> None:
        """Wait for the threads after ``stop``; those that do not end in time are abandoned."""
        for thread in self._threads:
            thread.join(max(0.0, self._deadline - time.monotonic()))
            if thread.is_alive():
                logger.warning("part did not stop in time", extra={"part": thread.name})

    def _keep_running(self, name: str, factory: Callable[[], Runnable]) -> None:
        while not self._stopping.is_set():
            try:
                part = factory()
                self._running[name] = part
                if self._stopping.is_set():
                    part.stop()
                part.run()
                return
            except TransientFailure as error:
                logger.warning(
                    "a part of the service must wait", extra={"part": name, "reason": str(error)}
                )
            except Exception:
                PART_RESTARTS.labels(name).inc()
                logger.exception(
                    "a part of the service failed; it starts again", extra={"part": name}
                )
            self._stopping.wait(RESTART_SECONDS)


class _Server(uvicorn.Server):
    """Stops the threads as soon as a signal arrives, not only after the last request."""

    def __init__(self, config: uvicorn.Config, threads: Threads) -> None:
        super().__init__(config)
        self._threads = threads
        self._asked_to_stop = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def main_loop(self) -> None:
        """Replaces uvicorn's, which wakes up ten times a second to see whether it must stop."""
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._asked_to_stop.wait(), DATE_SECONDS)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's
        """Replaces uvicorn's handler, which raises the signal again after the last request.

        That would end the process before its threads have finished their work. A second signal may
        arrive while the first is being handled, and must not wait for locks that this one holds.
        """
        if not self.should_exit:
            self.should_exit = True
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._asked_to_stop.set)
            self._threads.stop()


def serve(app: Asgi, settings: HttpSettings, threads: Threads) -> None:
    """Run until SIGTERM or SIGINT; returns when everything has ended."""
    locate_problem_types(settings.public_path)
    config = uvicorn.Config(
        RequestScope(app),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,  # longer than the gateway's, so that the client side closes first
        timeout_graceful_shutdown=REQUESTS_END_SECONDS,
        backlog=2048,
    )
    threads.start()
    gc.collect()
    gc.freeze()  # what is there now stays: else each full collection would look through all of it
    gc.set_threshold(*GARBAGE)
    try:
        _Server(config, threads).run()
    finally:
        threads.stop()
        threads.join()
        stop_tracing()


def wait_until_ready(prepare: Callable[[], None], what: str) -> None:
    """Call ``prepare`` until it raises no ``TransientFailure``; a signal ends the process."""
    while True:
        try:
            prepare()
            return
        except TransientFailure as error:
            logger.warning("waiting for %s", what, extra={"reason": str(error)})
            time.sleep(START_RETRY_SECONDS)


def parse_only(service: str, arguments: Sequence[str] | None = None) -> tuple[bool, bool]:
    """The command line: whether this process serves the API, and whether it consumes."""
    parser = argparse.ArgumentParser(prog=f"python -m {service}.main")
    parser.add_argument(
        "--only",
        choices=["api", "consumer"],
        help="run one part: the REST API, or the Kafka consumer (which still tells its health)",
    )
    only = parser.parse_args(arguments).only
    return only != "consumer", only != "api"
