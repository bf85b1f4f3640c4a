"""Which processor kernels are compiled for.

There is one target for all machines of an architecture, so that a cache made by a build works
wherever it is copied to: ``x86-64-v3`` (AVX2, 2013 and later) if the processor has that, else the
baseline of the architecture. This costs no speed: compiled for processors with AVX-512 the kernels
were at best as fast, and for some models half as fast. NUMBA_CPU_NAME or NUMBA_CPU_FEATURES, if
set, override this.
"""

import os
import platform
import sys
from collections.abc import Mapping

from llvmlite import binding

_V3 = ("avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe")


def target(machine: str, features: Mapping[str, bool]) -> tuple[str, str]:
    """LLVM's name of the target processor and its features, in Numba's notation.

    machine: from Python's ``platform``. features: what LLVM detects on this processor.
    """
    if machine.lower() not in ("x86_64", "amd64"):
        return "generic", ""
    if all(features.get(name) for name in _V3):
        return "x86-64-v3", "+avx2"
    return "x86-64", ""


def choose() -> None:
    """Set Numba's environment variables; call this before Numba compiles or loads a kernel."""
    if "NUMBA_CPU_NAME" in os.environ or "NUMBA_CPU_FEATURES" in os.environ:
        return
    name, features = target(platform.machine(), binding.get_host_cpu_features())
    os.environ["NUMBA_CPU_NAME"], os.environ["NUMBA_CPU_FEATURES"] = name, features
    if "numba" in sys.modules:
        sys.modules["numba"].core.config.reload_config()
