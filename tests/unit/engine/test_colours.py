"""What every method keeps of a picture's colours: greys, and what the palette has already."""

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage.color import hsv2rgb, rgb2lab

from bench.quality import colour, report
from dither_engine import Options, dither
from dither_engine.algorithms import ALGORITHMS
from dither_engine.gamut import gamut_of
from dither_engine.greys import greys_of, is_grey
from dither_engine.light import light_of_code, srgb_to_linear
from dither_engine.palettes import NAMED, from_hex, named
from dither_engine.targets import media_relative

Pixels = NDArray[np.uint8]
ATKINSON_AND_OTHERS = (
    *("floyd-steinberg", "atkinson", "ostromoukhov", "zhou-fang", "riemersma"),
    *("knuth-dot-diffusion", "blue-noise", "bayer-8", "halftone", "direct-binary-search"),
    *("knoll", "yliluoma-1", "yliluoma-2", "yliluoma-3", "n-closest", "none"),
)
# Masks that show each tone as a share of a cell keep the palette's colours, too; all methods do.
some = st.sampled_from(ATKINSON_AND_OTHERS)
lights = st.sampled_from(["linear", "srgb"])
DISTANCES = ("oklab", "srgb", "linear", "ciede2000")
distances = st.sampled_from(DISTANCES)


def mixed(name: str) -> Pixels:
    """The colours of a named palette as they are mixed."""
    colours = named(name)
    return media_relative(colours) if NAMED[name].measured else colours


# All whose darkest and lightest colours are grey, and no other is nearly so.
WITH_GREYS = [
    name
    for name in NAMED
    if len(greys_of(mixed(name))) > 1 and is_grey(mixed(name)[greys_of(mixed(name))]).all()
]


def test_which_palettes_have_greys() -> None:
    assert set(NAMED) - set(WITH_GREYS) == {"gameboy", "nes", "pico-8", "solarized"}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("name", WITH_GREYS)
def test_greys_are_mixed_of_greys(algorithm: str, name: str) -> None:
    ramp = np.tile(np.arange(0, 256, 5, dtype=np.uint8)[:, None, None], (1, 24, 3))
    done = dither(ramp, Options(algorithm=algorithm, palette=name))
    assert is_grey(mixed(name))[done.indices].all()


@pytest.mark.parametrize("algorithm", ["atkinson", "floyd-steinberg", "none", "blue-noise"])
@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("grey", [0x55, 0x80])
def test_flat_greys_take_no_red(algorithm: str, distance: str, grey: int) -> None:
    options = Options(algorithm=algorithm, palette="black-white-red", distance=distance)
    done = dither(np.full((64, 64), grey, np.uint8), options)
    assert set(np.unique(done.indices)) <= {0, 1}


@pytest.mark.parametrize("algorithm", ["atkinson", "floyd-steinberg", "zhou-fang", "riemersma"])
@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("serpentine", [False, True])
def test_grey_pixels_beside_colours_stay_grey(
    algorithm: str, distance: str, serpentine: bool
) -> None:
    """With the default distance a grey beside a colour may pass on what that colour lacks."""
    picture = np.random.default_rng(2).integers(0, 256, (40, 60, 3), np.uint8)
    picture[10:30, 20:50] = picture[10:30, 20:50, :1]
    options = Options(
        algorithm=algorithm, palette="spectra-6", distance=distance, serpentine=serpentine
    )
    done = dither(picture, options)
    tinted = ~is_grey(mixed("spectra-6"))[done.indices] & is_grey(picture)
    assert tinted.mean() < (0.02 if distance == "oklab" else 1e-9)


@settings(max_examples=60, deadline=None)
@given(
    algorithm=some,
    light=lights,
    distance=distances,
    inks=st.lists(st.tuples(*3 * [st.integers(0, 255)]), min_size=1, max_size=3, unique=True),
    greys=st.lists(st.integers(0, 255), max_size=4, unique=True),
    seed=st.integers(0, 2**16),
)
def test_greys_of_any_palette_are_mixed_of_its_greys(
    algorithm: str,
    light: str,
    distance: str,
    inks: list[tuple[int, int, int]],
    greys: list[int],
    seed: int,
) -> None:
    colours = np.array([*inks, *((grey, grey, grey) for grey in (0, 255, *greys))], np.uint8)
    apart = colours.max(axis=1).astype(int) - colours.min(axis=1)
    # What is nearly grey, or nearly black, may stand for a grey.
    assume(((apart == 0) | ((apart > 120) & (colours.max(axis=1) > 180))).all())
    picture = np.random.default_rng(seed).integers(0, 256, (9, 14), np.uint8)
    options = Options.parse(
        {"algorithm": algorithm, "palette": _hex(colours), "light": light, "distance": distance}
    )
    done = dither(np.repeat(picture[..., None], 3, axis=2), options)
    assert is_grey(done.rgb()).all()


@settings(max_examples=80, deadline=None)
@given(
    algorithm=some,
    light=lights,
    distance=distances,
    colours=st.lists(st.tuples(*3 * [st.integers(0, 255)]), min_size=2, max_size=24, unique=True),
    seed=st.integers(0, 2**16),
)
def test_what_is_in_the_palette_comes_back_unchanged(
    algorithm: str, light: str, distance: str, colours: list[tuple[int, int, int]], seed: int
) -> None:
    palette = np.array(colours, np.uint8)
    away = np.abs(palette[:, None].astype(int) - palette[None]).max(axis=2)
    np.fill_diagonal(away, 255)
    assume(away.min() > 12)  # else the eye cannot tell them apart, nor can a distance
    picture = palette[np.random.default_rng(seed).integers(0, len(palette), (12, 15))]
    options = Options.parse(
        {"algorithm": algorithm, "palette": _hex(palette), "light": light, "distance": distance}
    )
    assert np.array_equal(dither(picture, options).rgb(), picture)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("name", NAMED)
def test_colours_of_the_named_palettes_come_back_unchanged(algorithm: str, name: str) -> None:
    palette = mixed(name)
    order = np.random.default_rng(1).permutation(np.resize(np.arange(len(palette)), 24 * 24))
    picture = palette[order.reshape(24, 24)]
    done = dither(picture, Options(algorithm=algorithm, palette=name))
    assert np.array_equal(palette[done.indices], picture)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("light", ["linear", "srgb"])
def test_black_and_white_are_two_levels_of_grey(algorithm: str, light: str) -> None:
    pictures: dict[str, Any] = {"grey": report.photograph("camera")[100:180, 150:230]}
    pictures["colour"] = colour.photograph("astronaut")[100:180, 150:230]
    for picture in pictures.values():
        options = Options.parse({"algorithm": algorithm, "light": light, "palette": "gray"})
        levels = dither(picture, options)
        colours = dither(picture, options.model_copy(update={"palette": "black-white"}))
        assert np.array_equal(levels.rgb(), colours.rgb())


def test_atkinson_in_code_values_keeps_the_published_tone() -> None:
    options = Options(algorithm="atkinson", palette="black-white", light="srgb")
    assert dither(report.photograph("camera"), options).rgb().mean() == pytest.approx(
        130.2, abs=0.1
    )


@pytest.mark.parametrize("algorithm", ["floyd-steinberg", "blue-noise", "none", "atkinson"])
def test_white_stays_the_lightest_where_only_dark_greys_are_exactly_grey(algorithm: str) -> None:
    """The NES has #eceeec, which is no grey to the bit."""
    done = dither(np.full((32, 32, 3), 255, np.uint8), Options(algorithm=algorithm, palette="nes"))
    assert (named("nes")[done.indices].min(axis=2) > 200).mean() > 0.9


@pytest.mark.parametrize("grey", [24, 32, 40, 48])
@pytest.mark.parametrize(("algorithm", "strength"), [("atkinson", 1.0), ("floyd-steinberg", 0.8)])
def test_where_error_is_lost_dark_greys_take_no_light_colours(
    algorithm: str, strength: float, grey: int
) -> None:
    """A curve too steep near black gave pico-8's dark greys yellow and pink dots, and twice the
    light."""
    options = Options(algorithm=algorithm, palette="pico-8", strength=strength)
    found = dither(np.full((96, 96, 3), grey, np.uint8), options).indices
    light = srgb_to_linear(named("pico-8") / 255) @ [0.2126, 0.7152, 0.0722]
    assert (light[found] > 0.25).mean() < 0.002
    assert light[found].mean() < 1.5 * srgb_to_linear(np.array(grey / 255))


def test_one_blue_among_black_and_white_does_not_make_greys_blue() -> None:
    palette = ["#000000", "#ffffff", "#6a7fb0"]
    for algorithm in ATKINSON_AND_OTHERS:
        done = dither(
            np.full((40, 40), 128, np.uint8), Options(algorithm=algorithm, palette=palette)
        )
        assert set(np.unique(done.indices)) <= {0, 1}


@pytest.mark.parametrize(("name", "green"), [("acep-7-colour", 2), ("spectra-6", 5)])
@pytest.mark.parametrize("algorithm", ["floyd-steinberg", "atkinson", "blue-noise", "none"])
def test_pure_green_is_mostly_the_green_ink(algorithm: str, name: str, green: int) -> None:
    done = dither(
        np.full((48, 48, 3), (0, 255, 0), np.uint8), Options(algorithm=algorithm, palette=name)
    )
    assert (done.indices == green).mean() > 0.8


@settings(max_examples=60, deadline=None)
@given(
    light=lights,
    colours=st.lists(st.tuples(*3 * [st.integers(0, 255)]), min_size=4, max_size=20, unique=True),
    seed=st.integers(0, 2**16),
)
def test_what_can_be_mixed_is_left_as_it_is(
    light: str, colours: list[tuple[int, int, int]], seed: int
) -> None:
    """Mixtures, rounded to code values, move by no more than that rounding."""
    palette = np.array(colours, np.uint8)
    gamut = gamut_of(palette, light)
    assume(gamut is not None and not gamut.flat)
    assert gamut is not None
    assert np.array_equal(gamut.fit(palette[None]), palette[None])
    shares = np.random.default_rng(seed).dirichlet(np.ones(len(palette)), 200)
    scale = light_of_code(light).astype(np.float64)
    codes = np.searchsorted(scale, shares @ scale[palette]).clip(0, 255).astype(np.uint8)[None]
    moved = np.abs(gamut.fit(codes).astype(int) - codes)
    assert moved.max() <= 6


@pytest.mark.parametrize("name", NAMED)
def test_a_ramp_of_hues_has_no_edge(name: str) -> None:
    """Sixteen codes further on a colour differs by at most 40 ΔE; exact projections jump by 83."""
    gamut = gamut_of(mixed(name), "linear")
    if gamut is None:
        return
    hues = np.stack(np.broadcast_arrays(np.arange(1536) / 1536, 1.0, [[1.0], [0.6]]), axis=-1)
    ramps = np.rint(hsv2rgb(hues) * 255).astype(np.uint8)
    shown = rgb2lab(gamut.fit(ramps))
    assert np.linalg.norm(shown[:, 16:] - shown[:, :-16], axis=2).max() < 40


def _hex(colours: Pixels) -> list[str]:
    return ["#{:02x}{:02x}{:02x}".format(*colour) for colour in colours]


def test_greens_of_the_game_boy() -> None:
    shade = from_hex(("#8bac0f",))
    for algorithm in ALGORITHMS:
        done = dither(
            np.full((40, 40, 3), shade[0], np.uint8),
            Options(algorithm=algorithm, palette="gameboy"),
        )
        assert (done.indices == 2).all()
