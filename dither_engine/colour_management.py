"""Conversion of a picture's colours to sRGB: by its ICC profile, or by a PNG's gAMA and cHRM.

A profile is judged by its effect, not by its name: a profile that changes nothing is ignored, and
so is one that does not fit the picture.

Sources: W3C, "Portable Network Graphics (PNG) Specification (Third Edition)", 2025, clauses 11.3.2
and 12.1; B. Lindbloom, "RGB/XYZ matrices" and "Chromatic adaptation", 2017 (Bradford).
"""

import io
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from dither_engine.light import linear_to_srgb, srgb_to_linear
from dither_engine.pillow_memory import pixels_in_place

_SAME = 2  # code values
_SAME_GAMMA, _SAME_PLACE = 0.05, 0.005
# White, red, green, blue: x and y of each.
_SRGB = np.array([[0.3127, 0.329], [0.64, 0.33], [0.3, 0.6], [0.15, 0.06]])
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
_BAND = 64  # rows
Floats = NDArray[np.float64]
Samples = TypeVar("Samples", NDArray[np.uint8], NDArray[np.uint16])


def srgb_pixels(
    image: Image.Image, profile: bytes | None, *, in_place: bool = False
) -> NDArray[np.uint8]:
    """An image of 8 bits a channel as ``uint8 (H, W, 1 or 3)`` in sRGB.

    in_place: the result may be a view of the image's memory, because the image does not change.
    """
    plain = "L" if image.mode in ("1", "L") else "RGB"
    base = image if image.mode == "CMYK" else _in_mode(image, plain)
    transform = transform_of(profile, base.mode)
    if transform is not None:
        try:
            return pixels_of(_in_mode(_applied(transform, base), plain))
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # the profile does not fit the image
    converted = _in_mode(base, plain)
    where = in_place and plain == "RGB"
    pixels = pixels_in_place(converted) if where else pixels_of(converted)
    encoding = None if profile else encoding_of(image.info)
    return encoding.to_srgb(pixels) if encoding else pixels


def pixels_of(image: Image.Image) -> NDArray[np.uint8]:
    """Mode L or RGB → ``uint8 (H, W, 1 or 3)``."""
    return np.asarray(image).reshape(image.height, image.width, -1)


def image_of(pixels: NDArray[np.uint8]) -> Image.Image:
    """``uint8 (H, W, 1 or 3)`` → mode L or RGB."""
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def _in_mode(image: Image.Image, mode: str) -> Image.Image:
    """Converted; the image itself if it has this mode, since Pillow would copy it."""
    return image if image.mode == mode else image.convert(mode)


def _applied(transform: ImageCms.ImageCmsTransform, image: Image.Image) -> Image.Image:
    converted = ImageCms.applyTransform(image, transform)
    assert converted is not None, "not in place"
    return converted


def transform_of(profile: bytes | None, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From an image of mode L, RGB or CMYK to RGB in sRGB; None if no conversion is needed."""
    if not profile:
        return None
    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        srgb = ImageCms.createProfile("sRGB")
        transform = ImageCms.buildTransform(given, srgb, mode, "RGB")
        return None if _does_nothing(transform, mode) else transform
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _does_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Whether a profile has the effect of sRGB.

    Tested with all combinations of 16 values a channel; a result may be two code values off,
    because published sRGB profiles are rounded in different ways.
    """
    if mode == "CMYK":
        return False
    steps = np.arange(0, 256, 17, dtype=np.uint8)
    axes = [steps] * (3 if mode == "RGB" else 1)
    colours = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(1, -1, len(axes))
    probe = Image.fromarray(colours if mode == "RGB" else colours[..., 0])
    done = _applied(transform, probe)
    return bool(np.abs(np.asarray(done).astype(int) - colours).max() <= _SAME)


@dataclass(frozen=True)
class Encoding:
    """The colour encoding that a PNG gives by gAMA and cHRM.

    exponent: light is the code value to this power; None for sRGB's curve. matrix: light of its
    primaries → light of sRGB's primaries, ``(3, 3)``; None for sRGB's primaries.
    """

    exponent: float | None
    matrix: Floats | None

    def to_srgb(self, pixels: Samples) -> Samples:
        """``uint8`` or ``uint16 (H, W, 1 or 3)`` in this encoding → the same in sRGB."""
        codes = np.arange(np.iinfo(pixels.dtype).max + 1)
        light = self._light(codes / codes[-1])
        table = np.floor(linear_to_srgb(np.arange(65536) / 65535) * codes[-1] + 0.5)
        srgb = table.astype(pixels.dtype)
        out = np.empty_like(pixels)
        for top in range(0, len(pixels), _BAND):
            part = light[pixels[top : top + _BAND]]
            if self.matrix is not None and pixels.shape[2] == 3:
                part = _mixed(part, self.matrix)
            steps = np.clip(part, 0, 1) * 65535 + 0.5
            out[top : top + _BAND] = srgb[steps.astype(np.uint16)]
        return out

    def _light(self, code: Floats) -> Floats:
        light: Floats = srgb_to_linear(code) if self.exponent is None else code**self.exponent
        return light


def _mixed(light: Floats, matrix: Floats) -> Floats:
    """Each colour times the matrix, summed in one order on every machine."""
    red, green, blue = light[..., 0:1], light[..., 1:2], light[..., 2:3]
    mixed: Floats = red * matrix[:, 0] + green * matrix[:, 1] + blue * matrix[:, 2]
    return mixed


def encoding_of(info: dict[Any, Any]) -> Encoding | None:
    """From gAMA and cHRM in Pillow's ``info``; None for sRGB and for invalid values."""
    if "srgb" in info:
        return None
    gamma = info.get("gamma")
    exponent = None if gamma is None or abs(gamma * 2.2 - 1) <= _SAME_GAMMA else gamma
    matrix = _to_srgb(info.get("chromaticity"))
    if exponent is not None:
        if not 0.01 <= exponent <= 100:
            return None
        exponent = 1 / exponent
    return None if exponent is None and matrix is None else Encoding(exponent, matrix)


def _to_srgb(places: tuple[float, ...] | None) -> Floats | None:
    """Light of these primaries → light of sRGB's; None for sRGB's own and for invalid values."""
    if places is None or len(places) != 8:
        return None
    given = np.array(places).reshape(4, 2)
    if np.abs(given - _SRGB).max() <= _SAME_PLACE or given[:, 1].min() <= 0:
        return None
    try:
        matrix = _to_light(_xyz(given[0])) @ _primaries(given)
    except np.linalg.LinAlgError:
        return None
    return matrix if np.isfinite(matrix).all() and np.abs(matrix).max() < 100 else None


def xyz_to_srgb(xyz: Floats, white: Floats) -> Floats:
    """A colour seen under ``white`` (both XYZ) → sRGB code values, 0 to 1."""
    return linear_to_srgb(np.clip(_to_light(white) @ xyz, 0, 1))


def _to_light(white: Floats) -> Floats:
    """XYZ under ``white`` → light of sRGB's primaries; white stays white."""
    adapted = np.diag((_BRADFORD @ _xyz(_SRGB[0])) / (_BRADFORD @ white))
    made: Floats = np.linalg.inv(_primaries(_SRGB)) @ np.linalg.inv(_BRADFORD) @ adapted @ _BRADFORD
    return made


def _xyz(place: Floats) -> Floats:
    """XYZ of luminance 1."""
    x, y = place
    return np.array([x / y, 1, (1 - x - y) / y])


def _primaries(places: Floats) -> Floats:
    """Light of the primaries → XYZ: each column is a primary, scaled so that their sum is white."""
    columns = np.stack([_xyz(place) for place in places[1:]], axis=1)
    made: Floats = columns * np.linalg.solve(columns, _xyz(places[0]))
    return made
