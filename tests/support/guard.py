"""Ends a server when the tests die without a word (SIGKILL, a timeout that exits at once)."""

import subprocess


class Guard:
    """Kills process `pid` when this process ends, by whatever cause, unless released before."""

    def __init__(self, pid: int | None) -> None:
        # Its standard input closes when we are gone.
        self._process = pid and subprocess.Popen(
            ["sh", "-c", 'cat >/dev/null; kill -KILL "$1" 2>/dev/null', "sh", str(pid)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def release(self) -> None:
        """Lets the process be; a second call does nothing."""
        if self._process and self._process.stdin:
            self._process.kill()
            self._process.stdin.close()
            self._process.wait()
            self._process = None
