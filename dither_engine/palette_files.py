"""Palettes in files: the texts of ``palette_texts``, RIFF .pal, Adobe's .ase, and pictures.

Sources: Microsoft, "Resource Interchange File Format", 1991 (LOGPALETTE); Adobe Swatch Exchange, as
described by Cyril Gossard's "ASE file format", 2011; CIE 15:2004 (L*a*b*, of the D50 white that
Adobe uses).
"""

import struct
from collections.abc import Iterator

import numpy as np

from dither_engine.colour_management import Floats, xyz_to_srgb
from dither_engine.decode import MAX_PIXELS, Frame, open_bytes
from dither_engine.errors import EngineError, UnknownFormat
from dither_engine.palette_texts import colours_of_text, hex_of
from dither_engine.palettes import MAX_COLOURS

_RIFF, _ASE, _ASEPRITE = b"RIFF", b"ASEF", b"\xe0\xa5"
_SWATCH = 1  # type of the .ase blocks that contain a colour
_D50 = np.array([0.9642, 1.0, 0.8249])


def colours_of_file(data: bytes, *, max_pixels: int = MAX_PIXELS) -> list[str]:
    """The colours, ``#rrggbb``, in their order. Raises EngineError if it is not a palette.

    max_pixels: of a picture.
    """
    try:
        if data.startswith(_RIFF) and data[8:12] == b"PAL ":
            return _riff(data)
        if data.startswith(_ASE):
            return list(_adobe(data))
    except (struct.error, IndexError) as error:
        raise EngineError("The palette file is damaged or cut short.") from error
    if data[4:6] == _ASEPRITE:
        raise EngineError("This .ase file is a sprite of Aseprite's: export its palette.")
    try:
        return _of_picture(data, max_pixels)
    except UnknownFormat:
        return colours_of_text(_text(data))


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _riff(data: bytes) -> list[str]:
    at = data.index(b"data", 12) + 8 if b"data" in data[12:] else len(data)
    _version, count = struct.unpack_from("<HH", data, at)
    entries = (struct.unpack_from("4B", data, at + 4 + 4 * place) for place in range(count))
    return [hex_of(*entry[:3]) for entry in entries]


def _adobe(data: bytes) -> Iterator[str]:
    (count,) = struct.unpack_from(">I", data, 8)
    at = 12
    for _ in range(count):
        kind, length = struct.unpack_from(">HI", data, at)
        if kind == _SWATCH:
            (name,) = struct.unpack_from(">H", data, at + 6)
            yield _swatch(data, at + 8 + 2 * name)
        at += 6 + length


def _swatch(data: bytes, at: int) -> str:
    model = data[at : at + 4]
    count = {b"RGB ": 3, b"CMYK": 4, b"LAB ": 3, b"Gray": 1}.get(model)
    if count is None:
        raise EngineError("The palette file has a colour of an unknown kind: RGB, CMYK, LAB, Gray.")
    values = np.array(struct.unpack_from(f">{count}f", data, at + 4))
    if model == b"CMYK":
        values = (1 - values[:3]) * (1 - values[3])
    elif model == b"LAB ":
        values = _of_lab(values)
    codes = np.floor(np.clip(np.nan_to_num(values), 0, 1) * 255 + 0.5).astype(int).tolist()
    return hex_of(*(codes * 3 if count == 1 else codes))


def _of_lab(values: Floats) -> Floats:
    """L* from 0 to 1 (Adobe's hundredths), a* and b* → sRGB, 0 to 1."""
    lightness = (values[0] * 100 + 16) / 116
    steps = np.array([lightness + values[1] / 500, lightness, lightness - values[2] / 200])
    xyz = np.where(steps > 6 / 29, steps**3, 3 * (6 / 29) ** 2 * (steps - 4 / 29)) * _D50
    return xyz_to_srgb(xyz, _D50)


def _of_picture(data: bytes, max_pixels: int) -> list[str]:
    """The colours of an image, in order of appearance (left to right, top to bottom)."""
    frame = next(open_bytes(data, max_pixels).frames())
    if not isinstance(frame, Frame):
        raise EngineError("A picture of a palette has 8 bits a channel.")
    channels = frame.pixels.astype(np.uint32)
    colours = (
        channels[..., 0] << 16 | channels[..., channels.shape[2] // 2] << 8 | channels[..., -1]
    )
    shown = colours[frame.mask > 0] if frame.mask.size else colours.reshape(-1)
    found, first = np.unique(shown, return_index=True)
    if len(found) > MAX_COLOURS:
        raise EngineError(
            f"The picture has more than {MAX_COLOURS} colours: adaptive:n makes a palette of it."
        )
    return [f"#{colour:06x}" for colour in found[np.argsort(first)].tolist()]
