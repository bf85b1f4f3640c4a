"""The tone curve: it ascends, keeps black and white, and does what each control says."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dither_engine import EngineError, Options
from dither_engine.light import srgb_to_linear
from dither_engine.tone_curve import adjusted, range_of, s_curve, strength_for, stretched

SIGNED = st.floats(-1, 1)
CODES = np.arange(256) / 255


@given(
    shadows=SIGNED,
    highlights=SIGNED,
    exposure=st.floats(-4, 4),
    gamma=st.floats(0.1, 10),
    contrast=st.floats(0, 4),
    ends=st.tuples(st.floats(0, 0.45), st.floats(0.55, 1)),
    light=st.sampled_from(["linear", "srgb"]),
)
def test_a_lighter_pixel_never_becomes_darker_than_a_darker_one(
    ends: tuple[float, float], **fields: Any
) -> None:
    curve = adjusted(Options(**fields), ends)
    assert (np.diff(curve) >= -1e-12).all()
    assert curve.min() >= 0
    assert curve.max() <= 1


@given(SIGNED, SIGNED)
def test_black_and_white_stay(shadows: float, highlights: float) -> None:
    curve = s_curve(CODES, shadows, highlights)
    assert curve[0] == 0
    assert curve[-1] == 1


def test_shadows_and_highlights_change_their_own_half_most() -> None:
    for sign in (-1, 1):
        dark = sign * (s_curve(CODES, sign * 0.5, 0) - CODES)
        light = sign * (s_curve(CODES, 0, sign * 0.5) - CODES)
        assert dark.argmax() == pytest.approx(64, abs=1)
        assert light.argmax() == pytest.approx(191, abs=1)
        assert min(dark.min(), light.min()) >= -1e-12
    assert np.allclose(s_curve(CODES, 0, 0), CODES)
    assert s_curve(np.array([0.5]), -0.4, 0.4)[0] == pytest.approx(0.5)


def test_exposure_is_in_stops_of_light() -> None:
    light = srgb_to_linear(CODES)
    assert np.allclose(adjusted(Options(exposure=1)), np.minimum(2 * light, 1))
    assert np.allclose(adjusted(Options(exposure=-2)), light / 4)


def test_the_range_is_that_of_the_channels_without_the_ends() -> None:
    samples = np.full((1000, 3), (80, 100, 200), np.uint8)
    samples[:4] = 0
    samples[-4:] = 255
    assert range_of(samples) == (80 / 255, 200 / 255)
    assert range_of(np.zeros((0, 3), np.uint8)) == (0, 1)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_stretch_is_between_nothing_and_the_whole_range(a: float, b: float, tone: float) -> None:
    found = (min(a, b), max(a, b))
    black, white = stretched(found, tone)
    assert 0 <= black < white <= 1
    assert stretched(found, 0.0) == (0, 1)
    if found[1] - found[0] >= 0.05:
        assert stretched(found, 1.0) == pytest.approx(found)
    ends = stretched(found, strength_for(found, 1.5))
    assert ends[1] - ends[0] >= 1 / 1.5 - 1e-9


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("tone", 1.5, "auto, or a number from 0 to 1"),
        ("gamut", "much", "auto, or a number from 0 to 1"),
        ("exposure", 9, "a number from -4 to 4"),
        ("shadows", 2, "a number from -1 to 1"),
        ("auto", "best", "one of off, natural, vivid, readable"),
    ],
)
def test_what_is_out_of_range_is_told_what_is_allowed(field: str, value: Any, said: str) -> None:
    with pytest.raises(EngineError, match=f"^{field} is {said}"):
        Options(**{field: value})
