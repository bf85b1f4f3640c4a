"""The memory of Pillow images: read without a copy, and reused.

Pillow returns an image's bytes only as a copy, except through Arrow's C data interface, which gives
the address. An RGB pixel has four bytes there; the last one has no meaning.

Source: Apache Arrow, "The Arrow C data interface".
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, _imaging

from dither_engine.memory import reusable

_BLOCK, _LARGEST_BLOCK = 32 << 20, 0x7FFFF000  # bytes
_BLOCKS = 2

# Pillow keeps this many blocks of freed images, of at most this size, for the next images.
_imaging.set_block_size(_BLOCK)
_imaging.set_blocks_max(_BLOCKS)


@contextmanager
def in_one_block() -> Iterator[None]:
    """Inside this context every new image, in any thread, is one memory block, however large."""
    _imaging.set_block_size(_LARGEST_BLOCK)
    try:
        yield
    finally:
        _imaging.set_block_size(_BLOCK)


def decode_into_pool(image: Image.Image) -> None:
    """Let an RGB JPEG that is not loaded yet be decoded into memory of the buffer pool.

    Pillow's own memory would first be filled with zeros, which takes a tenth of the decoder's time.
    This decoder overwrites every pixel, or fails.
    """
    unloaded = isinstance(image, ImageFile.ImageFile) and len(image.tile) == 1
    if unloaded and image.format == "JPEG" and image.mode == "RGB":
        row = 4 * image.width
        memory = reusable(image.height * row, np.uint8)
        image.im = _imaging.map_buffer(memory, image.size, "raw", 0, (image.mode, row, 1))


class _Array(ctypes.Structure):
    """Arrow's ``struct ArrowArray``."""


_Array._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(_Array))),
    ("dictionary", ctypes.c_void_p),
    ("release", ctypes.c_void_p),
    ("private_data", ctypes.c_void_p),
]
_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype, _pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]


class _Pixels:
    """Owner (``base``) of an array of an image's pixels; it keeps the image's memory alive."""

    def __init__(self, image: Image.Image) -> None:
        _, self._capsule = image.__arrow_c_array__()
        address = _pointer(self._capsule, b"arrow_array")
        array = ctypes.cast(address, ctypes.POINTER(_Array)).contents
        self.__array_interface__ = {
            "version": 3,
            "shape": (image.height, image.width, 4),
            "typestr": "|u1",
            "data": (array.children[0].contents.buffers[1], True),
        }


def pixels_in_place(image: Image.Image) -> NDArray[np.uint8]:
    """``uint8 (H, W, 3)`` of a loaded RGB image, with a stride of four bytes a pixel; read-only.

    A view of the image's memory; a copy if the image is not in one block.
    """
    if _imaging.get_alignment() > 1:  # then the first pixel is not at the start of the block
        return np.asarray(image)
    try:
        owner = _Pixels(image)
    except ValueError:
        return np.asarray(image)
    return np.asarray(owner)[..., :3]
