"""What happens to the image before dithering, and its size after it."""

import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from dither_engine import Options, dither, dither_bytes
from dither_engine.light import light_of_code

PALETTE = ["#000000", "#ffffff", "#ff0000", "#00ff00", "#0000ff"]


def light_of(picture: NDArray[np.uint8], options: Options) -> float:
    """Mean light of the result, 0 to 1."""
    done = dither(picture, options).rgb()
    return float(np.take(light_of_code("linear"), done).mean()) / 8192


def grey(code: int) -> NDArray[np.uint8]:
    return np.full((200, 200), code, np.uint8)


def linear(code: float) -> float:
    code /= 255
    return code / 12.92 if code <= 0.04045 else ((code + 0.055) / 1.055) ** 2.4


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"brightness": 1.5}, 150),
        ({"brightness": 0.0}, 0),
        ({"contrast": 0.5}, 113.75),
        ({"contrast": 0.0}, 127.5),
        ({"gamma": 2.0}, 255 * (100 / 255) ** 0.5),
        ({"gamma": 0.5}, 255 * (100 / 255) ** 2),
        ({"saturation": 0.0}, 100),
    ],
)
def test_tone_controls_work_on_code_values(fields: dict[str, Any], code: float) -> None:
    options = Options(palette="gray", **fields)
    assert light_of(grey(100), options) == pytest.approx(linear(code), abs=0.003)


def test_saturation_0_is_grey_and_2_is_farther_from_it() -> None:
    picture = np.full((100, 100, 3), (150, 100, 100), np.uint8)
    means = [
        dither(picture, Options(saturation=factor)).rgb().reshape(-1, 3).mean(axis=0)
        for factor in (0.0, 1.0, 2.0)
    ]
    spread = [mean[0] - mean[1] for mean in means]
    assert abs(spread[0]) < 1
    assert spread[2] > 1.5 * spread[1] > 0


@pytest.mark.parametrize(
    ("fields", "size"),
    [
        ({}, (60, 40)),
        ({"width": 30}, (30, 20)),
        ({"height": 10}, (15, 10)),
        ({"width": 7, "height": 50}, (7, 50)),
        ({"scale": 3}, (180, 120)),
        ({"width": 30, "scale": 2}, (60, 40)),
    ],
)
def test_sizes(fields: dict[str, Any], size: tuple[int, int]) -> None:
    file = io.BytesIO()
    Image.linear_gradient("L").resize((60, 40)).save(file, "PNG")
    done = dither_bytes(file.getvalue(), Options(**fields))
    assert (done.width, done.height) == size == Image.open(io.BytesIO(done.data)).size


def test_the_longest_side_is_limited_and_small_images_are_left() -> None:
    file = io.BytesIO()
    Image.linear_gradient("L").resize((60, 40)).save(file, "PNG")
    assert dither_bytes(file.getvalue(), Options(), max_size=30).width == 30
    assert dither_bytes(file.getvalue(), Options(), max_size=1).height == 1
    assert dither_bytes(file.getvalue(), Options(), max_size=100).width == 60
    assert dither_bytes(file.getvalue(), Options(width=50), max_size=30).width == 30


def test_enlarging_repeats_the_dithered_pixels() -> None:
    picture = Image.linear_gradient("L").resize((20, 20))
    file = io.BytesIO()
    picture.save(file, "PNG")
    small = dither(picture, Options()).rgb()
    large = Image.open(io.BytesIO(dither_bytes(file.getvalue(), Options(scale=4)).data))
    expected = small.repeat(4, axis=0).repeat(4, axis=1)
    assert np.array_equal(np.asarray(large.convert("RGB")), expected)


def test_a_list_of_colours_is_kept_in_its_order() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (30, 30, 3), np.uint8)
    done = dither(picture, Options(palette=PALETTE))
    assert ["#" + bytes(row).hex() for row in done.palette.tolist()] == PALETTE


def test_an_adaptive_palette_is_dithered_with_not_only_rounded_to() -> None:
    picture = np.repeat(np.arange(256, dtype=np.uint8)[None], 64, axis=0)
    options = Options(palette="adaptive:4")
    done = dither(picture, options)
    assert len(done.palette) <= 4
    rounded = dither(picture, options.model_copy(update={"algorithm": "none"}))
    assert np.array_equal(done.palette, rounded.palette)
    bands = np.abs(np.diff(rounded.indices.astype(int), axis=1)).sum()
    assert np.abs(np.diff(done.indices.astype(int), axis=1)).sum() > 10 * bands


@pytest.mark.parametrize("count", [2, 3, 256])
def test_an_adaptive_palette_of_few_colours_is_those_colours(count: int) -> None:
    picture = np.zeros((10, 10, 3), np.uint8)
    picture[:5] = (200, 10, 30)
    done = dither(picture, Options(palette=f"adaptive:{count}"))
    assert sorted(map(tuple, done.palette.tolist())) == [(0, 0, 0), (200, 10, 30)]
    flat = dither(np.full((4, 4), 9, np.uint8), Options(palette=f"adaptive:{count}"))
    assert len(flat.palette) == 2


@pytest.mark.parametrize("light", ["linear", "srgb"])
def test_an_adaptive_palette_is_made_of_the_adjusted_colours(light: Any) -> None:
    picture = np.full((20, 20, 3), (200, 80, 40), np.uint8)
    picture[:10] = (100, 120, 140)
    done = dither(picture, Options(palette="adaptive:2", brightness=0.5, light=light))
    assert sorted(map(tuple, done.palette.tolist())) == [(50, 60, 70), (100, 40, 20)]


@settings(max_examples=20, deadline=None)
@given(
    size=st.tuples(st.integers(1, 1300), st.integers(1, 1300)),
    colours=st.lists(st.integers(0, 0xFFFFFF), min_size=2, max_size=16, unique=True),
    seed=st.integers(0, 99),
)
@example(size=(513, 513), colours=[0, 0xFFFFFF, 0xFF0000], seed=0)
def test_a_picture_of_few_colours_keeps_them_all_at_any_size(
    size: tuple[int, int], colours: list[int], seed: int
) -> None:
    """All but the first have one pixel each."""
    palette = np.array([[c >> 16, c >> 8 & 255, c & 255] for c in colours], np.uint8)
    kept = palette[: size[0] * size[1]]
    indices = np.zeros(size, np.int64)
    places = np.random.default_rng(seed).permutation(indices.size)[: len(kept) - 1]
    indices.flat[places] = np.arange(1, len(kept))
    done = dither(palette[indices], Options(palette="adaptive:16", algorithm="none"))
    assert set(map(tuple, kept.tolist())) <= set(map(tuple, done.palette.tolist()))


def test_colours_that_are_transparent_are_not_in_an_adaptive_palette() -> None:
    picture = np.zeros((600, 600, 4), np.uint8)
    picture[..., :3] = np.random.default_rng(5).integers(0, 256, (600, 600, 3))
    picture[0, 1], picture[599, 597], picture[300, 301] = (255, 0, 0, 255), (0, 9, 0, 1), (9,) * 4
    found = dither(picture, Options(palette="adaptive:3")).palette
    assert sorted(map(tuple, found.tolist())) == [(0, 9, 0), (9, 9, 9), (255, 0, 0)]
    assert len(dither(picture, Options(palette="adaptive:2")).palette) == 2


def test_an_adaptive_palette_is_made_of_every_column() -> None:
    picture = np.zeros((1024, 2048, 3), np.uint8)
    picture[:, 3::8] = (255, 0, 0)
    done = dither(picture, Options(palette="adaptive:2"))
    assert sorted(map(tuple, done.palette.tolist())) == [(0, 0, 0), (255, 0, 0)]


def test_the_array_that_was_given_is_not_changed() -> None:
    picture = np.random.default_rng(2).integers(0, 256, (40, 40, 4), np.uint8)
    before = picture.copy()
    dither(picture, Options(palette="pico-8"))
    dither(picture[::2, ::2], Options())
    assert np.array_equal(picture, before)


def test_arrays_and_images_give_the_same() -> None:
    picture = np.random.default_rng(3).integers(0, 256, (40, 50, 3), np.uint8)
    options = Options(palette="c64")
    one, other = dither(picture, options), dither(Image.fromarray(picture), options)
    assert np.array_equal(one.indices, other.indices)
    assert np.array_equal(
        np.asarray(one.to_pillow().convert("RGB")), np.take(one.palette, one.indices, axis=0)
    )


def test_threads_do_not_disturb_each_other() -> None:
    random = np.random.default_rng(4)
    pictures = [random.integers(0, 256, (90, 70, 3), np.uint8) for _ in range(12)]
    options = [Options(), Options(palette="pico-8"), Options(palette="adaptive:9", serpentine=True)]
    expected = [dither(picture, options[n % 3]).indices for n, picture in enumerate(pictures)]
    with ThreadPoolExecutor(4) as pool:
        done = pool.map(lambda n: dither(pictures[n % 12], options[n % 12 % 3]).indices, range(48))
        for n, indices in enumerate(done):
            assert np.array_equal(indices, expected[n % 12])


def test_equal_input_and_options_give_equal_bytes() -> None:
    file = io.BytesIO()
    picture = np.random.default_rng(5).integers(0, 256, (40, 50, 3), np.uint8)
    Image.fromarray(picture).save(file, "PNG")
    choices: tuple[dict[str, Any], ...] = (
        {},
        {"palette": "adaptive:7"},
        {"format": "gif"},
        {"algorithm": "zhou-fang"},
    )
    for fields in choices:
        options = Options(**fields)
        first, second = (dither_bytes(file.getvalue(), options).data for _ in range(2))
        assert first == second
