"""Making pictures larger and smaller: light stays what it is, and shapes are Pillow's."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dither_engine import Options, dither, dither_bytes
from dither_engine.decode import Frame
from dither_engine.light import code_of_light, light_of_code
from dither_engine.resize import resized, windows
from tests.support.pictures import photograph

LIGHT = light_of_code("linear")


def test_a_checkerboard_made_small_is_as_light_as_it_was() -> None:
    board = (np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)
    for size in ({}, {"width": 32}, {"width": 16, "height": 40}):
        mean = LIGHT[dither(board, Options(palette="gray", **size)).rgb()].mean() / 8192
        assert mean == pytest.approx(0.5, abs=0.01)


@settings(max_examples=60, deadline=None)
@given(
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    new=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    depth=st.sampled_from([1, 3]),
    light=st.sampled_from(["linear", "srgb"]),
    seed=st.integers(0, 1000),
)
def test_light_is_summed_as_pillow_does(
    size: tuple[int, int], new: tuple[int, int], depth: int, light: str, seed: int
) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, depth), np.uint8)
    scale = light_of_code(light)
    found = resized(Frame(pixels), new[1], new[0], light).pixels
    for c in range(depth):
        plane = Image.fromarray(scale[pixels[..., c]].astype(np.float32))
        expected = np.asarray(plane.resize(new[::-1], Image.Resampling.LANCZOS))
        nearest = code_of_light(light)[np.clip(np.rint(expected), 0, 8192).astype(int)]
        assert np.abs(found[..., c].astype(int) - nearest).max() <= 1
        assert np.mean(found[..., c] != nearest) <= 0.1


@given(size=st.integers(1, 3000), new=st.integers(1, 3000))
def test_windows_lie_inside_and_weigh_one(size: int, new: int) -> None:
    first, weights = windows(size, new)
    assert first.min() >= 0
    assert first.max() + weights.shape[1] <= size
    assert (np.diff(first) >= 0).all()
    assert (weights.sum(axis=1) == 65536).all()


@pytest.mark.parametrize("light", ["linear", "srgb"])
@pytest.mark.parametrize("new", [(3, 50), (200, 7), (1, 1), (90, 40)])
def test_flat_pictures_stay_what_they_are(light: str, new: tuple[int, int]) -> None:
    for code in (0, 1, 9, 100, 254, 255):
        frame = Frame(np.full((31, 43, 3), code, np.uint8), np.full((31, 43), 77, np.uint8))
        done = resized(frame, *new, light)
        assert (done.pixels == code).all()
        assert (done.mask == 77).all()


def test_transparent_pixels_lend_no_colour() -> None:
    pixels = np.zeros((40, 40, 3), np.uint8)
    mask = np.zeros((40, 40), np.uint8)
    pixels[:20], mask[:20] = (200, 30, 60), 255
    pixels[20:] = (0, 255, 0)
    done = resized(Frame(pixels, mask), 9, 9, "linear")
    assert np.abs(done.pixels[done.mask > 8].astype(int) - (200, 30, 60)).max() <= 1
    assert done.mask[0, 0] == 255
    assert done.mask[8, 8] == 0


def test_a_preview_is_as_light_as_the_picture() -> None:
    data = photograph()
    means = [
        LIGHT[np.asarray(Image.open(io.BytesIO(done.data)).convert("RGB"))].mean()
        for done in (dither_bytes(data, Options()), dither_bytes(data, Options(), max_size=64))
    ]
    assert means[1] == pytest.approx(means[0], rel=0.02)
