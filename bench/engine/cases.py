"""The measured cases: each does the same task with our engine and with a peer."""

import io
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import dithering
import epaper_dithering
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from dither_engine import Options, dither, dither_bytes

SIDE = 2048
Work = Callable[[], object]
Pixels = NDArray[np.uint8]

# Sixteen colours spread over the cube; Pillow gets the same.
PALETTE = [
    *("#000000", "#1d2b53", "#7e2553", "#008751", "#ab5236", "#5f574f", "#c2c3c7", "#fff1e8"),
    *("#ff004d", "#ffa300", "#ffec27", "#00e436", "#29adff", "#83769c", "#ff77a8", "#ffccaa"),
]


@dataclass(frozen=True)
class Case:
    """``overhead``: the part of the peer's time that is not its work; it is subtracted."""

    name: str
    peer: str
    ours: Work
    theirs: Work
    overhead: Work | None = None
    floor: float = 1.0


def cases(convert: str | None, folder: Path) -> list[Case]:
    """All cases; those against ImageMagick only if its ``convert`` is installed.

    ``folder`` is for the files of its command line.
    """
    colour = photograph("astronaut")
    grey = photograph("camera")
    found = [*_grey_cases(grey), *_colour_cases(colour), *_jobs(colour), *_panel_cases()]
    if convert is not None:
        found += _imagemagick(colour, convert, folder)
    return found


def photograph(name: str, size: tuple[int, int] = (SIDE, SIDE)) -> Pixels:
    """One of scikit-image's, resized."""
    image = Image.fromarray(getattr(data, name)()).resize(size, Image.Resampling.LANCZOS)
    return np.asarray(image).copy()


def _options(**fields: object) -> Options:
    return Options.parse({"light": "srgb", "distance": "srgb", **fields})


def _grey_cases(grey: Pixels) -> list[Case]:
    image = Image.fromarray(grey)
    fs, jjn = _options(palette="gray"), _options(palette="gray", algorithm="jarvis-judice-ninke")
    bayer = _options(palette="gray", algorithm="bayer-8")
    return [
        Case(
            "fs-gray-2",
            "Pillow convert('1')",
            lambda: dither(grey, fs),
            lambda: image.convert("1"),
            floor=5,
        ),
        Case(
            "jjn-gray-2",
            "dithering",
            lambda: dither(grey, jjn),
            lambda: dithering.error_diffusion(grey, "jarvis_judice_ninke"),
            floor=8,
        ),
        Case(
            "bayer8-gray-2",
            "dithering",
            lambda: dither(grey, bayer),
            lambda: dithering.ordered_dither(grey, "bayer8x8"),
            floor=25,
        ),
    ]


def _colour_cases(colour: Pixels) -> list[Case]:
    image = Image.fromarray(colour)
    cube = _pillow_palette([(r, g, b) for r in (0, 255) for g in (0, 255) for b in (0, 255)])
    sixteen = _pillow_palette([tuple(bytes.fromhex(text[1:])) for text in PALETTE])
    levels, palette = _options(), _options(palette=PALETTE)
    serpentine = _options(palette=PALETTE, serpentine=True)
    return [
        Case(
            "fs-rgb-2",
            "Pillow quantize",
            lambda: dither(colour, levels),
            lambda: image.quantize(palette=cube),
            floor=8,
        ),
        Case(
            "fs-rgb-palette16",
            "Pillow quantize",
            lambda: dither(colour, palette),
            lambda: image.quantize(palette=sixteen),
            floor=4,
        ),
        Case(
            "fs-rgb-palette16-serpentine",
            "Pillow quantize",
            lambda: dither(colour, serpentine),
            lambda: image.quantize(palette=sixteen),
            floor=2,
        ),
    ]


def _pillow_palette(colours: list[tuple[int, ...]]) -> Image.Image:
    image = Image.new("P", (1, 1))
    image.putpalette([value for colour in colours for value in colour])
    return image


def _jobs(colour: Pixels) -> list[Case]:
    jpeg = _jpeg(colour)
    cube = _pillow_palette([(r, g, b) for r in (0, 255) for g in (0, 255) for b in (0, 255)])
    options = _options()

    def pillow() -> None:
        image = Image.open(io.BytesIO(jpeg)).convert("RGB").quantize(palette=cube)
        image.save(io.BytesIO(), "PNG", compress_level=1)

    def job() -> object:
        return dither_bytes(jpeg, options)

    return [
        Case("job-jpeg-to-png", "Pillow, level 1", job, pillow, floor=4),
        Case(
            "job-jpeg-to-png-floor",
            "Pillow decodes it",
            job,
            lambda: Image.open(io.BytesIO(jpeg)).load(),
            floor=0.5,
        ),
    ]


def _panel_cases() -> list[Case]:
    """E-paper: a picture by error diffusion, and one as large as a panel by the slow search."""
    large, panel = photograph("astronaut"), photograph("astronaut", (800, 480))
    image, small = Image.fromarray(large), Image.fromarray(panel)
    diffusion = Options.parse({"palette": "spectra-6"})
    search = Options.parse({"palette": "spectra-6", "algorithm": "direct-binary-search"})
    theirs, mode = epaper_dithering.SPECTRA_7_3_6COLOR, epaper_dithering.DitherMode.FLOYD_STEINBERG
    dithered = epaper_dithering.dither_image
    return [
        Case(
            "fs-spectra-6",
            "epaper-dithering",
            lambda: dither(large, diffusion),
            lambda: dithered(image, theirs, mode=mode, serpentine=False),
            floor=8,
        ),
        Case(
            "dbs-spectra-6-800x480",
            "epaper-dithering, dbs",
            lambda: dither(panel, search),
            lambda: dithered(small, theirs, dbs=True),
            floor=3,
        ),
    ]


def _jpeg(colour: Pixels) -> bytes:
    file = io.BytesIO()
    Image.fromarray(colour).save(file, "JPEG", quality=90)
    return file.getvalue()


def _imagemagick(colour: Pixels, convert: str, folder: Path) -> list[Case]:
    ppm = b"P6 %d %d 255\n" % (SIDE, SIDE) + colour.tobytes()
    jpeg = _jpeg(colour)
    cube = b"P6 8 1 255\n" + bytes(
        v for r in (0, 255) for g in (0, 255) for b in (0, 255) for v in (r, g, b)
    )
    options, blue = _options(), _options(algorithm="blue-noise")

    def run(data: bytes, *arguments: str) -> Work:
        command = [convert, *arguments]
        return lambda: subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True)

    remap = folder / "cube.ppm"
    remap.write_bytes(cube)
    dithered = ("-dither", "FloydSteinberg", "-remap", str(remap), "PNG8:-")
    return [
        Case(
            "blue-noise-rgb-2",
            "ImageMagick o8x8,2",
            lambda: dither(colour, blue),
            run(ppm, "PPM:-", "-ordered-dither", "o8x8,2", "PPM:-"),
            run(ppm, "PPM:-", "PPM:-"),
            floor=25,
        ),
        Case(
            "job-jpeg-to-png-im",
            "ImageMagick, process",
            lambda: dither_bytes(jpeg, options),
            run(jpeg, "JPEG:-", *dithered),
            floor=20,
        ),
    ]
