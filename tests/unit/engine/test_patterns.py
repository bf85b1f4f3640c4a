"""Palette patterns, bit for bit with plain references, and what a mixture must do."""

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000, rgb2lab

from dither_engine import Options, dither
from dither_engine.algorithms import ALGORITHMS, PATTERN
from dither_engine.light import light_of_code, linear_to_srgb, srgb_to_linear
from dither_engine.palettes import named
from tests.support.colour_reference import within_reach
from tests.support.pattern_reference import METHODS, Paint, dithered

PATTERNS = [row.name for row in ALGORITHMS.values() if row.family == PATTERN]
LIGHT = light_of_code("linear").astype(np.int64)
DISTANCES = ["srgb", "linear", "oklab", "ciede2000"]
sizes = st.one_of(
    st.tuples(st.integers(1, 5), st.integers(1, 5)),
    st.tuples(st.just(1), st.integers(1, 21)),
    st.tuples(st.integers(1, 21), st.just(1)),
)


def reached(pixels: NDArray[np.uint8], paint: Paint, algorithm: str) -> NDArray[np.uint8]:
    distance = "oklab" if algorithm == "yliluoma-2" else paint.distance  # which it does not read
    return within_reach(pixels, paint.colours, paint.light, distance)


def test_every_pattern_has_a_reference() -> None:
    assert list(METHODS) == PATTERNS


@pytest.mark.parametrize("algorithm", PATTERNS)
@settings(max_examples=15, deadline=None)
@given(
    size=sizes,
    places=st.sampled_from([2, 3, 7, 16, 64]),
    palette=st.sampled_from(["teletext", "cga", "solarized", "pico-8"]),
    light=st.sampled_from(["linear", "srgb"]),
    distance=st.sampled_from(DISTANCES),
    strength=st.sampled_from([0.0, 0.3, 1.0]),
    seed=st.integers(0, 1000),
)
@example((1, 1), 16, "pico-8", "linear", "oklab", 1.0, 1)
@example((3, 7), 16, "pico-8", "srgb", "ciede2000", 1.0, 2)
def test_palettes_equal_the_plain_reference(
    algorithm: str,
    size: tuple[int, int],
    places: int,
    palette: str,
    light: str,
    distance: str,
    strength: float,
    seed: int,
) -> None:
    if algorithm.startswith("yliluoma"):
        size, places = (min(size[0], 3), min(size[1], 7)), min(places, 16)  # slow
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)
    fields: dict[str, Any] = {"light": light, "distance": distance, "strength": strength}
    options = Options(algorithm=algorithm, palette=palette, candidates=places, **fields)
    paint = Paint(named(palette), light, distance, places, strength)
    assert np.array_equal(
        dither(pixels, options).indices,
        dithered(algorithm, paint, reached(pixels, paint, algorithm)),
    )


@pytest.mark.parametrize("algorithm", PATTERNS)
@pytest.mark.parametrize(("palette", "count"), [("gray", 2), ("gray", 5), ("channels", 2)])
@pytest.mark.parametrize("light", ["linear", "srgb"])
def test_levels_equal_the_plain_reference(
    algorithm: str, palette: str, count: int, light: str
) -> None:
    shape = (3, 5) if palette == "gray" else (3, 5, 3)
    pixels = np.random.default_rng(count).integers(0, 256, shape, np.uint8)
    options = Options.parse(
        {"algorithm": algorithm, "palette": palette, "channels": count, "light": light}
    )
    done = dither(pixels, options)
    paint = Paint(done.palette, light, light, 16)
    colours = np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels
    assert np.array_equal(done.indices, dithered(algorithm, paint, colours))


def test_of_many_colours_only_the_nearest_are_paired() -> None:
    """More than 32: what the references leave out, the kernels must, too."""
    pixels = np.random.default_rng(4).integers(0, 256, (2, 3, 3), np.uint8)
    for algorithm in ("yliluoma-1", "yliluoma-3", "n-closest"):
        options = Options(algorithm=algorithm, palette="nes", candidates=8)
        paint = Paint(named("nes"), "linear", "oklab", 8)
        assert np.array_equal(
            dither(pixels, options).indices,
            dithered(algorithm, paint, reached(pixels, paint, algorithm)),
        )


def test_a_plan_that_is_remembered_is_the_plan() -> None:
    """Few colours, far more often than there are slots to remember them in."""
    few = np.random.default_rng(5).integers(0, 256, (40, 3), np.uint8)
    pixels = few[np.random.default_rng(6).integers(0, 40, (64, 64))]
    for algorithm in PATTERNS:
        options = Options(algorithm=algorithm, palette="pico-8")
        done = dither(pixels, options).indices
        for y, x in ((0, 0), (17, 40), (63, 63)):
            y0, x0 = y - y % 8, x - x % 8
            tile = np.broadcast_to(pixels[y, x], (8, 8, 3))
            alone = dither(np.ascontiguousarray(tile), options).indices
            assert done[y, x] == alone[y - y0, x - x0]


@pytest.mark.parametrize("algorithm", PATTERNS)
def test_a_colour_of_the_palette_stays_itself(algorithm: str) -> None:
    pixels = np.repeat(named("pico-8")[:, None, :], 16, axis=1)
    found = dither(pixels, Options(algorithm=algorithm, palette="pico-8"))
    assert np.array_equal(found.rgb(), pixels)


@pytest.mark.parametrize(
    ("algorithm", "places"), [("knoll", 0), ("yliluoma-2", 1), ("n-closest", 3)]
)
def test_greys_of_the_primary_colours_are_grey(algorithm: str, places: int) -> None:
    """The eight corners of the cube mix to every grey, but for so many of the 16 places."""
    for grey in range(5, 256, 10):
        done = dither(np.full((64, 64, 3), grey, np.uint8), Options(algorithm=algorithm))
        means = LIGHT[done.rgb()].mean(axis=(0, 1))
        assert np.ptp(means) <= places / 16 * 8192


@pytest.mark.parametrize(("name", "most"), [("cga", 8), ("ega", 3)])
def test_sixteen_places_of_knoll_come_near_every_colour(name: str, most: float) -> None:
    """ΔE2000 of the mean light; a curve made for error diffusion missed cga's orange by 10."""
    codes = np.arange(16, 256, 48, dtype=np.uint8)
    colours = np.stack(np.meshgrid(codes, codes, codes, indexing="ij"), axis=-1).reshape(1, -1, 3)
    picture = np.repeat(np.repeat(colours, 8, axis=0), 8, axis=1)
    done = dither(picture, Options(algorithm="knoll", palette=name)).rgb()
    light = srgb_to_linear(done / 255).reshape(8, -1, 8, 3).mean(axis=(0, 2))
    ciede2000: Any = deltaE_ciede2000
    away = ciede2000(rgb2lab(linear_to_srgb(light)), rgb2lab(colours[0]))
    assert away.max() < most


@pytest.mark.parametrize("algorithm", PATTERNS)
def test_greys_are_mixed_from_black_and_white_about_as_light_as_they_are(algorithm: str) -> None:
    for grey in (90, 128, 188, 220):
        pixels = np.full((64, 64), grey, np.uint8)
        options = Options(algorithm=algorithm, palette="black-white", candidates=64)
        mean = LIGHT[dither(pixels, options).rgb()[:, :, 0]].mean()
        # Yliluoma's differences are judged by eye, not by light.
        limit = 0.3 if algorithm.startswith("yliluoma") else 0.02
        assert abs(mean - LIGHT[grey]) < limit * 8192
