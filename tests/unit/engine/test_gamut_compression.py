"""Gamut compression: what the palette can mix stays; what it cannot comes in, with its hue."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dither_engine import Options, dither
from dither_engine.compiled.cube import BIAS, LANE, NODES, PARTS, SHIFT, change_rows
from dither_engine.gamut_compression import Reach, compression_of, reach_of
from dither_engine.palettes import named
from dither_engine.targets import media_relative

SAME = np.arange(256, dtype=np.uint8)
PANELS = ("spectra-6", "acep-7-colour")


def reach(palette: str, light: str = "linear") -> Reach:
    found = reach_of(np.unique(media_relative(named(palette)), axis=0).tobytes(), light)
    assert found is not None
    return found


def compressed(pixels: NDArray[np.uint8], palette: str, strength: float = 1) -> NDArray[np.uint8]:
    done = compression_of(reach(palette), 2.0, strength).compressed(pixels[None], SAME)
    return done.reshape(-1, 3)


def chroma(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.hypot(lab[:, 1], lab[:, 2])


COLOURS = np.random.default_rng(0).integers(0, 256, (4000, 3), np.uint8)


@pytest.mark.parametrize("palette", PANELS)
def test_greys_stay(palette: str) -> None:
    greys = np.repeat(SAME[:, None], 3, axis=1)
    assert np.array_equal(compressed(greys, palette), greys)


@pytest.mark.parametrize("palette", PANELS)
def test_weak_colours_stay_and_strong_ones_get_weaker(palette: str) -> None:
    scale = reach(palette)
    before, _, out = scale.parts(COLOURS / 255)
    done = compressed(COLOURS, palette)
    after, _, still_out = scale.parts(done / 255)
    moved = np.abs(done.astype(int) - COLOURS).max(axis=1)
    # Next to what lies farther out, the table's cells reach a little into the inner gamut.
    assert np.median(moved[out == 0]) == 0
    assert np.quantile(moved[out == 0], 0.9) <= 4
    far = out > 1.2
    assert far.sum() > 100
    assert np.median(chroma(after[far]) / chroma(before[far])) < 0.85
    near = (out > 1) & (out < 1.9)
    assert np.median(still_out[near]) <= 1.02
    assert np.quantile(still_out[near], 0.9) <= 1.2


@pytest.mark.parametrize("palette", PANELS)
def test_hues_stay(palette: str) -> None:
    scale = reach(palette)
    before, _, out = scale.parts(COLOURS / 255)
    after, _, _ = scale.parts(compressed(COLOURS, palette) / 255)
    far = (out > 1) & (chroma(after) > 0.03)
    turned = np.arctan2(before[far, 2], before[far, 1]) - np.arctan2(after[far, 2], after[far, 1])
    turned = np.degrees(np.abs((turned + np.pi) % (2 * np.pi) - np.pi))
    assert np.median(turned) < 2
    assert np.quantile(turned, 0.95) < 12


def test_shades_that_would_become_equal_stay_apart() -> None:
    """Four oranges that are outside the gamut: each keeps its order."""
    oranges = np.array([(230, 100 + 10 * step, 20 + 20 * step) for step in range(4)], np.uint8)
    _, _, out = reach("spectra-6").parts(oranges / 255)
    assert (out > 1).all()
    done = compressed(oranges, "spectra-6").astype(int)
    assert (np.diff(done[:, 2]) >= 8).all()


@given(st.lists(st.integers(-64, 64), min_size=9, max_size=9))
def test_between_the_nodes_of_the_table_changes_are_interpolated(slopes: list[int]) -> None:
    """Changes that are linear in the colour come out exactly, up to rounding."""
    matrix = np.array(slopes).reshape(3, 3) / 256
    axis = np.arange(NODES) << SHIFT
    nodes = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    red, green, blue = np.rint(nodes @ matrix * PARTS).astype(np.int64).T + BIAS
    done = np.empty((1, *COLOURS.shape), np.uint8)
    change_rows(COLOURS[None], SAME, (red << (2 * LANE)) | (green << LANE) | blue, done)
    expected = np.clip(COLOURS + COLOURS @ matrix, 0, 255)
    assert np.abs(done[0] - expected).max() <= 0.5 + 1 / PARTS


def test_more_strength_weakens_more() -> None:
    scale = reach("spectra-6")
    _, _, out = scale.parts(COLOURS / 255)
    strengths = (0, 0.25, 0.5, 0.75, 1)
    found = [compressed(COLOURS[out > 1.1], "spectra-6", strength) for strength in strengths]
    weights = [chroma(scale.parts(each / 255)[0]) for each in found]
    assert np.array_equal(found[0], COLOURS[out > 1.1])
    assert all((less <= more + 0.01).all() for more, less in pairwise(weights))


def test_palettes_without_a_gamut_of_their_own_are_left_alone() -> None:
    cube = np.array([[r, g, b] for r in (0, 255) for g in (0, 255) for b in (0, 255)], np.uint8)
    assert reach_of(cube.tobytes(), "linear") is None
    assert reach_of(media_relative(named("black-white-red")).tobytes(), "linear") is None
    picture = COLOURS.reshape(40, 100, 3)
    for fields in ({"palette": "black-white-red"}, {"palette": "teletext"}, {"palette": "c64"}):
        plain, strong = (dither(picture, Options(**fields, gamut=g)) for g in (0, 1))
        assert np.array_equal(plain.indices, strong.indices) is (fields["palette"] != "c64")


@pytest.mark.parametrize("light", ["linear", "srgb"])
def test_the_gamut_is_that_of_the_light_that_is_mixed(light: str) -> None:
    """The palette's own colours lie on its surface."""
    colours = media_relative(named("spectra-6"))
    _, _, out = reach("spectra-6", light).parts(colours / 255)
    assert out[2:].max() < 1.03
    assert out[2:].min() > 0.9
