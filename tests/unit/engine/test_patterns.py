"""Palette patterns against plain references, and what a mixture must do."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dither_service.engine import Options, dither
from dither_service.engine.algorithms import ALGORITHMS, PATTERN
from dither_service.engine.light import code_of_light, light_of_code
from dither_service.engine.masks.bayer import bayer_ranks
from dither_service.engine.palettes import named

PATTERNS = [row.name for row in ALGORITHMS.values() if row.family == PATTERN]
LIGHT = light_of_code("linear").astype(np.int64)
CODE = code_of_light("linear").astype(np.int64)


def placed(plan: list[int], lights: NDArray[np.int64], y: int, x: int) -> int:
    luminance = lights @ np.array([2126, 7152, 722])
    plan = sorted(plan, key=lambda k: (luminance[k], k))
    return plan[int(bayer_ranks(8)[y % 8, x % 8]) * len(plan) // 64]


def plain_knoll(pixel: NDArray[np.uint8], colours: NDArray[np.uint8], size: int) -> list[int]:
    lights = LIGHT[colours]
    error = np.zeros(3, np.int64)
    plan = []
    for _ in range(size):
        goal = CODE[np.clip(LIGHT[pixel] + error, 0, 8192)]
        k = int(((goal - colours.astype(np.int64)) ** 2).sum(axis=1).argmin())
        plan.append(k)
        error += LIGHT[pixel] - lights[k]
    return plan


def difference(first: NDArray[np.int64], second: NDArray[np.int64]) -> int:
    away = first - second
    luma = int(away @ np.array([299, 587, 114]))
    return 750 * int(away**2 @ np.array([299, 587, 114])) + luma * luma


def plain_yliluoma_2(pixel: NDArray[np.uint8], colours: NDArray[np.uint8], size: int) -> list[int]:
    lights = LIGHT[colours]
    goal = CODE[LIGHT[pixel]]
    plan: list[int] = []
    while len(plan) < size:
        so_far = lights[plan].sum(axis=0)
        amounts = [2**i for i in range(7) if 2**i <= max(len(plan), 1)]
        tried = [
            (difference(goal, CODE[(so_far + n * lights[k]) // (len(plan) + n)]), k, n)
            for k in range(len(colours))
            for n in amounts
            if len(plan) + n <= size
        ]
        _, k, n = min(tried, key=lambda found: found[0])
        plan += [k] * n
    return plan


@pytest.mark.parametrize(
    ("algorithm", "plain"), [("knoll", plain_knoll), ("yliluoma-2", plain_yliluoma_2)]
)
@settings(max_examples=25, deadline=None)
@given(
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    size=st.sampled_from([2, 7, 16]),
    palette=st.sampled_from(["pico-8", "gameboy", "spectra-6"]),
    seed=st.integers(0, 1000),
)
def test_equals_the_plain_reference(
    algorithm: str, plain: object, height: int, width: int, size: int, palette: str, seed: int
) -> None:
    assert callable(plain)
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    colours = named(palette)
    options = Options(algorithm=algorithm, palette=palette, candidates=size, distance="srgb")
    found = dither(pixels, options).indices
    for y, x in np.ndindex(height, width):
        plan = plain(pixels[y, x], colours, size)
        assert found[y, x] == placed(plan, LIGHT[colours], y, x)


@pytest.mark.parametrize("algorithm", PATTERNS)
def test_a_colour_of_the_palette_stays_itself(algorithm: str) -> None:
    pixels = np.repeat(named("pico-8")[:, None, :], 16, axis=1)
    found = dither(pixels, Options(algorithm=algorithm, palette="pico-8"))
    assert np.array_equal(found.rgb(), pixels)


@pytest.mark.parametrize("algorithm", PATTERNS)
def test_greys_are_mixed_from_black_and_white_about_as_light_as_they_are(algorithm: str) -> None:
    for grey in (90, 128, 188, 220):
        pixels = np.full((64, 64), grey, np.uint8)
        options = Options(algorithm=algorithm, palette="black-white", candidates=64)
        mean = LIGHT[dither(pixels, options).rgb()[:, :, 0]].mean()
        # Yliluoma's differences are judged by eye, not by light.
        limit = 0.3 if algorithm.startswith("yliluoma") else 0.02
        assert abs(mean - LIGHT[grey]) < limit * 8192


@pytest.mark.parametrize("algorithm", PATTERNS)
@pytest.mark.parametrize("distance", ["srgb", "linear", "oklab", "ciede2000"])
def test_every_distance_works(algorithm: str, distance: str) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (12, 12, 3), np.uint8)
    options = Options.parse({"algorithm": algorithm, "palette": "nes", "distance": distance})
    assert dither(pixels, options).indices.max() < 54
