"""GIF files: one palette for all frames, each frame with its own delay.

Pillow compresses the pixels but does not write the animation: it would merge equal frames and add
up their delays, beyond the largest possible delay. Source: CompuServe, "Graphics Interchange
Format, version 89a", 1990.
"""

import io
import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_KEEP, _TO_BACKGROUND = 1, 2  # disposal methods: what happens to a frame before the next
Picture = NDArray[np.uint8]


def gif(
    pictures: Sequence[Picture],
    palette: Picture,
    transparent: int | None,
    delays: Sequence[int],
    plays: int,
) -> bytes:
    """Frames of positions, ``uint8 (H, W)``, in a palette of 2 to 256 colours, ``uint8 (n, 3)``.

    transparent: the transparent position. delays: milliseconds. plays: how often an animation is
    played; 0 is for ever.
    """
    height, width = pictures[0].shape
    bits = max(len(palette) - 1, 1).bit_length()
    parts = [b"GIF89a", struct.pack("<HHBBB", width, height, 0xF0 | bits - 1, 0, 0)]
    parts.append(palette.tobytes().ljust(3 << bits, b"\0"))
    if len(pictures) > 1 and plays != 1:
        repeats = plays - 1 if plays else 0
        parts.append(b"!\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<HB", repeats, 0))
    before: Picture | None = None
    for picture, delay in zip(pictures, delays, strict=True):
        parts += [_control(_hundredths(delay), transparent), _frame(picture, before)]
        before = picture if transparent is None else None
    return b"".join([*parts, b";"])


def _hundredths(delay: int) -> int:
    """A delay in hundredths of a second, at least 2: browsers show shorter delays as 10."""
    return max((delay + 5) // 10, 2) if delay > 0 else 0


def _control(delay: int, transparent: int | None) -> bytes:
    disposal = _KEEP if transparent is None else _TO_BACKGROUND
    flags = disposal << 2 | (transparent is not None)
    return b"!\xf9\x04" + struct.pack("<BHBB", flags, delay, transparent or 0, 0)


def _frame(picture: Picture, before: Picture | None) -> bytes:
    """The rectangle that differs from the frame before, or one pixel."""
    top, left, (bottom, right) = 0, 0, picture.shape
    if before is not None:
        changed = picture != before
        top, bottom = _span(changed.any(axis=1))
        left, right = _span(changed.any(axis=0))
    part = np.ascontiguousarray(picture[top:bottom, left:right])
    place = struct.pack("<HHHHB", left, top, right - left, bottom - top, 0)
    return b"," + place + _compressed(part)


def _span(changed: NDArray[np.bool_]) -> tuple[int, int]:
    found = np.flatnonzero(changed)
    return (int(found[0]), int(found[-1]) + 1) if found.size else (0, 1)


def _compressed(picture: Picture) -> bytes:
    """The LZW blocks: in a file of one frame they are between the tables and the trailer."""
    image = Image.fromarray(picture)
    file = io.BytesIO()
    image.save(file, "GIF", optimize=False, interlace=False)
    data = file.getvalue()
    tables = 13 + (3 << (data[10] & 7) + 1)
    assert data[tables : tables + 1] == b","
    assert not data[tables + 9] & 0xC0, "no table of its own, rows in order"
    return data[tables + 10 : -1]
