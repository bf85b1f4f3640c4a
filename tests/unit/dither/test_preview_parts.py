"""A part is cut out of the picture that would be saved, or is its mean light."""

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from dither_engine import Dithered, EngineError
from dither_engine.light import srgb_to_linear
from dither_service.part import Part
from dither_service.preview_parts import areas, part_draft, part_png

PALETTES = {
    "greys": [[0, 0, 0], [90, 90, 90], [255, 255, 255]],
    "colours": [[0, 0, 0], [255, 0, 60], [255, 255, 255]],
}


def dithered(palette: str, width: int = 23, height: int = 17, alpha: bool = False) -> Dithered:
    random = np.random.default_rng(3)
    indices = random.integers(0, 3, (height, width), np.uint8)
    mask = random.integers(0, 256, (height, width), np.uint8) if alpha else None
    return Dithered(indices, np.array(PALETTES[palette], np.uint8), mask)


def whole(result: Dithered, scale: int) -> NDArray[np.uint8]:
    pixels = result.rgb() if result.alpha is None else np.dstack([result.rgb(), result.alpha])
    return np.repeat(np.repeat(pixels, scale, 0), scale, 1)


def read(png: bytes, mode: str) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert(mode))


@settings(max_examples=40)
@given(st.integers(1, 5), st.sampled_from(sorted(PALETTES)), st.booleans(), st.data())
def test_a_part_shown_as_large_as_it_is_equals_the_file(
    scale: int, palette: str, alpha: bool, data: st.DataObject
) -> None:
    result = dithered(palette, alpha=alpha)
    x = data.draw(st.integers(0, 23 * scale - 1))
    y = data.draw(st.integers(0, 17 * scale - 1))
    width = data.draw(st.integers(1, 23 * scale - x))
    height = data.draw(st.integers(1, 17 * scale - y))
    part = Part(x=x, y=y, width=width, height=height, shown_width=width, shown_height=height)
    shown = read(part_png(result, scale, part), "RGBA" if alpha else "RGB")
    assert np.array_equal(shown, whole(result, scale)[y : y + height, x : x + width])


def mean_light(pixels: NDArray[np.uint8], across: int, down: int) -> NDArray[np.float64]:
    """Code values of the mean light of blocks; each side is a whole number of blocks."""
    light = srgb_to_linear(pixels / 255)
    height, width = light.shape[0] // down, light.shape[1] // across
    mean = light.reshape(height, down, width, across, -1).mean(axis=(1, 3))
    codes: NDArray[np.float64] = np.where(
        mean <= 0.0031308, 12.92 * mean, 1.055 * mean ** (1 / 2.4) - 0.055
    )
    return codes * 255


@pytest.mark.parametrize("palette", sorted(PALETTES))
@pytest.mark.parametrize("scale", [1, 3])
def test_a_part_shown_smaller_has_the_mean_light(palette: str, scale: int) -> None:
    result = dithered(palette, 24, 18)
    file = whole(result, scale)
    part = Part(x=4, y=3, width=18, height=12, shown_width=6, shown_height=3)
    shown = read(part_png(result, scale, part), "RGB")
    wanted = mean_light(file[3:15, 4:22], 3, 4)
    # Light is counted in 8192ths, which are coarse where it is dark.
    assert np.abs(shown - wanted).max() <= 2


def test_a_draft_is_small_and_about_the_same() -> None:
    result = dithered("colours", 240, 180)
    part = Part(width=240, height=180, shown_width=60, shown_height=45, lossy=True)
    draft = part_draft(result, 1, part)
    exact = part_png(result, 1, part)
    with Image.open(io.BytesIO(draft)) as image:
        assert (image.format, image.size) == ("WEBP", (60, 45))
    assert len(draft) < len(exact) / 4
    assert abs(read(draft, "RGB").mean() - read(exact, "RGB").mean()) < 4


def test_an_animation_gives_all_its_frames() -> None:
    one, other = dithered("greys"), dithered("greys")
    frames = (one, Dithered(2 - other.indices, other.palette, duration=80))
    result = Dithered(one.indices, one.palette, frames=frames)
    part = Part(x=2, y=2, width=9, height=5, shown_width=9, shown_height=5)
    with Image.open(io.BytesIO(part_png(result, 1, part))) as image:
        assert getattr(image, "n_frames", 1) == 2
        image.seek(1)
        seen = np.asarray(image.convert("RGB"))
    assert np.array_equal(seen, frames[1].rgb()[2:7, 2:11])


@pytest.mark.parametrize(
    "part",
    [
        {"x": 20, "width": 4, "height": 1, "shown_width": 4, "shown_height": 1},
        {"y": 17, "width": 1, "height": 1, "shown_width": 1, "shown_height": 1},
        {"width": 4, "height": 4, "shown_width": 5, "shown_height": 4},
    ],
)
def test_a_part_that_is_not_in_the_picture(part: dict[str, Any]) -> None:
    with pytest.raises(EngineError, match="part: "):
        part_png(dithered("greys"), 1, Part.model_validate(part))


@given(st.integers(1, 400), st.floats(0, 1), st.floats(0.01, 1), st.integers(1, 60))
def test_areas_cover_all_of_it_evenly(size: int, start: float, length: float, count: int) -> None:
    begin = start * size * (1 - length)
    first, shares = areas(begin, size * length, count, size)
    assert np.all(shares >= 0)
    assert np.all(shares.sum(axis=1) == 65536)
    assert first.min() >= 0
    assert np.all(np.diff(first) >= 0)
    assert first.max() + shares.shape[1] <= size
