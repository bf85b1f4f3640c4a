"""Kill a server when the test process ends without cleaning up (SIGKILL, a hard timeout)."""

import subprocess


class Guard:
    """Kills process `pid` when this process ends for any reason, unless released before."""

    def __init__(self, pid: int | None) -> None:
        # Its standard input is closed when this process ends.
        self._process = pid and subprocess.Popen(
            ["sh", "-c", 'cat >/dev/null; kill -KILL "$1" 2>/dev/null', "sh", str(pid)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def release(self) -> None:
        """Do not kill the process any more. A second call does nothing."""
        if self._process and self._process.stdin:
            self._process.kill()
            self._process.stdin.close()
            self._process.wait()
            self._process = None
