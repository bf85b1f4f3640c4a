"""A buffer pool: memory of large arrays is reused.

Fresh memory causes a page fault at the first access to each 4 KiB page, in which the system fills
the page with zeros. That takes longer than dithering the page. So the memory of large arrays is
kept after their last use, up to a limit, and reused for new arrays.
"""

from collections import deque
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

KEPT = 64 << 20  # bytes, for all threads together
SMALL = 1 << 16  # bytes; smaller blocks are reused by the allocator itself

# Only changed by single atomic calls, not under a lock: `_PoolBlock.__del__` may run at any point
# in any thread, where waiting for a lock could deadlock.
_free: deque[NDArray[np.uint8]] = deque()


class _PoolBlock:
    """Owner of an array's memory (the array's ``base``); returns it to the pool at the end."""

    def __init__(self, memory: NDArray[np.uint8]) -> None:
        self._memory = memory
        self.__array_interface__ = memory.__array_interface__

    def __del__(self) -> None:
        if self._memory.nbytes <= KEPT // 2:
            _free.append(self._memory)
            while sum(memory.nbytes for memory in tuple(_free)) > KEPT:
                _drop_oldest()


def reusable(shape: int | Sequence[int], dtype: DTypeLike) -> NDArray[Any]:
    """Like `numpy.empty`; the memory returns to the pool when the array and all views are gone."""
    kind = np.dtype(dtype)
    size = prod(shape if isinstance(shape, Sequence) else (shape,)) * kind.itemsize
    if size < SMALL:
        return np.empty(shape, kind)
    block = np.asarray(_PoolBlock(_memory(size)))
    return block[:size].view(kind).reshape(shape)


def _memory(size: int) -> NDArray[np.uint8]:
    """A free block of ``size`` to twice ``size`` bytes, or a new one."""
    for _ in range(len(_free)):
        try:
            memory = _free.popleft()
        except IndexError:  # another thread took the last one
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
