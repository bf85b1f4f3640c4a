"""Palettes that were measured: the panel's white and black stand for the picture's."""

import numpy as np
import pytest

from dither_engine import Options, dither
from dither_engine.algorithms import ALGORITHMS
from dither_engine.light import light_of_code
from dither_engine.palettes import NAMED, named
from dither_engine.targets import media_relative

MEASURED = [name for name, palette in NAMED.items() if palette.measured]
LIGHT = light_of_code("linear") / 8192
WEIGHTS = np.array([0.2126, 0.7152, 0.0722])


def test_the_panels_are_measured() -> None:
    expected = ["black-white-red", "black-white-yellow", "4-colour", "acep-7-colour", "spectra-6"]
    assert [*expected, "e-ink-black-white"] == MEASURED


@pytest.mark.parametrize("name", MEASURED)
def test_white_and_black_become_the_panels(name: str) -> None:
    luminance = LIGHT[named(name)] @ WEIGHTS
    for code, ink in ((255, luminance.argmax()), (0, luminance.argmin())):
        for algorithm in ("floyd-steinberg", "blue-noise", "riemersma", "none"):
            flat = np.full((60, 60), code, np.uint8)
            done = dither(flat, Options(algorithm=algorithm, palette=name))
            assert (done.indices == ink).all()
            assert np.array_equal(done.palette, named(name))


@pytest.mark.parametrize("name", MEASURED)
@pytest.mark.parametrize("algorithm", ["floyd-steinberg", "ostromoukhov", "blue-noise"])
def test_greys_keep_their_place_between_the_panels_black_and_white(
    name: str, algorithm: str
) -> None:
    """Highlights too, which would be solid white if the panel's white were taken for grey."""
    lights = LIGHT[named(name)]
    luminance = lights @ WEIGHTS
    black, white = lights[luminance.argmin()], lights[luminance.argmax()]
    for code in range(20, 256, 15):
        done = dither(
            np.full((160, 160), code, np.uint8), Options(algorithm=algorithm, palette=name)
        )
        mean = LIGHT[done.rgb()[16:-16, 16:-16]].mean(axis=(0, 1))
        wanted = black + LIGHT[code] * (white - black)
        # Masks mix two colours, which come near to grey without being black and white.
        limit = 0.02 if algorithm == "blue-noise" else 0.01
        assert abs((mean - wanted) @ WEIGHTS) <= limit


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_panel_is_dithered_by_its_colours_relative_to_white(algorithm: str) -> None:
    pixels = np.random.default_rng(4).integers(0, 256, (20, 24, 3), np.uint8)
    relative = [
        "#{:02x}{:02x}{:02x}".format(*colour) for colour in media_relative(named("4-colour"))
    ]
    one = dither(pixels, Options(algorithm=algorithm, palette="4-colour"))
    other = dither(pixels, Options(algorithm=algorithm, palette=relative))
    assert np.array_equal(one.indices, other.indices)
