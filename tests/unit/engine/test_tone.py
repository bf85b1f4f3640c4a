"""Flat greys keep their light, in every algorithm that says so; nothing fails at any size."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dither_engine import Options, dither
from dither_engine.algorithms import ALGORITHMS
from dither_engine.light import light_of_code

LIGHT = light_of_code("linear").astype(float)
KEEPING = [row.name for row in ALGORITHMS.values() if row.keeps_tone]
# Who does not say so, and why. Measured palettes keep tone relative to the panel's black and white,
# to which the picture's are brought: see test_measured.
NOT_KEEPING = {
    "atkinson": "gives on three quarters of the error, as published",
    "none": "has no error to give",
    "bayer-2": "five shades",
    "bayer-4": "17 shades",
    "bayer-8": "65 shades, 0.8 % apart",
    "knoll": "mixes 16 places",
    "n-closest": "mixes 16 places",
    "yliluoma-1": "judges mixtures by eye, not by light",
    "yliluoma-2": "mixes 16 places",
    "yliluoma-3": "judges mixtures by eye, not by light",
    "knuth-dot-diffusion": "its barons give their error to nobody",
    **dict.fromkeys(
        [
            "threshold",
            "checks",
            "o2x2",
            "o3x3",
            "o4x4",
            "o8x8",
            "h4x4a",
            "h6x6a",
            "h8x8a",
            "h4x4o",
            "h6x6o",
            "h8x8o",
            "h16x16o",
            "c5x5b",
            "c5x5w",
            "c6x6b",
            "c6x6w",
            "c7x7b",
            "c7x7w",
        ],
        "ImageMagick's map, with its thresholds",
    ),
}


def test_every_exception_has_its_reason() -> None:
    assert {row.name for row in ALGORITHMS.values() if not row.keeps_tone} == set(NOT_KEEPING)


@pytest.mark.parametrize("algorithm", KEEPING)
def test_all_greys_keep_their_light_within_half_a_percent(algorithm: str) -> None:
    missed = []
    side = 128 if algorithm == "direct-binary-search" else 256  # slow
    for grey in range(256):
        # Larger than what is judged, so that the scan has settled; judged are whole masks.
        flat = np.full((side + 32, side + 32), grey, np.uint8)
        picture = dither(flat, Options(algorithm=algorithm, palette="gray"))
        light = np.take(LIGHT, picture.rgb()[16:-16, 16:-16, 0]).mean()
        if abs(light - LIGHT[grey]) > 0.005 * 8192:
            missed.append((grey, round((light - LIGHT[grey]) / 8192, 4)))
    assert not missed


@pytest.mark.parametrize(
    ("algorithm", "limit"),
    [("bayer-2", 1 / 8), ("bayer-4", 1 / 32), ("bayer-8", 1 / 128), ("knuth-dot-diffusion", 0.03)],
)
def test_the_coarse_ones_are_off_by_their_step_at_most(algorithm: str, limit: float) -> None:
    for grey in range(0, 256, 5):
        picture = dither(
            np.full((128, 128), grey, np.uint8), Options(algorithm=algorithm, palette="gray")
        )
        light = np.take(LIGHT, picture.rgb()[:, :, 0]).mean()
        assert abs(light - LIGHT[grey]) / 8192 <= limit + 1e-3


@settings(max_examples=150, deadline=None)
@given(
    algorithm=st.sampled_from(list(ALGORITHMS)),
    palette=st.sampled_from(["gray", "channels", "pico-8", "spectra-6", "web-safe"]),
    count=st.sampled_from([2, 3, 7, 256]),
    height=st.integers(1, 21),
    width=st.integers(1, 21),
    seed=st.integers(0, 1000),
)
def test_any_size_any_palette_gives_colours_of_the_palette_again_and_again(
    algorithm: str, palette: str, count: int, height: int, width: int, seed: int
) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    options = Options(algorithm=algorithm, palette=palette, channels=count)
    picture = dither(pixels, options)
    assert picture.indices.shape[:2] == (height, width)
    assert picture.indices.max() < len(picture.palette)
    assert np.array_equal(picture.indices, dither(pixels, options).indices)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 777), (777, 1), (300, 5)])
def test_thin_pictures(algorithm: str, shape: tuple[int, int]) -> None:
    pixels = np.full(shape, 128, np.uint8)
    assert dither(pixels, Options(algorithm=algorithm, palette="gray")).indices.shape == shape


def test_only_white_noise_follows_the_seed() -> None:
    pixels = np.full((64, 64), 128, np.uint8)
    for name, row in ALGORITHMS.items():
        first = dither(pixels, Options(algorithm=name, palette="gray", seed=1)).indices
        second = dither(pixels, Options(algorithm=name, palette="gray", seed=2)).indices
        assert np.array_equal(first, second) is ("seed" not in row.controls)
