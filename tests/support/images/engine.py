"""A Docker engine: one that runs already, else one started here (Debian or Ubuntu, as root)."""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from tests.support.cache import cache_folder
from tests.support.guard import Guard
from tests.support.images.debian import install

_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
_POLL_SECONDS = 0.2
# No bridge and no firewall rules, which may be forbidden inside a container: the containers use
# the host's network.
_OPTIONS = (
    "--storage-driver=overlay2",
    "--bridge=none",
    "--iptables=false",
    "--ip6tables=false",
    "--ip-forward=false",
    "--ip-masq=false",
)


class EngineUnavailableError(Exception):
    """No engine answers and none can be started; the text says what is missing."""


class DockerError(Exception):
    """A command failed; the text is the command and its output."""


class Engine:
    """Runs ``docker`` commands; as a context manager it stops the engine that it started."""

    def __init__(self) -> None:
        self._environment = dict(os.environ)
        self._process: subprocess.Popen[bytes] | None = None
        self._guard = Guard(None)
        self._directory: Path | None = None

    @property
    def is_ours(self) -> bool:
        return self._process is not None

    def __enter__(self) -> Self:
        if shutil.which("docker") is None or not self._answers():
            self._start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._guard.release()
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)

    def run(
        self, *arguments: str, shown: bool = False, stdin: IO[bytes] | int | None = None
    ) -> str:
        """The command's output (stdout and stderr); with ``shown`` it is printed instead.

        Raises ``DockerError`` with the output.
        """
        done = subprocess.run(
            ["docker", *arguments],
            env=self._environment,
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=None if shown else subprocess.PIPE,
            stderr=None if shown else subprocess.STDOUT,
            text=True,
            check=False,
        )
        said = (done.stdout or "").strip()
        if done.returncode != 0:
            raise DockerError(f"docker {' '.join(arguments)}: {said}")
        return said

    def succeeds(self, *arguments: str) -> bool:
        try:
            self.run(*arguments)
        except DockerError:
            return False
        return True

    def _answers(self) -> bool:
        return self.succeeds("version")

    def _start(self) -> None:
        if os.geteuid() != 0 or shutil.which("apt-get") is None:
            raise EngineUnavailableError("no Docker engine answers: install Docker and start it")
        install("dockerd", "docker.io")
        # A short path: the path of a socket may have at most 107 characters.
        self._directory = Path(tempfile.mkdtemp(prefix="dockerd-"))
        socket = f"unix://{self._directory}/socket"
        with (self._directory / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    "dockerd",
                    *_OPTIONS,
                    f"--host={socket}",
                    f"--data-root={cache_folder() / 'docker'}",
                    f"--exec-root={self._directory}/exec",
                    f"--pidfile={self._directory}/pid",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._guard = Guard(self._process.pid)
        # Debian's engine comes without BuildKit's client.
        self._environment |= {"DOCKER_HOST": socket, "DOCKER_BUILDKIT": "0"}
        self._wait_until_ready(self._directory / "log")

    def _wait_until_ready(self, log: Path) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            ended = self._process is None or self._process.poll() is not None
            if ended or time.monotonic() > deadline:
                last = log.read_text(errors="replace")[-1000:]
                raise EngineUnavailableError(f"dockerd does not start here: {last}")
            time.sleep(_POLL_SECONDS)
