"""A service process gets SIGTERM."""

import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from standalone.ports import free_port

ROOT = Path(__file__).parents[2]
SECONDS = 30.0

# A part that takes a while to finish its work, like a consumer with messages in flight.
PROGRAM = """
import sys, threading, time
from shared.process import Threads, serve
from shared.settings import HttpSettings

class Part:
    stopped = threading.Event()
    def run(self):
        print("running", flush=True)
        self.stopped.wait()
        time.sleep(0.5)
        print("work put down", flush=True)
    def stop(self):
        self.stopped.set()

async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body"})

serve(app, HttpSettings(port=int(sys.argv[1])), Threads({"part": Part}))
print("ended", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_its_threads_put_their_work_down_before_it_ends(number: signal.Signals) -> None:
    port = free_port()
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(port)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "running\n"
            _wait_until_it_answers(port)
            process.send_signal(number)
            output, errors = process.communicate(timeout=SECONDS)
        finally:
            process.kill()
    assert output == "work put down\nended\n", errors
    assert process.returncode == 0


def _wait_until_it_answers(port: int) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
