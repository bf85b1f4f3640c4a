"""Ordered dithering against a plain reference and against ImageMagick."""

import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from dither_engine import Options, dither
from dither_engine.algorithms import ALGORITHMS, MAP, NOISE, ORDERED, SCREEN
from dither_engine.light import light_of_code
from dither_engine.masks.bayer import bayer_ranks
from dither_engine.masks.layout import layers
from dither_engine.masks.threshold_maps import MAPS

MASKED = [row.name for row in ALGORITHMS.values() if row.family in (ORDERED, NOISE, SCREEN)]


def plain(
    pixels: NDArray[np.uint8], thresholds: NDArray[np.uint16], levels: list[int], light: str
) -> NDArray[np.uint8]:
    """Level by level, pixel by pixel, in exact fractions; ``thresholds`` are of 65536."""
    scale = light_of_code(light)
    ladder = [int(scale[code]) for code in levels]
    out = np.empty(pixels.shape, np.uint8)
    for place in np.ndindex(pixels.shape):
        value = int(scale[pixels[place]])
        k = max(i for i in range(len(ladder)) if ladder[i] <= value)
        if k < len(ladder) - 1:
            way = Fraction(value - ladder[k], ladder[k + 1] - ladder[k])
            k += way >= Fraction(int(thresholds[place]), 65536)
        out[place] = levels[k]
    return out


@settings(max_examples=60, deadline=None)
@given(
    algorithm=st.sampled_from(MASKED),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    count=st.integers(2, 9),
    strength=st.sampled_from([0.0, 0.3, 1.0]),
    light=st.sampled_from(["linear", "srgb"]),
    colour=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_equals_the_plain_reference(
    algorithm: str,
    height: int,
    width: int,
    count: int,
    strength: float,
    light: str,
    colour: bool,
    seed: int,
) -> None:
    shape = (height, width, 3) if colour else (height, width)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    options = Options.parse(
        {"algorithm": algorithm, "channels": count, "strength": strength, "light": light}
        | {"palette": "channels" if colour else "gray", "seed": seed}
    )
    depth = 3 if colour else 1
    laid = np.empty((height, width, depth), np.uint16)
    for layer in layers(options, height, width, depth):
        for y in range(layer.top, layer.bottom):
            laid[y] = layer.thresholds[(y - layer.top) % len(layer.thresholds)]
    levels = [int(code * 255 / (count - 1) + 0.5) for code in range(count)]
    expected = plain(pixels.reshape(height, width, depth), laid, levels, light)
    assert np.array_equal(dither(pixels, options).rgb()[:, :, :depth], expected)


@pytest.mark.parametrize("size", [2, 4, 8, 16, 32])
def test_bayer_is_laid_from_the_first_pixel(size: int) -> None:
    pixels = np.random.default_rng(size).integers(0, 256, (70, 50), np.uint8)
    ranks = np.tile(bayer_ranks(size), (70, 50))[:70, :50]
    thresholds = ((2 * ranks + 1) * 32768 // size**2).astype(np.uint16)
    options = Options(algorithm=f"bayer-{size}", palette="gray")
    expected = plain(pixels, thresholds, [0, 255], "linear")
    assert np.array_equal(dither(pixels, options).rgb()[:, :, 0], expected)


@pytest.mark.parametrize("algorithm", MASKED)
def test_no_strength_is_nearest(algorithm: str) -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    weak = dither(pixels, Options(algorithm=algorithm, palette="gray", channels=4, strength=0))
    none = dither(pixels, Options(algorithm="none", palette="gray", channels=4))
    assert np.array_equal(weak.indices, none.indices)


@pytest.mark.parametrize("algorithm", MASKED)
def test_a_grey_palette_is_dithered_as_levels_are(algorithm: str) -> None:
    """But for shares below a 512th, which are left out."""
    pixels = np.tile(np.arange(256, dtype=np.uint8), (96, 1))
    levels = dither(pixels, Options(algorithm=algorithm, palette="gray")).rgb()
    colours = dither(pixels, Options(algorithm=algorithm, palette="black-white")).rgb()
    assert np.mean(levels != colours) < 0.004


@pytest.mark.parametrize("algorithm", ["bayer-16", "blue-noise", "halftone"])
def test_a_mixture_of_two_colours_keeps_its_light(algorithm: str) -> None:
    palette = ["#203040", "#e0a070"]
    scale = light_of_code("linear").astype(float)
    dark, bright = scale[[0x20, 0x30, 0x40]], scale[[0xE0, 0xA0, 0x70]]
    for share in (0.1, 0.35, 0.5, 0.8):
        wanted = dark + share * (bright - dark)
        pixel = [int(np.abs(scale - value).argmin()) for value in wanted]
        pixels = np.full((256, 256, 3), pixel, np.uint8)
        picture = dither(pixels, Options(algorithm=algorithm, palette=palette)).rgb()
        mean = scale[picture].mean(axis=(0, 1))
        assert np.abs(mean - scale[pixel]).max() < 0.015 * 8192


def _imagemagick() -> str | None:
    for name in ("magick", "convert"):
        found = shutil.which(name, path="/usr/bin:/usr/local/bin:/opt/homebrew/bin")
        if found and "ImageMagick" in _output(found, "-version"):
            return found
    return None


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize("name", MAPS)
def test_equals_imagemagick(name: str, count: int, tmp_path: Path) -> None:
    convert = _imagemagick()
    if convert is None:
        pytest.skip("ImageMagick is not installed: its -ordered-dither is the oracle")
    pixels = np.random.default_rng(19).integers(0, 256, (67, 61, 3), np.uint8)
    pixels[:16, :16] = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    Image.fromarray(pixels).save(tmp_path / "in.ppm")
    source, target = str(tmp_path / "in.ppm"), str(tmp_path / "out.ppm")
    subprocess.run([convert, source, "-ordered-dither", f"{name},{count}", target], check=True)
    with Image.open(target) as picture:
        expected = np.asarray(picture.convert("RGB"))
    options = Options(algorithm=name, channels=count, light="srgb")
    assert np.array_equal(dither(pixels, options).rgb(), expected)


def test_every_map_is_in_the_table() -> None:
    assert [row.name for row in ALGORITHMS.values() if row.family == MAP] == list(MAPS)
