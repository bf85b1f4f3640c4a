"""Pictures on e-paper panels: ``auto=natural`` beside ``epaper-dithering`` with all it has.

Both get the measured colours of the panel (4 greys are evenly spaced codes for both); theirs is
asked for ``tone="auto"`` and ``gamut="auto"``. The measure is the mean ΔE2000 between what is seen
and what is wanted:

- wanted: the picture itself, its white seen as the panel's white and its black as the panel's
  black; for 4 greys, on which no colour can be seen, the picture's luminance.
- seen: the panel's colours in light, relative to the panel's white and black, per channel and
  without clipping, as `targets.media_relative` but for the clipping.

Both are blurred in linear light by a Gaussian of two pixels before they become CIELAB.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import epaper_dithering
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter
from skimage import color

from bench.quality.panel_pictures import pictures
from dither_engine import Options, dither
from dither_engine.light import linear_to_srgb, srgb_to_linear
from dither_engine.palettes import named

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]

GREYS = "4 greys"
PANELS = ("spectra-6", "acep-7-colour", "black-white-red", GREYS)
LOOKS = ("off", "natural", "vivid", "readable")
_BLUR = 2.0
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
# Linear sRGB to XYZ relative to its white.
_XYZ = np.array(
    [
        [0.4338908, 0.3762218, 0.1898874],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0177566, 0.1094680, 0.8727754],
    ]
)
_TILE = 150  # of a contact sheet, pixels
_QUALITY = 62


def colours_of(panel: str) -> Pixels:
    if panel == GREYS:
        return np.repeat(np.array([[0], [85], [170], [255]], np.uint8), 3, axis=1)
    return named(panel)


def relative(pixels: Pixels, panel: str) -> Floats:
    """Light relative to the panel's white and black."""
    inks = srgb_to_linear(colours_of(panel) / 255)
    luminance = inks @ _LUMINANCE
    black, white = inks[luminance.argmin()], inks[luminance.argmax()]
    light: Floats = (srgb_to_linear(pixels / 255) - black) / (white - black)
    return light


def lab_of(light: Floats) -> Floats:
    """CIELAB of light as the eye sees it from a distance."""
    xyz = np.maximum(gaussian_filter(light, (_BLUR, _BLUR, 0)) @ _XYZ.T, 0)
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    x, y, z = np.moveaxis(f, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def wanted(picture: Pixels, panel: str) -> Floats:
    light = srgb_to_linear(picture / 255)
    if panel == GREYS:
        light = np.repeat((light @ _LUMINANCE)[..., None], 3, axis=2)
    return lab_of(light)


def difference(done: Pixels, picture: Pixels, panel: str) -> float:
    """Mean ΔE2000 of a dithered picture, in the panel's measured colours."""
    ciede2000: Callable[..., Any] = color.deltaE_ciede2000
    return float(ciede2000(lab_of(relative(done, panel)), wanted(picture, panel)).mean())


def ours(picture: Pixels, panel: str, look: str) -> Pixels:
    fields = {"palette": "gray", "channels": 4} if panel == GREYS else {"palette": panel}
    return dither(picture, Options.parse({**fields, "auto": look})).rgb()


def theirs(picture: Pixels, panel: str) -> Pixels:
    colours = colours_of(panel)
    scheme: Any = epaper_dithering.ColorScheme.GRAYSCALE_4
    if panel != GREYS:
        names = {str(n): (int(r), int(g), int(b)) for n, (r, g, b) in enumerate(colours)}
        scheme = epaper_dithering.ColorPalette(names, accent="0")
    done = epaper_dithering.dither_image(
        Image.fromarray(picture), scheme, tone="auto", gamut="auto"
    )
    return np.take(colours, np.asarray(done), axis=0)


HEAD = (
    f"| panel | picture | {' | '.join(f'auto={look}' for look in LOOKS)} | epaper-dithering |"
    " natural ÷ theirs |\n|---|---|" + "---:|" * (len(LOOKS) + 2)
)


def lines() -> Iterator[str]:
    """The table's rows, as they are measured; the last of each panel is the mean."""
    for panel in PANELS:
        rows = []
        for name, picture in pictures():
            done = [ours(picture, panel, look) for look in LOOKS]
            rows.append(
                [difference(each, picture, panel) for each in (*done, theirs(picture, panel))]
            )
            yield _line(panel, name, rows[-1])
        yield _line(f"**{panel}**", "**mean**", np.mean(rows, axis=0).tolist())


def _line(panel: str, name: str, values: list[float]) -> str:
    ratio = values[LOOKS.index("natural")] / values[-1]
    return f"| {panel} | {name} | {' | '.join(f'{v:.2f}' for v in values)} | {ratio:.2f} |"


def save_sheets(directory: Path) -> None:
    """A contact sheet of each panel: picture, ours, theirs, in two columns of four pictures."""
    directory.mkdir(parents=True, exist_ok=True)
    font = ImageFont.load_default(12)
    for panel in PANELS:
        sheet = Image.new("RGB", (6 * (_TILE + 4) + 8, 4 * (_TILE + 4) + 18), "white")
        draw = ImageDraw.Draw(sheet)
        for place, (_, picture) in enumerate(pictures()):
            row, group = place % 4, place // 4
            done = (ours(picture, panel, "natural"), theirs(picture, panel))
            lights = (srgb_to_linear(picture / 255), *(relative(each, panel) for each in done))
            for column, light in enumerate(lights):
                x = (group * 3 + column) * (_TILE + 4) + group * 8
                sheet.paste(_tile(light), (x, 18 + row * (_TILE + 4)))
        for column, text in enumerate(("picture", "auto=natural", "epaper-dithering") * 2):
            x = column * (_TILE + 4) + column // 3 * 8
            draw.text((x + 2, 1), text, fill="black", font=font)
        name = panel.replace(" ", "-")
        sheet.save(directory / f"{name}.jpg", quality=_QUALITY)


def _tile(light: Floats) -> Image.Image:
    """The middle of a picture at half its size: each pixel has the mean light of four."""
    height, width = (side // 2 * 2 for side in light.shape[:2])
    halved = light[:height, :width].reshape(height // 2, 2, width // 2, 2, 3).mean(axis=(1, 3))
    code = linear_to_srgb(np.clip(halved, 0, 1))
    image = Image.fromarray(np.rint(code * 255).astype(np.uint8))
    left, top = (image.width - _TILE) // 2, (image.height - _TILE) // 2
    return image.crop((left, top, left + _TILE, top + _TILE))
