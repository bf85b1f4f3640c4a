"""Colour photographs on small palettes: ours beside Pillow, ImageMagick and ``epaper-dithering``.

ΔE is CIEDE2000 between the dithered picture and the photograph, both blurred in linear light by a
Gaussian of two pixels, averaged over all pixels. All programs get the same colours; for measured
panels these are the colours relative to the panel's white and black.
"""

import io
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from tempfile import NamedTemporaryFile
from typing import Any

import epaper_dithering
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage import color, data

from dither_engine import Options, dither
from dither_engine.light import srgb_to_linear
from dither_engine.palettes import NAMED, named
from dither_engine.targets import media_relative

Pixels = NDArray[np.uint8]
Dither = Callable[[Pixels, Pixels], Pixels]  # photograph, palette → picture

PHOTOGRAPHS = (
    "astronaut",
    "chelsea",
    "coffee",
    "rocket",
    "immunohistochemistry",
    "stereo_motorcycle",
)
PALETTES = ("pico-8", "c64", "ega", "spectra-6", "black-white-red")
ALGORITHMS = (
    *("floyd-steinberg", "jarvis-judice-ninke", "atkinson", "zhou-fang", "riemersma"),
    *("blue-noise", "bayer-8", "knoll", "yliluoma-2", "direct-binary-search", "none"),
)
SIDE = 384
_BLUR = 2.0
_LINEAR = srgb_to_linear(np.arange(256) / 255)


@cache
def photograph(name: str) -> Pixels:
    """At most SIDE × SIDE from the middle, ``uint8 (H, W, 3)``; of a stereo pair the left one."""
    found = getattr(data, name)()
    image = Image.fromarray(found[0] if isinstance(found, tuple) else found).convert("RGB")
    left, top = max((image.width - SIDE) // 2, 0), max((image.height - SIDE) // 2, 0)
    return np.array(image)[top : top + SIDE, left : left + SIDE].copy()


def colours_of(palette: str) -> Pixels:
    """A named palette's colours as used for mixing."""
    colours = named(palette)
    return media_relative(colours) if NAMED[palette].measured else colours


def seen(picture: Pixels) -> NDArray[np.float64]:
    """CIELAB of the blurred picture."""
    light = np.clip(gaussian_filter(_LINEAR[picture], (_BLUR, _BLUR, 0)), 0, 1)
    code = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(color.rgb2lab(code), np.float64)


@cache
def _wanted(name: str) -> NDArray[np.float64]:
    return seen(photograph(name))


def difference(name: str, picture: Pixels) -> float:
    """Mean ΔE2000 between a dithered photograph and the original, both blurred."""
    ciede2000: Callable[..., Any] = color.deltaE_ciede2000
    return float(ciede2000(seen(picture), _wanted(name)).mean())


def ours(algorithm: str) -> Dither:
    def render(picture: Pixels, palette: Pixels) -> Pixels:
        colours = ["#{:02x}{:02x}{:02x}".format(*colour) for colour in palette]
        return dither(picture, Options(algorithm=algorithm, palette=colours)).rgb()

    return render


def pillow(picture: Pixels, palette: Pixels) -> Pixels:
    target = Image.new("P", (1, 1))
    target.putpalette(palette.ravel().tolist())
    return np.asarray(Image.fromarray(picture).quantize(palette=target).convert("RGB"))


def imagemagick(method: str) -> Dither:
    """``convert -dither METHOD -remap``."""

    def render(picture: Pixels, palette: Pixels) -> Pixels:
        with NamedTemporaryFile(suffix=".ppm") as colours:
            colours.write(_ppm(palette[None]))
            colours.flush()
            command = ["convert", "PPM:-", "-dither", method, "-remap", colours.name, "PPM:-"]
            done = subprocess.run(
                command, input=_ppm(picture), stdout=subprocess.PIPE, check=True
            ).stdout
        return np.asarray(Image.open(io.BytesIO(done)).convert("RGB"))

    return render


def _ppm(pixels: Pixels) -> bytes:
    return b"P6 %d %d 255\n" % (pixels.shape[1], pixels.shape[0]) + pixels.tobytes()


def epaper(mode: epaper_dithering.DitherMode, **more: Any) -> Dither:
    def render(picture: Pixels, palette: Pixels) -> Pixels:
        names = {f"{n}": (int(r), int(g), int(b)) for n, (r, g, b) in enumerate(palette)}
        scheme = epaper_dithering.ColorPalette(names, accent="0")
        done = epaper_dithering.dither_image(Image.fromarray(picture), scheme, mode=mode, **more)
        return np.take(palette, np.asarray(done), axis=0)

    return render


def methods() -> Iterator[tuple[str, Dither]]:
    for algorithm in ALGORITHMS:
        yield algorithm, ours(algorithm)
    yield "Pillow `quantize`", pillow
    if shutil.which("convert"):
        yield "ImageMagick FloydSteinberg", imagemagick("FloydSteinberg")
        yield "ImageMagick Riemersma", imagemagick("Riemersma")
    modes = epaper_dithering.DitherMode
    yield "epaper-dithering Burkes (its default)", epaper(modes.BURKES)
    yield "epaper-dithering Floyd–Steinberg", epaper(modes.FLOYD_STEINBERG)
    yield "epaper-dithering Burkes, gamut auto", epaper(modes.BURKES, gamut="auto")
    yield "epaper-dithering Burkes, DBS", epaper(modes.BURKES, dbs=True)


HEAD = f"| method | {' | '.join(PALETTES)} |\n|---|{'---:|' * len(PALETTES)}"


def lines() -> Iterator[str]:
    """The table's rows, as they are measured."""
    for label, render in methods():
        means = []
        for palette in PALETTES:
            colours = colours_of(palette)
            found = [difference(name, render(photograph(name), colours)) for name in PHOTOGRAPHS]
            means.append(sum(found) / len(found))
        yield f"| {label} | {' | '.join(f'{mean:.2f}' for mean in means)} |"
