"""How kernels are compiled: once, cached on disk, without the GIL, never with fastmath.

Without fastmath LLVM neither reorders nor contracts arithmetic, so a kernel gives the same bits
on every machine. Signatures are explicit, so that `--warm` compiles exactly what is used. Set
NUMBA_CACHE_DIR where the source tree is not writable.
"""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numba
from numba import types

P = ParamSpec("P")
R = TypeVar("R")


def kernel(
    *signature: Any, boundscheck: bool = False
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorator: compile for one signature, given as the argument types in order."""

    def compile_now(function: Callable[P, R]) -> Callable[P, R]:
        compiled: Callable[P, R] = numba.njit(
            types.void(*signature), cache=True, nogil=True, boundscheck=boundscheck
        )(function)
        return compiled

    return compile_now


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """Decorator: a function that other kernels call; LLVM inlines it."""
    compiled: Callable[P, R] = numba.njit(nogil=True, cache=True)(function)
    return compiled


def array_in(dtype: Any, ndim: int) -> Any:
    """A C-contiguous argument that is only read; read-only arrays are welcome."""
    return types.Array(dtype, ndim, "C", readonly=True)


def array_out(dtype: Any, ndim: int) -> Any:
    """A C-contiguous argument that the kernel writes."""
    return types.Array(dtype, ndim, "C")
