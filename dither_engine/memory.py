"""Memory that is used again.

The system hands out memory page by page and fills each with zeros, at the first touch of every
4 KiB; that takes longer than dithering them. So the memory of large arrays is kept when nobody
uses them any more, up to a bound, and the next array gets it.
"""

from collections import deque
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

KEPT = 64 << 20  # bytes, in all threads together
SMALL = 1 << 16  # bytes; what is smaller the allocator reuses by itself

# Changed by single calls that no other thread can interrupt, for `_Lent.__del__` may be called at
# any place in any thread, where it must not wait for a lock.
_free: deque[NDArray[np.uint8]] = deque()


class _Lent:
    """What an array's memory belongs to while it is used: the array's ``base``."""

    def __init__(self, memory: NDArray[np.uint8]) -> None:
        self._memory = memory
        self.__array_interface__ = memory.__array_interface__

    def __del__(self) -> None:
        if self._memory.nbytes <= KEPT // 2:
            _free.append(self._memory)
            while sum(memory.nbytes for memory in tuple(_free)) > KEPT:
                _drop_oldest()


def reusable(shape: int | Sequence[int], dtype: DTypeLike) -> NDArray[Any]:
    """Like `numpy.empty`; the memory is used again once neither the array nor a view exists."""
    kind = np.dtype(dtype)
    size = prod(shape if isinstance(shape, Sequence) else (shape,)) * kind.itemsize
    if size < SMALL:
        return np.empty(shape, kind)
    lent = np.asarray(_Lent(_memory(size)))
    return lent[:size].view(kind).reshape(shape)


def _memory(size: int) -> NDArray[np.uint8]:
    """Of the free pieces one that is large enough, and not far too large; or a new one."""
    for _ in range(len(_free)):
        try:
            memory = _free.popleft()
        except IndexError:  # another thread was quicker
            break
        if size <= memory.nbytes <= 2 * size:
            return memory
        _free.append(memory)
    return np.empty(size, np.uint8)


def _drop_oldest() -> None:
    try:
        _free.popleft()
    except IndexError:
        return
