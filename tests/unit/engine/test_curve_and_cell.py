"""Riemersma and dot diffusion, bit for bit with plain references."""

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dither_engine import Options, dither
from dither_engine.light import light_of_code
from dither_engine.methods.riemersma import weights
from dither_engine.palettes import named
from tests.support.colour_reference import codes_of, colour_of, level_of, within_reach
from tests.support.curve_and_cell_reference import knuth, riemersma, whole_curve

PLAIN: dict[str, Any] = {"riemersma": riemersma, "knuth-dot-diffusion": knuth}
algorithms = pytest.mark.parametrize("algorithm", PLAIN)
sizes = st.one_of(
    st.tuples(st.integers(1, 27), st.integers(1, 27)),
    st.tuples(st.just(1), st.integers(1, 200)),
    st.tuples(st.integers(1, 200), st.just(1)),
)
strengths = st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0])
lights = st.sampled_from(["linear", "srgb"])
seeds = st.integers(0, 1000)


def picture(seed: int, size: tuple[int, int], depth: int, transparent: bool) -> NDArray[np.uint8]:
    """Noise; with alpha, transparent here and there."""
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 256, (*size, depth), np.uint8)
    if not transparent:
        return pixels
    alpha = np.where(random.random(size) < 0.3, 0, random.integers(1, 256, size))
    colours = np.repeat(pixels, 3, axis=2) if depth == 1 else pixels
    return np.dstack([colours, alpha.astype(np.uint8)])


def visible_in(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return pixels[..., 3] > 0 if pixels.shape[2] == 4 else np.ones(pixels.shape[:2], bool)


@algorithms
@settings(max_examples=60, deadline=None)
@given(
    size=sizes,
    palette=st.sampled_from(["gray", "channels"]),
    count=st.sampled_from([2, 2, 3, 7, 33]),
    light=lights,
    strength=strengths,
    transparent=st.booleans(),
    seed=seeds,
)
@example((1, 1), "channels", 2, "linear", 1.0, False, 1)
@example((261, 5), "channels", 2, "linear", 1.0, True, 1)
def test_levels_equal_the_plain_reference(
    algorithm: str,
    size: tuple[int, int],
    palette: str,
    count: int,
    light: str,
    strength: float,
    transparent: bool,
    seed: int,
) -> None:
    depth = 1 if palette == "gray" else 3
    pixels = picture(seed, size, depth, transparent)
    fields: dict[str, Any] = {"palette": palette, "channels": count, "light": light}
    done = dither(pixels, Options(algorithm=algorithm, strength=strength, **fields)).rgb()
    table, visible = light_of_code(light).astype(np.int64)[pixels], visible_in(pixels)
    for c in range(depth):
        fixed = int(strength * 65536 + 0.5)
        found = PLAIN[algorithm](
            table[..., c : c + 1], fixed, level_of(count, light), visible, limited=False
        )
        assert np.array_equal(done[visible, c], np.array(codes_of(count))[found[visible]])


@algorithms
@settings(max_examples=40, deadline=None)
@given(
    size=sizes,
    palette=st.sampled_from(["teletext", "cga", "solarized", "pico-8"]),
    distance=st.sampled_from(["srgb", "linear", "oklab", "ciede2000"]),
    light=lights,
    strength=strengths,
    transparent=st.booleans(),
    seed=seeds,
)
@example((9, 17), "solarized", "oklab", "linear", 1.0, True, 1)
def test_palettes_equal_the_plain_reference(
    algorithm: str,
    size: tuple[int, int],
    palette: str,
    distance: str,
    light: str,
    strength: float,
    transparent: bool,
    seed: int,
) -> None:
    size = (min(size[0], 60), min(size[1], 60))
    pixels = picture(seed, size, 3, transparent)
    fields: dict[str, Any] = {"palette": palette, "distance": distance, "light": light}
    done = dither(pixels, Options(algorithm=algorithm, strength=strength, **fields))
    visible = visible_in(pixels)
    colours = np.ascontiguousarray(pixels[..., :3])
    colours = within_reach(colours, named(palette), light, distance)
    found = PLAIN[algorithm](
        light_of_code(light).astype(np.int64)[colours],
        int(strength * 65536 + 0.5),
        colour_of(named(palette), light, distance, colours),
        visible,
        limited=True,
    )
    assert np.array_equal(done.indices[visible], found[visible])


@given(height=st.integers(1, 300), width=st.integers(1, 60))
def test_the_curve_visits_every_pixel_once_and_goes_to_neighbours(height: int, width: int) -> None:
    places = whole_curve(height, width)
    assert len(places) == len(set(places)) == height * width
    steps = np.abs(np.diff(np.array(places), axis=0))
    assert steps.max(initial=0) <= 1


def test_bands_do_not_show() -> None:
    """Dot diffusion works in bands of 256 rows; the reference does not."""
    pixels = np.random.default_rng(0).integers(0, 256, (530, 9), np.uint8)
    light = light_of_code("linear").astype(np.int64)[pixels][..., None]
    options = Options(algorithm="knuth-dot-diffusion", palette="gray")
    found = knuth(light, 65536, level_of(2, "linear"), np.ones((530, 9), bool), limited=False)
    assert np.array_equal(dither(pixels, options).indices, found)


@pytest.mark.parametrize("algorithm", ["riemersma", "knuth-dot-diffusion", "direct-binary-search"])
def test_a_black_and_white_palette_is_two_levels(algorithm: str) -> None:
    pixels = np.tile(np.arange(256, dtype=np.uint8), (32, 1))
    levels = dither(pixels, Options(algorithm=algorithm, palette="gray"))
    colours = dither(pixels, Options(algorithm=algorithm, palette="black-white", distance="linear"))
    assert np.array_equal(levels.rgb(), colours.rgb())


def test_the_weights_fall_evenly_and_keep_all_of_an_error() -> None:
    falling = weights()
    assert falling.sum() == 65536
    assert falling[0] / falling[-1] == pytest.approx(16, rel=0.01)
    assert np.allclose(falling[:-1] / falling[1:], 16 ** (1 / 15), rtol=0.01)
