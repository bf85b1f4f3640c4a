"""The nearest colour: against all colours one by one, against floating point, against Sharma."""

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dither_engine.compiled.ciede2000 import ciede2000
from dither_engine.compiled.nearest import nearest_code, nearest_light
from dither_engine.compiled.search import METRICS, distances, prepare
from dither_engine.light import code_of_light, srgb_to_linear

color = pytest.importorskip("skimage.color")
Colours = NDArray[np.uint8]


@numba.njit
def all_nearest(search, colours, out):  # type: ignore[no-untyped-def] # compiled
    for i in range(len(colours)):
        out[i] = nearest_code(search, colours[i, 0], colours[i, 1], colours[i, 2])


@numba.njit
def all_nearest_light(search, lights, out):  # type: ignore[no-untyped-def] # compiled
    for i in range(len(lights)):
        out[i] = nearest_light(search, lights[i, 0], lights[i, 1], lights[i, 2])


@numba.njit
def all_distances(search, colours, out):  # type: ignore[no-untyped-def] # compiled
    for i in range(len(colours)):
        distances(search, colours[i, 0], colours[i, 1], colours[i, 2], out[i])


def colours_of(seed: int, count: int) -> Colours:
    return np.random.default_rng(seed).integers(0, 256, (count, 3), np.uint8)


@settings(max_examples=40, deadline=None)
@given(
    distance=st.sampled_from([name for name in METRICS if name != "ciede2000"]),
    light=st.sampled_from(["linear", "srgb"]),
    count=st.sampled_from([2, 3, 8, 16, 64, 255, 256]),
    narrow=st.booleans(),
    seed=st.integers(0, 2**16),
)
def test_the_cells_give_what_looking_at_all_colours_gives(
    distance: str, light: str, count: int, narrow: bool, seed: int
) -> None:
    palette = colours_of(seed, count)
    if narrow:  # many colours in few cells, and equal ones
        palette = (palette % 40 + 100).astype(np.uint8)
    asked = np.concatenate([colours_of(seed + 1, 3000), palette])
    search = prepare(palette, distance, light)
    found = np.empty(len(asked), np.int64)
    all_nearest(search, asked, found)
    every = np.empty((len(asked), count), np.int32)
    all_distances(search, asked, every)
    assert np.array_equal(found, every.argmin(axis=1))  # the first of equals
    all_nearest(search, asked, found)
    assert np.array_equal(found, every.argmin(axis=1))  # and when it is remembered


def test_ciede2000_gives_what_looking_at_all_colours_gives() -> None:
    palette, asked = colours_of(1, 12), colours_of(2, 2000)
    search = prepare(palette, "ciede2000", "linear")
    every = np.empty((len(asked), 12), np.int32)
    all_distances(search, asked, every)
    found = np.empty(len(asked), np.int64)
    for _ in range(2):
        all_nearest(search, asked, found)
        assert np.array_equal(found, every.argmin(axis=1))


def coordinates(colours: Colours, distance: str) -> NDArray[np.float64]:
    """In floating point, from the publications."""
    code = colours / 255
    if distance == "srgb":
        return code
    linear = srgb_to_linear(code)
    if distance == "linear":
        return linear
    lms = linear @ np.array(
        [
            [0.4122214708, 0.2119034982, 0.0883024619],
            [0.5363325363, 0.6806995451, 0.2817188376],
            [0.0514459929, 0.1073969566, 0.6299787005],
        ]
    )
    oklab: NDArray[np.float64] = np.cbrt(lms) @ np.array(
        [
            [0.2104542553, 1.9779984951, 0.0259040371],
            [0.7936177850, -2.4285922050, 0.7827717662],
            [-0.0040720468, 0.4505937099, -0.8086757660],
        ]
    )
    return oklab * [1, 2, 2]


@pytest.mark.parametrize("distance", ["srgb", "linear", "oklab"])
def test_whole_numbers_agree_with_floating_point(distance: str) -> None:
    palette, asked = colours_of(3, 40), colours_of(4, 5000)
    found = np.empty(len(asked), np.int64)
    all_nearest(prepare(palette, distance, "linear"), asked, found)
    away = coordinates(asked, distance)[:, None] - coordinates(palette, distance)[None]
    exact = np.sqrt((away**2).sum(axis=2))
    chosen = np.take_along_axis(exact, found[:, None], axis=1)[:, 0]
    assert (chosen - exact.min(axis=1)).max() < 3e-4


def test_ciede2000_is_sharmas() -> None:
    """Pairs of the paper's table 1: hue wraps, greys, the mean of opposite hues."""
    pairs = [
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 3.1571, -77.2803), (50.0, 0.0, -82.7485), 2.8615),
        ((50.0, -1.3802, -84.2814), (50.0, 0.0, -82.7485), 1.0),
        ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
        ((50.0, 2.49, -0.001), (50.0, -2.49, 0.0009), 7.1792),
        ((50.0, 2.5, 0.0), (50.0, 0.0, -2.5), 4.3065),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((50.0, 2.5, 0.0), (58.0, 24.0, 15.0), 19.4535),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((63.0109, -31.0961, -5.8663), (62.8187, -29.7946, -4.0864), 1.263),
        ((22.7233, 20.0904, -46.694), (23.0331, 14.973, -42.5619), 2.0373),
        ((90.8027, -2.0831, 1.441), (91.1528, -1.6435, 0.0447), 1.4441),
        ((2.0776, 0.0795, -1.135), (0.9033, -0.0636, -0.5514), 0.9082),
    ]
    for one, other, expected in pairs:
        assert ciede2000(*one, *other) == pytest.approx(expected, abs=1e-4)
        assert ciede2000(*other, *one) == pytest.approx(expected, abs=1e-4)


def test_ciede2000_of_colours_agrees_with_scikit_image() -> None:
    palette, asked = colours_of(5, 30), colours_of(6, 400)
    every = np.empty((len(asked), 30), np.int32)
    all_distances(prepare(palette, "ciede2000", "linear"), asked, every)
    lab = color.rgb2lab(asked[:, None]), color.rgb2lab(palette[None])
    # Its white and its matrix differ in the fourth digit.
    assert np.abs(every / 65536 - color.deltaE_ciede2000(*lab)).max() < 0.02


@pytest.mark.parametrize("light", ["linear", "srgb"])
def test_light_of_any_size_is_limited_and_rounded_to_codes(light: str) -> None:
    palette = colours_of(7, 20)
    lights = np.random.default_rng(8).integers(-20000, 30000, (5000, 3)).astype(np.int32)
    search = prepare(palette, "oklab", light)
    found, expected = np.empty(len(lights), np.int64), np.empty(len(lights), np.int64)
    all_nearest_light(search, lights, found)
    all_nearest(search, code_of_light(light)[np.clip(lights, 0, 8192)], expected)
    assert np.array_equal(found, expected)
