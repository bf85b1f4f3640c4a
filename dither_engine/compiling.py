"""The message at first use, while Numba compiles kernels that its cache does not have yet."""

import sys
from functools import cache
from importlib import import_module

MESSAGE = "Compiling the dithering kernels. This takes up to a minute, the first time only.\n"


@cache
def announce_compiling() -> None:
    """Write ``MESSAGE`` to standard error once, when the first kernel is compiled.

    Nothing is written if all kernels come from the cache. Loads Numba; a second call does nothing.
    """
    import_module("dither_engine.compiled")  # chooses the processor before Numba is imported
    from numba.core import event  # noqa: PLC0415 - loads the compiler

    class Announcement(event.Listener):
        announced = False

        def on_start(self, _: event.Event) -> None:
            if not self.announced:
                self.announced = True
                sys.stderr.write(MESSAGE)
                sys.stderr.flush()

        def on_end(self, _: event.Event) -> None:
            """No message at the end: the result follows."""

    event.register("numba:compile", Announcement())  # type: ignore[no-untyped-call]
