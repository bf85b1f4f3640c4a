"""Error diffusion to palettes of every size, by every distance, bit for bit with the textbook's."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from dither_engine import Options, dither
from dither_engine.kernels import KERNELS
from dither_engine.light import light_of_code
from dither_engine.tones import tones_of
from tests.support import diffusion_reference as reference
from tests.support.colour_reference import colour_of, within_reach

NAMES = ("floyd-steinberg", "jarvis-judice-ninke", "stevenson-arce", "shiau-fan-2", "simple-2d")


@settings(max_examples=25, deadline=None)
@given(
    size=st.tuples(st.integers(1, 70), st.integers(1, 24)),
    kernel=st.sampled_from(NAMES),
    count=st.sampled_from([3, 4, 16, 64, 255, 256]),
    light=st.sampled_from(["linear", "srgb"]),
    distance=st.sampled_from(["srgb", "linear", "oklab"]),
    narrow=st.booleans(),
    serpentine=st.booleans(),
    transparent=st.sampled_from([0.0, 0.3]),
    seed=st.integers(0, 2**16),
)
@example((66, 20), "floyd-steinberg", 256, "linear", "linear", False, False, 0.0, 1)
@example((33, 20), "floyd-steinberg", 16, "linear", "oklab", True, False, 0.0, 2)
@example((33, 20), "stevenson-arce", 256, "linear", "oklab", False, True, 0.0, 3)
@example((33, 20), "floyd-steinberg", 16, "srgb", "oklab", False, False, 0.3, 4)
def test_palettes_equal_the_textbook(
    size: tuple[int, int],
    kernel: str,
    count: int,
    light: str,
    distance: str,
    narrow: bool,
    serpentine: bool,
    transparent: float,
    seed: int,
) -> None:
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 256, (*size, 3), np.uint8)
    pixels[random.random(size) < 0.5] = random.choice([0, 90, 255], 3)
    colours = random.integers(0, 256, (count, 3))
    if narrow:  # all on one side: values run into their limits; and equal colours
        colours = colours % 8 + 200
    assume(tones_of(colours.astype(np.uint8), light) is None)
    options = Options(
        algorithm=kernel,
        palette=["#{:02x}{:02x}{:02x}".format(*colour) for colour in colours],
        light=light,
        distance=distance,
        serpentine=serpentine,
    )
    visible = random.random(size) >= transparent
    alpha = np.where(visible, 255, 0).astype(np.uint8)
    done = dither(np.dstack([pixels, alpha]), options)
    pixels = within_reach(pixels, done.palette, light, distance)
    expected = reference.diffuse(
        light_of_code(light).astype(np.int64)[pixels],
        KERNELS[kernel].taps,
        Fraction(1),
        serpentine,
        colour_of(done.palette, light, distance, pixels),
        visible,
        limited=True,
    )
    assert np.array_equal(done.indices[visible], expected[visible])


@pytest.mark.parametrize("distance", ["srgb", "linear", "oklab", "ciede2000"])
@pytest.mark.parametrize("palette", ["teletext", "zx-spectrum"])
def test_pure_colours_do_not_run_away_in_the_dark(palette: str, distance: str) -> None:
    """Where dark green is nearer to red than to black, red would be chosen to mend too much red."""
    bright = np.repeat(np.array([[230, 200, 180]], np.uint8), 40, axis=0)
    dark = np.repeat(np.array([[12, 10, 16]], np.uint8), 120, axis=0)
    pixels = np.tile(np.concatenate([bright, dark]), (160, 1, 1))
    done = dither(pixels, Options(palette=palette, distance=distance))
    means = light_of_code("linear")[done.rgb()[:, 60:]].mean(axis=(0, 1)) / 8192
    assert np.abs(means - light_of_code("linear")[dark[0]] / 8192).max() < 0.02
