"""The message at first use: once, and only when a kernel is compiled."""

import subprocess
import sys

from dither_engine.compiling import MESSAGE

_QUIET = "from dither_engine.compiling import announce_compiling\n" + "announce_compiling()\n" * 2
_COMPILING = """
from numba.core import event
for _ in range(2):
    with event.trigger_event("numba:compile"):
        pass
"""


def _said(code: str) -> str:
    """What a fresh process says: in this one other tests may have asked for the message."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stderr


def test_compiling_is_announced_once() -> None:
    assert _said(_QUIET) == ""
    assert _said(_QUIET + _COMPILING) == MESSAGE
