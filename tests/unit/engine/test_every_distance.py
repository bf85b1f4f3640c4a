"""Error diffusion with palettes, by every distance, bit for bit with plain references."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dither_engine import Options, dither
from dither_engine.algorithms import ALGORITHMS
from dither_engine.kernels import KERNELS
from dither_engine.light import light_of_code
from dither_engine.palettes import named
from tests.support import diffusion_reference
from tests.support.colour_reference import colour_of, within_reach

sizes = st.one_of(
    st.tuples(st.integers(1, 12), st.integers(1, 12)),
    st.tuples(st.just(1), st.integers(1, 70)),
    st.tuples(st.integers(1, 70), st.just(1)),
)
palettes = st.sampled_from(["teletext", "cga", "solarized", "pico-8"])
distances = st.sampled_from(["srgb", "linear", "oklab", "ciede2000"])
lights = st.sampled_from(["linear", "srgb"])
strengths = st.sampled_from([0.0, 0.3, 1.0])
seeds = st.integers(0, 2**16)


@settings(max_examples=60, deadline=None)
@given(
    size=sizes,
    algorithm=st.sampled_from([*KERNELS, "ostromoukhov", "zhou-fang"]),
    palette=palettes,
    distance=distances,
    light=lights,
    strength=strengths,
    serpentine=st.booleans(),
    transparent=st.booleans(),
    seed=seeds,
)
def test_diffusion_to_a_palette_equals_the_textbook(
    size: tuple[int, int],
    algorithm: str,
    palette: str,
    distance: str,
    light: str,
    strength: float,
    serpentine: bool,
    transparent: bool,
    seed: int,
) -> None:
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 256, (*size, 3), np.uint8)
    visible = random.random(size) > (0.3 if transparent else -1)
    given_pixels = np.dstack([pixels, np.where(visible, 200, 0).astype(np.uint8)])
    fields: dict[str, Any] = {"palette": palette, "distance": distance, "light": light}
    fields |= {"strength": strength, "serpentine": serpentine, "seed": seed}
    done = dither(given_pixels if transparent else pixels, Options(algorithm=algorithm, **fields))
    pixels = within_reach(pixels, named(palette), light, distance)
    values = light_of_code(light).astype(np.int64)[pixels]
    taps = KERNELS[algorithm].taps if algorithm in KERNELS else ()
    weakened = bool(taps) and (strength < 1 or sum(weight for _, _, weight in taps) < 1)
    errors = "weakened" if weakened else "kept"
    choose = colour_of(named(palette), light, distance, pixels, errors)
    if algorithm in KERNELS:
        found = diffusion_reference.diffuse(
            values,
            KERNELS[algorithm].taps,
            Fraction(strength),
            serpentine,
            choose,
            visible,
            limited=True,
        )
    else:
        found = diffusion_reference.diffuse_variable(
            values,
            algorithm,
            round(strength * 65536),
            serpentine,
            seed,
            lambda value: ((value * 255 + 4096) // 8192, 8192),
            choose,
            limited=True,
            visible=visible,
        )
    assert np.array_equal(done.indices[visible], found[visible])


@settings(max_examples=60, deadline=None)
@given(palette=palettes, distance=distances, light=lights, seed=seeds)
def test_none_is_the_nearest_colour(palette: str, distance: str, light: str, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), np.uint8)
    options = Options.parse(
        {"algorithm": "none", "palette": palette, "distance": distance, "light": light}
    )
    done = dither(pixels, options).indices
    pixels = within_reach(pixels, named(palette), light, distance)
    choose = colour_of(named(palette), light, distance, pixels, errors="dropped")
    for y, x in np.ndindex(5, 7):
        light_here = [int(v) for v in light_of_code(light)[pixels[y, x]]]
        assert done[y, x] == choose(light_here, (y, x))[0]


def visible_of(algorithm: str, pixels: NDArray[np.uint8], palette: str) -> NDArray[np.uint8]:
    """What is seen of the result: nothing where it is transparent."""
    done = dither(pixels, Options(algorithm=algorithm, palette=palette))
    assert done.alpha is not None
    assert np.array_equal(done.alpha, pixels[..., 3])
    return np.where(pixels[..., 3:] > 0, done.rgb(), 0)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("palette", ["gray", "channels", "spectra-6"])
def test_what_is_transparent_keeps_its_alpha_and_changes_nothing(
    algorithm: str, palette: str
) -> None:
    random = np.random.default_rng(7)
    pixels = random.integers(0, 256, (37, 41, 4), np.uint8)
    pixels[..., 3] = np.where(random.random((37, 41)) < 0.4, 0, pixels[..., 3])
    other = pixels.copy()
    other[other[..., 3] == 0, :3] = 255 - other[other[..., 3] == 0, :3]
    first, second = (visible_of(algorithm, picture, palette) for picture in (pixels, other))
    assert np.array_equal(first, second)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("palette", ["gray", "channels", "pico-8"])
def test_options_that_are_not_read_change_nothing(algorithm: str, palette: str) -> None:
    """Equal digests are equal pictures: what the canonical form leaves out must not matter."""
    pixels = np.random.default_rng(9).integers(0, 256, (24, 24, 3), np.uint8)
    options = Options(
        algorithm=algorithm,
        palette=palette,
        channels=3,
        serpentine=True,
        strength=0.7,
        distance="srgb",
        angle=20,
        cell=9,
        candidates=5,
        seed=77,
        background="#123456",
    )
    plain = options.canonical()
    assert plain.digest() == options.digest()
    first, second = dither(pixels, options), dither(pixels, plain)
    assert np.array_equal(first.rgb(), second.rgb())
