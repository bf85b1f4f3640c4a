"""The message at first use: once, and only when a kernel is compiled."""

import pytest
from numba.core import event

from dither_engine.compiling import MESSAGE, announce_compiling


def test_compiling_is_announced_once(capsys: pytest.CaptureFixture[str]) -> None:
    announce_compiling.cache_clear()
    announce_compiling()
    announce_compiling()
    assert capsys.readouterr().err == ""
    for _ in range(2):
        with event.trigger_event("numba:compile"):
            pass
    assert capsys.readouterr().err == MESSAGE
