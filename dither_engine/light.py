"""Code values and light: sRGB transfer curve, and the integer scale of all algorithms.

Light is an integer from 0 (black) to ``WHITE`` = 8192. An error of a two-level image then fits
16 bits, so that kernels can use vectors of 16-bit integers, and integers give the same result on
every machine. Source of the curve: IEC 61966-2-1:1999.
"""

from functools import cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

WHITE = 8192
Array = TypeVar("Array", bound=NDArray[Any])


def srgb_to_linear(code: NDArray[np.float64]) -> NDArray[np.float64]:
    """sRGB code value 0–1 → linear light 0–1, any shape."""
    return np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Linear light 0–1 → sRGB code value 0–1, any shape."""
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


@cache
def light_of_code(light: str) -> NDArray[np.int16]:
    """Light of each 8-bit code value: ``int16 (256,)``, 0 to WHITE, for ``linear`` or ``srgb``."""
    code = np.arange(256) / 255
    return _frozen(in_steps(srgb_to_linear(code) if light == "linear" else code))


@cache
def code_of_light(light: str) -> NDArray[np.uint8]:
    """Nearest 8-bit code value of each light: ``uint8 (WHITE + 1,)``; ties go up."""
    values = light_of_code(light).astype(np.int64)
    middles = values[:-1] + values[1:]
    codes = np.searchsorted(middles, 2 * np.arange(WHITE + 1), side="right")
    return _frozen(codes.astype(np.uint8))


def _frozen(table: Array) -> Array:
    table.setflags(write=False)
    return table


def in_steps(light: NDArray[np.float64]) -> NDArray[np.int16]:
    """Light 0 to 1 as 0 to WHITE, rounded half up."""
    return np.floor(light * WHITE + 0.5).astype(np.int16)
