"""Palettes that have tones only: a colour picture keeps its luminance, whatever its colours."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from dither_engine import Options, dither
from dither_engine.kernels import KERNELS
from dither_engine.light import light_of_code
from dither_engine.palettes import NAMED, from_hex, named
from dither_engine.tone_curve import adjusted
from dither_engine.tones import tones_of
from tests.support import diffusion_reference

FLATS = [
    *("#ff0000", "#00ff00", "#0000ff", "#00ffff", "#ff00ff", "#ffff00"),
    *("#e0ac8c", "#c81e1e", "#3c6e28", "#6ea0dc", "#808080", "#30203a"),
]
GREYS = ["#ffffff", "#000000", "#808080", "#303030"]
INKS = ["#f4e8d0", "#1b2a6b"]
TWO_HUES = ["#c02020", "#fff0c0"]
WEIGHTS = {"linear": np.array([0.2126, 0.7152, 0.0722]), "srgb": np.array([0.299, 0.587, 0.114])}
# A screen has as many tones as places; dot diffusion's barons give their error to nobody, and more
# of it where nearest is judged by eye.
ALGORITHMS = {
    "floyd-steinberg": 0.01,
    "jarvis-judice-ninke": 0.01,
    "ostromoukhov": 0.01,
    "zhou-fang": 0.01,
    "riemersma": 0.01,
    "blue-noise": 0.01,
    "bayer-16": 0.01,
    "direct-binary-search": 0.01,
    "halftone": 0.02,
    "knuth-dot-diffusion": 0.07,
}


def light_in(colours: NDArray[np.uint8], light: str) -> NDArray[np.float64]:
    return np.asarray(light_of_code(light)[colours] / 8192, np.float64)


def wanted(colour: NDArray[np.uint8], palette: NDArray[np.uint8], light: str) -> float:
    """Luminance of what is nearest: on the line of two colours, else of all between two ends."""
    weights = WEIGHTS[light]
    goal, ends = light_in(colour, light), light_in(palette, light)
    if len(palette) > 2:
        luminances = ends @ weights
        return float(np.clip(goal @ weights, luminances.min(), luminances.max()))
    along = ends[1] - ends[0]
    part = np.clip(((goal - ends[0]) * weights * along).sum() / (weights * along**2).sum(), 0, 1)
    return float((ends[0] + part * along) @ weights)


@pytest.mark.parametrize("light", ["linear", "srgb"])
@pytest.mark.parametrize(
    "palette", ["gray", "black-white", "gameboy", GREYS, INKS, TWO_HUES], ids=str
)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_flat_colours_keep_their_luminance(
    algorithm: str, palette: str | list[str], light: str
) -> None:
    side = 96 if algorithm == "direct-binary-search" else 192  # slow
    options = Options.parse({"algorithm": algorithm, "palette": palette, "light": light})
    missed = []
    for colour in from_hex(tuple(FLATS)):
        done = dither(np.full((side + 32, side + 32, 3), colour, np.uint8), options)
        shown = light_in(done.rgb()[16:-16, 16:-16], light) @ WEIGHTS[light]
        off = float(shown.mean()) - wanted(colour, done.palette, light)
        if abs(off) > ALGORITHMS[algorithm]:
            missed.append((colour.tolist(), round(off, 4)))
    assert not missed


@pytest.mark.parametrize("palette", ["gray", "black-white"])
def test_in_code_values_grey_is_pillows(palette: str) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (64, 300, 3), np.uint8)
    options = Options(palette=palette, light="srgb", distance="linear")
    luma = np.asarray(Image.fromarray(pixels).convert("L"))
    assert np.array_equal(dither(pixels, options).indices, dither(luma, options).indices)


def test_which_palettes_have_tones_only() -> None:
    for light in ("linear", "srgb"):
        found = {name for name in NAMED if tones_of(named(name), light)}
        assert found == {"black-white", "gameboy", "e-ink-black-white"}
        for colours in (GREYS, INKS, TWO_HUES, ["#000000", "#ff0000", "#800000"]):
            assert tones_of(from_hex(tuple(colours)), light)
        for colours in (["#123456", "#123456"], ["#000000", "#ffffff", "#ff0000"]):
            assert tones_of(from_hex(tuple(colours)), light) is None


@pytest.mark.parametrize("palette", [["#fff", "#000"], ["#888", "#fff", "#000", "#888"]], ids=str)
def test_positions_are_those_of_the_list(palette: list[str]) -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (40, 60, 3), np.uint8)
    given_order = dither(pixels, Options(palette=palette))
    ascending = dither(pixels, Options(palette=sorted(set(palette))))
    assert np.array_equal(given_order.palette, from_hex(tuple(palette)))
    assert np.array_equal(given_order.rgb(), ascending.rgb())


def test_grey_and_equal_channels_are_one_picture() -> None:
    grey = np.random.default_rng(3).integers(0, 256, (40, 60), np.uint8)
    colour = np.repeat(grey[..., None], 3, axis=2)
    for palette in ("gray", "black-white"):
        options = Options(palette=palette)
        assert np.array_equal(dither(grey, options).indices, dither(colour, options).indices)


@settings(max_examples=40, deadline=None)
@given(
    size=st.tuples(st.integers(1, 70), st.integers(1, 24)),
    kernel=st.sampled_from(["floyd-steinberg", "stevenson-arce", "simple-2d"]),
    greys=st.booleans(),
    count=st.sampled_from([2, 2, 5, 40]),
    light=st.sampled_from(["linear", "srgb"]),
    distance=st.sampled_from(["srgb", "linear", "oklab", "ciede2000"]),
    serpentine=st.booleans(),
    seed=st.integers(0, 2**16),
)
def test_diffusion_of_tones_equals_the_textbook(
    size: tuple[int, int],
    kernel: str,
    greys: bool,
    count: int,
    light: str,
    distance: str,
    serpentine: bool,
    seed: int,
) -> None:
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 256, (*size, 3), np.uint8)
    grey = np.repeat(random.choice(256, (count, 1), replace=False), 3, axis=1)
    colours = grey if greys else random.choice(256, (2, 3), replace=False)
    palette = ["#{:02x}{:02x}{:02x}".format(*colour) for colour in colours]
    fields: dict[str, Any] = {"light": light, "distance": distance, "serpentine": serpentine}
    options = Options(algorithm=kernel, palette=palette, **fields)
    tones = tones_of(from_hex(tuple(palette)), light)
    assume(tones is not None)
    assert tones is not None
    places = tones.of_colour(pixels, adjusted(options))

    def choose(value: list[int], _: tuple[int, int]) -> tuple[int, list[int]]:
        level = int(tones.levels.choice[min(max(value[0], 0), 8192)])
        return level, [int(tones.levels.lights[level])]

    expected = diffusion_reference.diffuse(
        tones.lights.astype(np.int64)[places],
        KERNELS[kernel].taps,
        Fraction(1),
        serpentine,
        choose,
        np.ones(size, bool),
        limited=False,
    )
    assert np.array_equal(dither(pixels, options).indices, tones.order[expected])
