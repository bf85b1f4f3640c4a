"""How kernels are compiled: once, cached on disk, without the GIL, never with fastmath.

Without fastmath LLVM neither reorders nor contracts arithmetic, so a kernel gives the same bits
on every machine. Signatures are explicit, so that `--warm` compiles exactly what is used. Set
NUMBA_CACHE_DIR where the source tree is not writable.

Kernels are written without annotations: their types are the signature's.
"""

from collections.abc import Callable
from typing import Any

import numba
from numba import types

Function = Callable[..., Any]


def kernel(*signature: Any) -> Callable[[Function], Callable[..., None]]:
    """Decorator: compile for one signature, given as the argument types in order."""

    def compile_now(function: Function) -> Callable[..., None]:
        compiled: Callable[..., None] = numba.njit(types.void(*signature), cache=True, nogil=True)(
            function
        )
        return compiled

    return compile_now


def inlined(function: Function) -> Function:
    """Decorator: a function that kernels call; it is compiled into each of them."""
    compiled: Function = numba.njit(nogil=True)(function)
    return compiled


def merged(function: Function) -> Function:
    """Decorator: like `inlined`, but before types are known: for the innermost of loops.

    LLVM's inliner leaves the counting of array references in place; this does not.
    """
    compiled: Function = numba.njit(nogil=True, inline="always")(function)
    return compiled


def array_in(dtype: Any, ndim: int) -> Any:
    """A C-contiguous argument that is only read; read-only arrays are welcome."""
    return types.Array(dtype, ndim, "C", readonly=True)


def array_out(dtype: Any, ndim: int) -> Any:
    """A C-contiguous argument that the kernel writes."""
    return types.Array(dtype, ndim, "C")
