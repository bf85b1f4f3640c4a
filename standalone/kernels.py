"""Compile the engine's kernels before the system is ready; else the first request would time out.

Checking that all of them are compiled takes seconds of CPU. So a file beside Numba's cache records
for which sources and which machine they were compiled: another machine may have another processor.
"""

import hashlib
import os
import platform
import subprocess
import sys
from contextlib import ExitStack, suppress
from importlib.metadata import version
from pathlib import Path

from standalone.supervisor import PACKAGES

_ENGINE = PACKAGES / "dither_engine"
_LOWEST_PRIORITY = 19


class Kernels:
    """Compiles the kernels in a process of the lowest priority, while the services start."""

    def __init__(self, running: ExitStack) -> None:
        cache = os.environ.get("NUMBA_CACHE_DIR") or _ENGINE / "compiled" / "__pycache__"
        self._note = Path(cache) / "all_compiled"
        self._wanted = _fingerprint()
        self._process = None if self._noted() else _compile(running)

    def ready(self) -> bool:
        """Whether the services can answer in time; also true when compiling has failed."""
        if self._process is None:
            return True
        status = self._process.poll()
        if status == 0:
            with suppress(OSError):  # perhaps read-only: then the next start checks again
                self._note.write_text(self._wanted)
        return status is not None

    def _noted(self) -> bool:
        try:
            return self._note.read_text() == self._wanted
        except OSError:
            return False


def _compile(running: ExitStack) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "dither_engine", "--warm"],
        env={**os.environ, "PYTHONPATH": str(PACKAGES)},
        start_new_session=True,  # Ctrl-C reaches only this process, which stops the others
    )
    running.callback(process.wait)
    running.callback(process.terminate)
    with suppress(OSError):  # it may have ended already
        os.setpriority(os.PRIO_PROCESS, process.pid, _LOWEST_PRIORITY)
    return process


def _fingerprint() -> str:
    """A digest of all that Numba's cache depends on: sources, Numba, Python, the processor."""
    found = hashlib.sha256(f"{version('numba')} {sys.version} {platform.node()}".encode())
    for source in sorted(_ENGINE.rglob("*.py")):
        status = source.stat()
        found.update(f"{source} {status.st_mtime_ns} {status.st_size}\n".encode())
    return found.hexdigest()
