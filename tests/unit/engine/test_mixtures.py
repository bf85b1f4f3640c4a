"""Masks with palettes: the mixtures against a search of every set of four colours."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dither_engine import Options, dither
from dither_engine.algorithms import ALGORITHMS, MAP, NOISE, ORDERED, SCREEN
from dither_engine.light import light_of_code
from dither_engine.masks.layout import layers
from dither_engine.methods.mixtures import GRAIN, best_mixture
from dither_engine.palettes import named
from tests.support.colour_reference import within_reach

MASKED = [row.name for row in ALGORITHMS.values() if row.family in (ORDERED, NOISE, SCREEN, MAP)]
CHANNELS = np.sqrt([0.2126, 0.7152, 0.0722])
Floats = NDArray[np.float64]


def mixture(points: Floats, goal: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Colours and shares as the method finds them."""
    active, shares = np.zeros(6, np.int64), np.zeros(6)
    count = best_mixture(points, *goal.tolist(), active, shares, 0)
    return active[:count], shares[:count]


def apart(points: Floats, goal: Floats) -> Floats:
    """The distance of each colour, with the part that decides between equal ones."""
    parts = 1 + (np.arange(1, len(points) + 1) ** 2 * (5**0.5 - 1) / 2) % 1 / 16
    return np.asarray(((points - goal) ** 2).sum(axis=1) * parts)


def cost(points: Floats, goal: Floats, chosen: NDArray[np.int64], shares: Floats) -> float:
    """The square of the mean's error, and the part that the grain costs."""
    error = shares @ points[chosen] - goal
    return float(error @ error + GRAIN * shares @ apart(points, goal)[chosen])


def least_cost(points: Floats, goal: Floats) -> float:
    """Of all sets of one to four colours, each with the shares that a linear system gives."""
    found = []
    for size in range(1, min(len(points), 4) + 1):
        for chosen in combinations(range(len(points)), size):
            some = points[list(chosen)]
            grain = GRAIN / 2 * apart(points, goal)[list(chosen)]
            system = np.ones((size + 1, size + 1))
            system[:size, :size], system[size, size] = some @ some.T, 0
            if np.linalg.cond(system) > 1e8:
                continue  # less of them mix as well
            shares = np.linalg.solve(system, np.append(some @ goal - grain, 1))[:size]
            if shares.min() >= 0:
                found.append(cost(points, goal, np.array(chosen), shares))
    return min(found)


colours = st.lists(st.tuples(*3 * [st.integers(0, 255)]), min_size=2, max_size=8, unique=True)
goals = st.tuples(*3 * [st.integers(0, 255)])


@settings(max_examples=150, deadline=None)
@given(colours=colours, goal=goals)
def test_no_other_four_colours_mix_it_better(
    colours: list[tuple[int, int, int]], goal: tuple[int, int, int]
) -> None:
    points = np.array(colours) / 255 * CHANNELS
    wanted = np.array(goal) / 255 * CHANNELS
    chosen, shares = mixture(points, wanted)
    assert len(set(chosen.tolist())) == len(chosen) <= 4
    assert shares.min() > 0
    assert shares.sum() == pytest.approx(1)
    # The last step gives up a little grain for the exact mean.
    assert cost(points, wanted, chosen, shares) <= least_cost(points, wanted) + 2 * GRAIN**2 + 1e-6


@settings(max_examples=100, deadline=None)
@given(colours=colours, seed=st.integers(0, 2**16))
def test_what_can_be_mixed_has_that_mean(colours: list[tuple[int, int, int]], seed: int) -> None:
    points = np.array(colours) / 255 * CHANNELS
    goal = np.random.default_rng(seed).dirichlet(np.ones(len(points))) @ points
    chosen, shares = mixture(points, goal)
    assert np.abs(shares @ points[chosen] - goal).max() < 0.002


@settings(max_examples=100, deadline=None)
@given(colours=st.one_of(colours, st.just([*product((0, 255), repeat=3)])), first=goals, goal=goals)
def test_the_start_does_not_matter(
    colours: list[tuple[int, int, int]], first: tuple[int, int, int], goal: tuple[int, int, int]
) -> None:
    points, wanted = np.array(colours) / 255 * CHANNELS, np.array(goal) / 255 * CHANNELS
    chosen, shares = mixture(points, wanted)
    active, other = np.zeros(6, np.int64), np.zeros(6)
    count = best_mixture(points, *(np.array(first) / 255 * CHANNELS).tolist(), active, other, 0)
    count = best_mixture(points, *wanted.tolist(), active, other, count)
    found = cost(points, wanted, active[:count], other[:count])
    assert found == pytest.approx(cost(points, wanted, chosen, shares), abs=1e-8)


@settings(max_examples=100, deadline=None)
@given(colours=colours, seed=st.integers(0, 2**16))
def test_a_palette_colour_is_mixed_of_itself(
    colours: list[tuple[int, int, int]], seed: int
) -> None:
    points = np.array(colours) / 255 * CHANNELS
    away = np.abs(np.array(colours)[:, None] - np.array(colours)[None]).max(axis=2)
    np.fill_diagonal(away, 255)
    assume(away.min() > 12)
    goal = points[seed % len(points)]
    chosen, shares = mixture(points, goal)
    assert shares[(points[chosen] == goal).all(axis=1)] == pytest.approx(1, abs=1e-4)


@settings(max_examples=25, deadline=None)
@given(
    algorithm=st.sampled_from(MASKED),
    palette=st.sampled_from(["c64", "solarized", "pico-8"]),
    distance=st.sampled_from(["srgb", "oklab"]),
    light=st.sampled_from(["linear", "srgb"]),
    strength=st.sampled_from([0.0, 0.3, 1.0]),
    height=st.sampled_from([1, 7, 20]),
    seed=st.integers(0, 2**16),
)
def test_a_pixel_is_the_colour_at_which_the_shares_reach_the_threshold(
    algorithm: str,
    palette: str,
    distance: str,
    light: str,
    strength: float,
    height: int,
    seed: int,
) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, 9, 3), np.uint8)
    pixels[..., 0] |= 1
    pixels[..., 1] &= 254  # no greys: they are mixed of greys
    options = Options.parse(
        {
            "algorithm": algorithm,
            "palette": palette,
            "distance": distance,
            "light": light,
            "strength": strength,
            "seed": seed,
        }
    )
    scale = light_of_code(light) / 8192 * 1.0
    order = np.argsort(-(light_of_code(light)[named(palette)] @ [2126, 7152, 722]), kind="stable")
    points = scale[named(palette)][order] * CHANNELS
    fitted = within_reach(pixels, named(palette), light, distance)
    expected = np.empty(pixels.shape[:2], np.uint8)
    known: dict[tuple[int, ...], tuple[NDArray[np.int64], Floats]] = {}
    for layer in layers(options, height, 9, 1):
        for y, x in np.ndindex(layer.bottom - layer.top, 9):
            colour = fitted[layer.top + y, x]
            key = tuple(colour.tolist())
            if key not in known:
                known[key] = mixture(points, scale[colour] * CHANNELS)
            chosen, shares = known[key]
            sorting = np.argsort(chosen)
            sums = np.floor(np.cumsum(shares[sorting])[:-1] * 65536 + 0.5)
            threshold = layer.thresholds[y % len(layer.thresholds), x, 0]
            place = chosen[sorting][int((threshold > sums).sum())]
            expected[layer.top + y, x] = order[place]
    assert np.array_equal(dither(pixels, options).indices, expected)
