"""The estimate of a dither's time. ``bench.cost`` holds the table to what is measured."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dither_engine import EngineError, Options
from dither_engine.algorithms import ALGORITHMS
from dither_engine.cost import COLOURS, Size, check_cost, seconds_of, speed_of

SIZES = st.builds(Size, st.integers(1, 8000), st.integers(1, 8000), st.integers(1, 100))
GREYS = [f"{value:02x}" * 3 for value in range(256)]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("distance", ["oklab", "srgb", "linear", "ciede2000"])
def test_every_algorithm_has_a_speed(algorithm: str, distance: str) -> None:
    speeds = [
        speed_of(Options(algorithm=algorithm, distance=distance, palette=GREYS[:count]))
        for count in (2, *COLOURS)
    ]
    assert min(speeds) > 0
    assert speeds[0] == speeds[1]


def test_between_two_measured_palettes_the_time_lies_between() -> None:
    speeds = [
        speed_of(Options(algorithm="knoll", palette=GREYS[:count])) for count in range(2, 257)
    ]
    assert all(one <= other for one, other in itertools.pairwise(speeds))


@given(SIZES, st.sampled_from(sorted(ALGORITHMS)))
def test_a_larger_picture_takes_longer(size: Size, algorithm: str) -> None:
    options = Options(algorithm=algorithm)
    larger = Size(size.width + 1, size.height, size.frames)
    assert seconds_of(size, options) < seconds_of(larger, options)


@pytest.mark.parametrize(
    ("slower", "faster"),
    [
        ({"algorithm": "knoll", "candidates": 64}, {"algorithm": "knoll", "candidates": 16}),
        ({"palette": "adaptive:16"}, {"palette": "spectra-6"}),
        ({"scale": 4}, {"scale": 2}),
        ({"format": "webp"}, {"format": "png"}),
        ({"width": 800}, {"width": 400}),
        ({"algorithm": "knoll"}, {"algorithm": "knoll", "crop": "0,0,50%,50%"}),
    ],
)
def test_what_takes_longer(slower: dict[str, object], faster: dict[str, object]) -> None:
    size = Size(1000, 800)
    assert seconds_of(size, Options.parse(slower)) > seconds_of(size, Options.parse(faster))


def test_a_small_result_of_a_large_picture_is_cheap() -> None:
    options = Options(algorithm="knoll", palette=GREYS)
    assert seconds_of(Size(8000, 6000), options, 300) < seconds_of(Size(1000, 800), options)


def test_what_costs_too_much_is_refused_with_the_number() -> None:
    options = Options(
        algorithm="knoll", palette=GREYS, distance="ciede2000", candidates=64, width=150
    )
    with pytest.raises(
        EngineError, match=r"about \d+ seconds of computing; at most 10 are allowed"
    ):
        check_cost(Size(150, 150), options, 10)
    assert check_cost(Size(150, 150), Options(), 10) < 0.1
