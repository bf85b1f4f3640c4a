"""Noise masks: blue noise from a file, and two that are computed for each pixel.

Sources: blue noise, see `void_and_cluster`. Interleaved gradient noise: J. Jimenez, "Next
generation post processing in Call of Duty: Advanced Warfare", SIGGRAPH 2014. White noise comes
from a counter-based hash of (x, y, channel, seed): C. Wellons, "Prospecting for hash functions",
2018 (lowbias32).
"""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dither_engine.masks import Mask, from_ranks

BLUE_NOISE = Path(__file__).with_name("blue_noise.npy")


@cache
def blue_noise() -> Mask:
    """The mask that `void_and_cluster` made, ``(128, 128)``."""
    return from_ranks(np.load(BLUE_NOISE))


def gradient_noise(top: int, bottom: int, width: int) -> Mask:
    """Rows ``top`` to ``bottom`` of frac(52.9829189 · frac(0.06711056 x + 0.00583715 y)).

    In fixed point: the inner fraction has 32 bits, the factor 16.
    """
    x = np.arange(width, dtype=np.uint64)
    y = np.arange(top, bottom, dtype=np.uint64)[:, None]
    inner = (x * np.uint64(288237660) + y * np.uint64(25070368)) & np.uint64(0xFFFFFFFF)
    outer = (inner * np.uint64(3472289)) >> np.uint64(32)
    return _at_least_one(outer & np.uint64(0xFFFF))


def white_noise(top: int, bottom: int, width: int, seed: int, channel: int = 0) -> Mask:
    """Rows ``top`` to ``bottom`` of random thresholds, determined by ``seed``.

    Every block of 64 × 64 pixels is a random permutation of 4096 evenly spaced thresholds, so white
    noise keeps the mean tone, too.
    """
    x = np.arange(width, dtype=np.uint32)
    y = np.arange(top, bottom, dtype=np.uint32)[:, None]
    start = _hash(np.full((1, 1), seed, np.uint32)) + np.uint32(channel)
    key = _hash((x >> np.uint32(6)) ^ _hash((y >> np.uint32(6)) ^ _hash(start)))
    place = ((y & np.uint32(63)) << np.uint32(6)) | (x & np.uint32(63))
    # Each round is a permutation of 0 … 4095: odd factors, sums, and xor with the higher bits.
    for turn in range(4):
        key = _hash(key)
        place = (place * (key >> np.uint32(16) | np.uint32(1)) + key) & np.uint32(4095)
        place = place ^ (place >> np.uint32(5 + turn % 2))
    fine = _hash(x ^ _hash(y ^ start)) >> np.uint32(28)
    return _at_least_one((place << np.uint32(4)) | fine)


def _hash(value: NDArray[np.uint32]) -> NDArray[np.uint32]:
    value = value + np.uint32(0x9E3779B9)
    value = value ^ (value >> np.uint32(16))
    value = value * np.uint32(0x7FEB352D)
    value = value ^ (value >> np.uint32(15))
    value = value * np.uint32(0x846CA68B)
    return value ^ (value >> np.uint32(16))


def _at_least_one(value: NDArray[Any]) -> Mask:
    mask = value.astype(np.uint16)
    mask[mask == 0] = 1
    return mask
