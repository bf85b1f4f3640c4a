"""Start Postgres servers, and stop them: that of this run, and one that an earlier run left."""

import logging
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from standalone.postgres_account import Account

_FAST_SECONDS = 5.0
_IMMEDIATE_SECONDS = 2.0
_POLL_SECONDS = 0.02

_log = logging.getLogger(__name__)


def launch(
    programs: Path,
    cluster: Path,
    port: int,
    settings: Mapping[str, object],
    *,
    log: Path,
    account: Account,
) -> subprocess.Popen[bytes]:
    """Start a server; it is not ready yet. ``log`` is written anew."""
    command = [str(programs / "postgres"), "-D", str(cluster), "-p", str(port)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # Ctrl-C must not reach Postgres: the services are stopped first.
            start_new_session=True,
            **account.popen_options(),
        )


def end(process: subprocess.Popen[bytes]) -> None:
    """Try a fast shutdown (sessions are ended), then an immediate one, then SIGKILL."""
    for order, seconds in (
        (signal.SIGINT, _FAST_SECONDS),
        (signal.SIGQUIT, _IMMEDIATE_SECONDS),
        (signal.SIGKILL, None),
    ):
        process.send_signal(order)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=seconds)
            return


def stop_leftover(cluster: Path) -> None:
    """Stop the server of an earlier run whose launcher was killed, if it still runs.

    If it is dead and another program has its process id now, Postgres would take that program
    for a running server and refuse to start. So the file gets our process id: Postgres ignores the
    id of its own parent process, and still checks whether children of the dead server use the data.
    """
    pid_file = cluster / "postmaster.pid"
    try:
        first, rest = pid_file.read_text().split("\n", 1)
        pid = int(first)
    except (OSError, ValueError):
        return
    if _serves(pid, cluster):
        _log.warning("stopping the Postgres (process %d) that an earlier run left behind", pid)
        _stop(pid, cluster)
    elif _lives(pid):
        pid_file.write_text(f"{os.getpid()}\n{rest}")


def _stop(pid: int, cluster: Path) -> None:
    for order in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.kill(pid, order)
        deadline = time.monotonic() + _FAST_SECONDS
        while time.monotonic() < deadline:
            if not _serves(pid, cluster):
                return
            time.sleep(_POLL_SECONDS)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _serves(pid: int, cluster: Path) -> bool:
    """Whether the process runs and is the Postgres of this cluster."""
    return str(cluster) in _command_line(pid)


def _command_line(pid: int) -> str:
    if Path("/proc/self").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        except OSError:
            return ""
    ps = ["ps", "-ww", "-o", "command=", "-p", str(pid)]
    return subprocess.run(ps, capture_output=True, text=True, check=False).stdout
