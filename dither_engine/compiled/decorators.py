"""How kernels are compiled: once, cached on disk, releasing the GIL, never with fastmath.

Without fastmath LLVM neither reorders nor contracts arithmetic, so a kernel gives the same bits
on every machine. Signatures are explicit, so that `--warm` compiles exactly what is used. Set
NUMBA_CACHE_DIR where the source tree is not writable.

Kernels have no type annotations: the signature gives the types.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numba
from numba import types

Function = Callable[..., Any]


class Kernel:
    """A function that is compiled, or loaded from the cache, when it is first called."""

    def __init__(self, function: Function, signature: tuple[Any, ...]) -> None:
        self.function = function
        self._signature = signature

    @cached_property
    def compiled(self) -> Function:
        signature = types.void(*self._signature)
        compiled: Function = numba.njit(signature, cache=True, nogil=True)(self.function)
        return compiled

    def __call__(self, *arguments: Any) -> None:
        self.compiled(*arguments)


def kernel(*signature: Any) -> Callable[[Function], Kernel]:
    """Decorator: compile for one signature, given as the argument types in order."""
    return lambda function: Kernel(function, signature)


def cached(function: Function) -> Function:
    """Decorator: a large function that kernels call; it is compiled once, by itself."""
    compiled: Function = numba.njit(nogil=True, cache=True)(function)
    return compiled


def inlined(function: Function) -> Function:
    """Decorator: a function that kernels call; it is compiled as a part of each of them."""
    compiled: Function = numba.njit(nogil=True)(function)
    return compiled


def merged(function: Function) -> Function:
    """Decorator: like `inlined`, but Numba inlines it before type inference: for inner loops.

    LLVM's inliner keeps the reference counting of array arguments; this removes it.
    """
    compiled: Function = numba.njit(nogil=True, inline="always")(function)
    return compiled


def array_in(dtype: Any, ndim: int) -> Any:
    """A C-contiguous argument that is only read; read-only arrays are accepted."""
    return types.Array(dtype, ndim, "C", readonly=True)


def array_out(dtype: Any, ndim: int) -> Any:
    """A C-contiguous argument that the kernel writes."""
    return types.Array(dtype, ndim, "C")
