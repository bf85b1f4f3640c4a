"""Excluded parts are the nearest colours, whatever the algorithm; the rest is what it was."""

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from dither_engine import EngineError, Options, dither, dither_bytes
from dither_engine.algorithms import NAMES
from dither_engine.exclude import scaled

TARGETS: list[dict[str, Any]] = [
    {},
    {"channels": 9},
    {"channels": [2, 3, 4]},
    {"palette": "gray", "channels": 4},
    {"palette": "spectra-6"},
    {"palette": "spectra-6", "gamut": 1.0, "tone": 1.0},
]
THOROUGH = ("floyd-steinberg", "blue-noise", "knoll", "direct-binary-search")
OWN: dict[str, dict[str, Any]] = {
    "custom": {"kernel": [[0, 0, 7], [3, 5, 1]]},
    "custom-matrix": {"matrix": [[0, 2], [3, 1]]},
}


def picture(width: int = 48, height: int = 40, seed: int = 3) -> NDArray[np.uint8]:
    noise = np.random.default_rng(seed).integers(0, 256, (6, 7, 3), np.uint8)
    return np.asarray(Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC))


def rgb(given: NDArray[np.uint8], **fields: Any) -> NDArray[np.uint8]:
    return dither(given, Options(**fields)).rgb()


@pytest.mark.parametrize("algorithm", NAMES)
def test_every_algorithm_leaves_excluded_parts_at_their_nearest_colour(algorithm: str) -> None:
    own = OWN.get(algorithm, {})
    for target in TARGETS if algorithm in THOROUGH else TARGETS[-1:]:
        fields = {"algorithm": algorithm, **own, **target}
        done = rgb(picture(), **fields, exclude=[[5, 7, 20, 10], [30, 30, 99, 99]])
        inside = np.zeros((40, 48), bool)
        inside[7:17, 5:25] = inside[30:, 30:] = True
        nearest = rgb(picture(), **target, algorithm="none")
        assert np.array_equal(done[inside], nearest[inside])
        assert np.array_equal(done[~inside], rgb(picture(), **fields)[~inside])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 320)] * 2, *[st.integers(1, 90)] * 2), min_size=1))
def test_rectangles_may_lie_anywhere_in_a_picture_dithered_in_pieces(
    given: list[tuple[int, ...]],
) -> None:
    source = picture(60, 300)
    done = rgb(source, palette="spectra-6", exclude=[list(each) for each in given[:100]])
    inside = np.zeros((300, 60), bool)
    for x, y, w, h in given[:100]:
        inside[y : y + h, x : x + w] = True
    expected = np.where(
        inside[..., None],
        rgb(source, palette="spectra-6", algorithm="none"),
        rgb(source, palette="spectra-6"),
    )
    assert np.array_equal(done, expected)


def test_alpha_can_say_what_stays_undithered() -> None:
    """Also where it is 0, so that its colour would be lost in a picture with transparency."""
    alpha = np.full((300, 60), 255, np.uint8)
    alpha[100:200, 10:30], alpha[250:, 40:] = 0, 127
    source = np.dstack([picture(60, 300), alpha])
    done = dither(source, Options(palette="spectra-6", alpha="exclude"))
    assert done.alpha is None
    nearest = rgb(source[..., :3], palette="spectra-6", algorithm="none")
    plain = rgb(source[..., :3], palette="spectra-6")
    expected = np.where((alpha < 128)[..., None], nearest, plain)
    assert np.array_equal(done.rgb(), expected)
    small = Options(algorithm="none", channels=256, alpha="exclude", width=30, height=150)
    assert np.array_equal(dither(source, small).rgb(), dither(source[..., :3], small).rgb())


def test_alpha_that_excludes_is_cropped_turned_and_padded_with_the_picture() -> None:
    alpha = np.full((20, 40), 255, np.uint8)
    alpha[:, 20:] = 0
    source = np.dstack([np.full((20, 40, 3), 128, np.uint8), alpha])
    fields = {"palette": "gray", "alpha": "exclude", "background": "#808080"}
    done = rgb(source, **fields, crop="10,0,30,20", rotate=90, width=40, height=30, fit="pad")
    here = done[..., 0]
    assert len(np.unique(here[:10])) == 2  # dithered
    assert len(np.unique(here[10:, 10:30])) == 1  # nearest
    assert len(np.unique(here[10:, :10])) == 2  # padding is a part of the picture


def test_rectangles_follow_a_picture_that_is_made_smaller() -> None:
    options = Options(palette="gray", exclude=[[0, 100, 60, 100]])
    file = io.BytesIO()
    Image.new("L", (60, 300), 128).save(file, "PNG")
    done = dither_bytes(file.getvalue(), options, max_size=150)
    small = np.asarray(Image.open(io.BytesIO(done.data)))
    assert small.shape == (150, 30)
    assert len(np.unique(small[50:100])) == 1
    assert len(np.unique(small[:50])) == 2
    assert scaled([[1, 1, 1, 1]], (10, 10), (3, 3)) == [[0, 0, 1, 1]]


@pytest.mark.parametrize(
    "exclude",
    [[], "", "1,2,3", [[0, 0, 0, 5]], [[-1, 0, 5, 5]], [[0, 0, 1.5, 2]], [[0] * 4] * 101, "[[1"],
)
def test_rectangles_that_make_no_sense_are_refused(exclude: Any) -> None:
    with pytest.raises(EngineError, match="exclude is at most 100 rectangles"):
        Options(exclude=exclude)


def test_rectangles_may_be_a_text() -> None:
    listed = [[0, 0, 9, 8], [1, 2, 3, 4]]
    texts = ("0,0,9,8;1,2,3,4", "[[0, 0, 9, 8], [1, 2, 3, 4]]", listed)
    assert len({Options(exclude=text).digest() for text in texts}) == 1
