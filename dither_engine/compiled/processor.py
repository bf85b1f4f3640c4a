"""Which processor kernels are compiled for.

One target for all machines of a kind, so that a cache made by a build serves wherever it is copied
to: ``x86-64-v3`` (AVX2, of 2013 and later) where the processor has that, else the plainest of its
architecture. It is no compromise: compiled for processors with AVX-512 the kernels were at best as
fast, and for some models half as fast. Whoever sets NUMBA_CPU_NAME or NUMBA_CPU_FEATURES decides.
"""

import os
import platform
import sys
from collections.abc import Mapping

from llvmlite import binding

_V3 = ("avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe")


def target(machine: str, features: Mapping[str, bool]) -> tuple[str, str]:
    """LLVM's name of the processor, and the features that kernels ask for, as Numba takes them.

    machine: as Python's ``platform`` calls it. features: what LLVM says that the processor has.
    """
    if machine.lower() not in ("x86_64", "amd64"):
        return "generic", ""
    if all(features.get(name) for name in _V3):
        return "x86-64-v3", "+avx2"
    return "x86-64", ""


def choose() -> None:
    """Tell Numba, by its own variables; before it compiles or loads a kernel."""
    if "NUMBA_CPU_NAME" in os.environ or "NUMBA_CPU_FEATURES" in os.environ:
        return
    name, features = target(platform.machine(), binding.get_host_cpu_features())
    os.environ["NUMBA_CPU_NAME"], os.environ["NUMBA_CPU_FEATURES"] = name, features
    if "numba" in sys.modules:
        sys.modules["numba"].core.config.reload_config()
