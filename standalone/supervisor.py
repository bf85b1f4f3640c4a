"""Run the services as child processes: start them, restart those that die, stop them together."""

import ctypes
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

logger = logging.getLogger(__name__)

PACKAGES = Path(__file__).parent.parent  # the checkout, or site-packages
POLL_SECONDS = 0.05
STOP_SECONDS = 8.0
RESTART_FIRST_SECONDS = 0.5
RESTART_MOST_SECONDS = 10.0
STABLE_SECONDS = 30.0  # a service that ran this long is restarted with the first delay again
PR_SET_PDEATHSIG = 1


class ServiceDidNotStartError(Exception):
    """The text gives the name of the service and the path of its log."""


@dataclass
class Child:
    """One service: how to start it, and the process that runs it now."""

    name: str
    port: int
    environment: Mapping[str, str]
    log: Path
    process: "subprocess.Popen[bytes] | None" = None
    wanted: bool = False
    failures: int = 0
    started: float = 0.0
    due: float = 0.0
    packages: Path = PACKAGES
    _file: IO[bytes] | None = field(default=None, repr=False)

    @property
    def module(self) -> str:
        return "api_gateway.main" if self.name == "gateway" else f"{self.name}_service.main"

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def launch(self) -> None:
        if self._file is None:
            self._file = self.log.open("ab")
        self.process = subprocess.Popen(
            # -P: else a directory `shared` in the working directory would hide our package.
            [sys.executable, "-P", "-m", self.module],
            env={**self.environment, "PYTHONPATH": str(self.packages)},
            stdin=subprocess.DEVNULL,
            stdout=self._file,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches only the supervisor, which stops them in order
            preexec_fn=_end_with_parent,  # noqa: PLW1509 - one system call, no lock is taken
        )
        self.started = time.monotonic()

    def health(self) -> str:
        """``ok``, ``degraded`` or ``down``; empty while it does not answer."""
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}/health", timeout=5
            ) as answer:
                return str(json.load(answer)["status"])
        except urllib.error.HTTPError:
            return "down"
        except (OSError, ValueError):
            return ""

    def close_log(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _end_with_parent() -> None:
    """On Linux, let the kernel stop the child when the supervisor is killed."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Supervisor:
    """Starts the services and restarts those that end unexpectedly."""

    def __init__(self, children: list[Child]) -> None:
        self.children = {child.name: child for child in children}
        self._lock = threading.Lock()
        # PR_SET_PDEATHSIG counts the thread that started a child as its parent. So one thread
        # starts all children, and it lives as long as the supervisor.
        self._launcher = ThreadPoolExecutor(1, thread_name_prefix="launcher")

    def start(self, *names: str) -> None:
        """Start these services (all, if none is named) and return at once."""
        for name in names or self.children:
            child = self.children[name]
            with self._lock:
                child.wanted, child.failures = True, 0
                if not child.alive:
                    self._launcher.submit(child.launch).result()

    def wait_until_ready(
        self, seconds: float, progress: Callable[[str], None] = lambda _: None
    ) -> None:
        """Return when all started services are healthy. Raises ``ServiceDidNotStartError``.

        A service that answers but is degraded (its mail server is down, for example) is waited
        for half the time, then accepted.
        """
        start = time.monotonic()
        for child in [c for c in self.children.values() if c.wanted]:
            while (health := child.health()) != "ok":
                waited = time.monotonic() - start
                if health and waited > seconds / 2:
                    break
                if not child.alive or waited > seconds:
                    raise ServiceDidNotStartError(
                        f"the {child.name} service did not start; its log is {child.log}"
                    )
                time.sleep(POLL_SECONDS)
            progress(child.name if health == "ok" else f"{child.name} ({health})")

    def watch(self) -> None:
        """Restart services that ended, with backoff if they end soon again. Call it often."""
        now = time.monotonic()
        for child in self.children.values():
            with self._lock:
                if not child.wanted or child.alive:
                    continue
                if child.due == 0.0:
                    child.failures = (
                        0 if now - child.started > STABLE_SECONDS else child.failures + 1
                    )
                    pause = RESTART_FIRST_SECONDS * 2 ** min(child.failures, 8)
                    child.due = now + min(pause, RESTART_MOST_SECONDS)
                    logger.warning("the %s service has ended; it is restarted", child.name)
                elif now >= child.due:
                    child.due = 0.0
                    self._launcher.submit(child.launch).result()

    def kill(self, name: str) -> None:
        """Send SIGKILL, for tests; ``start`` starts the service again."""
        child = self.children[name]
        with self._lock:
            child.wanted = False
            if child.process is not None:
                child.process.kill()
                child.process.wait()

    def stop(self, *names: str) -> None:
        """Send SIGTERM to these (all, if none is named), then SIGKILL to those still running."""
        leaving = [self.children[name] for name in names or self.children]
        with self._lock:
            for child in leaving:
                child.wanted = False
                if child.alive and child.process is not None:
                    child.process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for child in leaving:
            if child.process is not None:
                try:
                    child.process.wait(max(0.1, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    logger.warning("the %s service did not stop in time; it is killed", child.name)
                    child.process.kill()
                    child.process.wait()
            child.close_log()


def base_environment() -> dict[str, str]:
    """The environment that the services inherit: all of it except PORT and HOST."""
    return {k: v for k, v in os.environ.items() if k not in {"PORT", "HOST"}}
