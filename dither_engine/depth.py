"""Pictures with more than 8 bits a channel: read at 16 bits, dithered to 8 without banding.

Kernels take 8 bits. The low bits are not truncated but dithered with a blue-noise mask: a value
between two code values is rounded up at a share of the pixels equal to its fraction. So a flat area
keeps its mean light, and a ramp shows no steps, whatever it is dithered to later. Values that 8
bits can represent exactly stay unchanged.
"""

import io
import sys
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from dither_engine.masks import ONE, Mask
from dither_engine.masks.noise import blue_noise
from dither_engine.work import NO_MASK

_DEEP = 257  # 16-bit steps between two code values
_BAND = 128  # rows
# Shifts that differ from those of the dithering masks, so that the two masks are not correlated.
_SHIFTS = ((17, 101), (70, 53), (23, 5))
_NATIVE = "B" if sys.byteorder == "little" else "L"
# Pillow's raw mode for 16-bit samples, of which it keeps the high bytes → the raw mode that reads
# the low bytes.
_LOW: dict[str, str] = {
    f"{mode};16{order}": f"{mode};16{other}"
    for mode in ("RGB", "RGBA", "RGBX")
    for order, other in (("B", "L"), ("L", "B"), ("N", _NATIVE))
}
# Grey with alpha, which Pillow reads as RGBA, has no such mode. Read as CMYK, the four bytes of a
# pixel are the high and low byte of grey, and the high and low byte of alpha.
_GREY_ALPHA, _ITS_BYTES = "LA;16B", "CMYK"

Samples = NDArray[np.uint16]


def low_bytes(data: bytes, image: ImageFile.ImageFile) -> Image.Image | None:
    """The low bytes of 16-bit colours, as an image to be loaded; None if there are none."""
    raw = _raw_mode(image.tile[0]) if image.tile else ""
    if raw not in _LOW and raw != _GREY_ALPHA:
        return None
    low = Image.open(io.BytesIO(data), formats=[str(image.format)])
    if raw == _GREY_ALPHA:
        low._mode = _ITS_BYTES
    low.tile = [_read_as(_LOW.get(raw, _ITS_BYTES), tile) for tile in low.tile]
    return low


def _raw_mode(tile: Any) -> str:
    return str(tile.args if isinstance(tile.args, str) else (tile.args or ("",))[0])


def _read_as(raw: str, tile: Any) -> Any:
    return tile._replace(args=raw if isinstance(tile.args, str) else (raw, *tile.args[1:]))


def samples_of(image: Image.Image, low: Image.Image | None) -> Samples | None:
    """A loaded image's samples, ``uint16 (H, W, bands)``; None if it has 8 bits a channel."""
    if low is not None:
        return _joined(image, low)
    if image.mode.startswith("I"):
        grey: Samples = np.clip(np.asarray(image).astype(np.int64), 0, 65535).astype(np.uint16)
        return grey[..., None]
    if image.mode == "F":
        scaled: NDArray[Any] = np.nan_to_num(np.asarray(image)).astype(np.float64) * 65535 + 0.5
        light: Samples = np.clip(scaled, 0, 65535).astype(np.uint16)
        return light[..., None]
    return None


def _joined(image: Image.Image, low: Image.Image) -> Samples:
    """Join high and low bytes, some rows at a time to save memory."""
    bands = 2 if low.mode == _ITS_BYTES else len(image.getbands())
    samples = np.empty((image.height, image.width, bands), np.uint16)
    for top in range(0, image.height, _BAND):
        part = (0, top, image.width, min(top + _BAND, image.height))
        high, rest = np.asarray(image.crop(part)), np.asarray(low.crop(part))
        if low.mode == _ITS_BYTES:
            high, rest = rest[..., ::2], rest[..., 1::2]
        samples[top : top + _BAND] = high.astype(np.uint16) << 8 | rest
    return samples


def alpha_apart(samples: Samples, key: Any) -> tuple[Samples, NDArray[np.uint8]]:
    """``(H, W, 1 to 4)`` → colours, and alpha of 8 bits or `NO_MASK`.

    key: the one colour that is transparent, if there is one and no alpha.
    """
    if samples.shape[2] in (2, 4):
        mask = ((samples[..., -1].astype(np.uint32) + _DEEP // 2) // _DEEP).astype(np.uint8)
        samples = np.ascontiguousarray(samples[..., :-1])
    elif key is not None:
        mask = np.where((samples == np.array(key)).all(axis=2), 0, 255).astype(np.uint8)
    else:
        return samples, NO_MASK
    return samples, NO_MASK if mask.min() == 255 else mask


def rounded(pixels: Samples) -> NDArray[np.uint8]:
    """``uint16 (H, W, 1 or 3)`` → code values of 8 bits, their mean kept."""
    height, width, depth = pixels.shape
    mask = np.stack([_mask(channel) for channel in range(depth)], axis=2)
    thresholds = np.tile(mask, (1, -(-width // mask.shape[1]), 1))[:, :width]
    out = np.empty(pixels.shape, np.uint8)
    for top in range(0, height, _BAND):
        whole, rest = np.divmod(pixels[top : top + _BAND], np.uint16(_DEEP))
        up = rest.astype(np.uint32) * ONE >= thresholds[: len(rest)] * np.uint32(_DEEP)
        out[top : top + _BAND] = whole + up
    return out


@cache
def _mask(channel: int) -> Mask:
    return np.roll(blue_noise().T, _SHIFTS[channel], (0, 1))
