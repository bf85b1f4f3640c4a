"""Hard edges, nearest pixels, levels per channel, matrices of one's own, strength above 1."""

import io
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from dither_engine import EngineError, Options, dither, dither_bytes
from dither_engine.algorithms import ALGORITHMS
from dither_engine.light import srgb_to_linear
from dither_engine.masks import from_ranks, from_values
from dither_engine.masks.bayer import bayer_ranks

Pixels = NDArray[np.uint8]


def noise(*shape: int, seed: int = 4) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def ramp(width: int = 256, height: int = 64) -> Pixels:
    return np.repeat(np.linspace(0, 255, width).astype(np.uint8)[None], height, axis=0)


def png(pixels: Pixels) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


# ---- alpha


def soft_sprite() -> Pixels:
    """Colours whose alpha goes from 0 to 255; what is transparent is bright red."""
    picture = noise(64, 256, 4)
    picture[..., 3] = ramp()
    picture[picture[..., 3] == 0] = (255, 0, 0, 0)
    return picture


@pytest.mark.parametrize("level", [1, 100, 128, 255])
def test_alpha_is_cut_at_a_level(level: int) -> None:
    options = Options(palette="pico-8", alpha="threshold", alpha_level=level)
    alpha = dither(soft_sprite(), options).alpha
    assert alpha is not None
    assert np.array_equal(alpha, np.where(soft_sprite()[..., 3] >= level, 255, 0))


@pytest.mark.parametrize("algorithm", [*ALGORITHMS, "custom"])
def test_alpha_is_dithered_and_keeps_its_mean(algorithm: str) -> None:
    kernel = [[0, 0, 7], [3, 5, 1]] if algorithm == "custom" else None
    options = Options(
        algorithm=algorithm, kernel=kernel, palette="pico-8", alpha="dither", candidates=64
    )
    given_alpha = soft_sprite()[..., 3]
    alpha = dither(soft_sprite(), options).alpha
    assert alpha is not None
    assert set(np.unique(alpha).tolist()) == {0, 255}
    assert not alpha[given_alpha == 0].any()
    assert alpha[given_alpha == 255].all()
    keeps_tone = algorithm == "custom" or ALGORITHMS[algorithm].keeps_tone
    if keeps_tone:
        halves = [part.mean() - want.mean() for part, want in zip(
            np.split(alpha.astype(float), 4, axis=1), np.split(given_alpha, 4, axis=1), strict=True
        )]  # fmt: skip
        assert np.abs(halves).max() < 12


@pytest.mark.parametrize("alpha", ["threshold", "dither"])
@pytest.mark.parametrize("form", ["png", "gif"])
def test_a_soft_edged_sprite_has_few_colours(alpha: Any, form: Any) -> None:
    """With alpha kept it has as many as there are pairs of colour and alpha."""
    done = dither_bytes(png(soft_sprite()), Options(palette="pico-8", alpha=alpha, format=form))
    with Image.open(io.BytesIO(done.data)) as image:
        assert image.mode == "P"
        colours = image.convert("RGBA").getcolors(10_000)
    assert colours is not None
    assert len(colours) <= 17


def test_opaque_pictures_stay_opaque() -> None:
    picture = noise(9, 9, 4)
    picture[..., 3] = 200
    assert dither(picture, Options(alpha="threshold", alpha_level=200)).alpha is None


# ---- resample


@settings(max_examples=50, deadline=None)
@given(
    size=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    new=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    depth=st.sampled_from([3, 4]),
)
def test_nearest_makes_no_new_colours(
    size: tuple[int, int], new: tuple[int, int], depth: int
) -> None:
    picture = noise(*size, depth)
    options = Options(
        width=new[1], height=new[0], resample="nearest", channels=256, algorithm="none"
    )
    done = dither(picture, options)
    rows, columns = (
        ((2 * np.arange(n) + 1) * s) // (2 * n) for n, s in zip(new, size, strict=True)
    )
    expected = picture[rows][:, columns]
    assert np.array_equal(done.rgb()[expected[..., -1] > 0], expected[expected[..., -1] > 0][:, :3]
                          ) if depth == 4 else np.array_equal(done.rgb(), expected)  # fmt: skip


def test_nearest_enlarges_in_squares() -> None:
    picture = noise(5, 7, 3)
    options = Options(width=28, resample="nearest", channels=256, algorithm="none")
    expected = picture.repeat(4, axis=0).repeat(4, axis=1)
    assert np.array_equal(dither(picture, options).rgb(), expected)


def test_nearest_of_sixteen_bits() -> None:
    deep = np.random.default_rng(3).integers(0, 256, (6, 6)).astype(np.uint16) * np.uint16(257)
    file = io.BytesIO()
    Image.fromarray(deep).save(file, "PNG")
    options = Options(width=3, resample="nearest", palette="gray", channels=256, algorithm="none")
    with Image.open(io.BytesIO(dither_bytes(file.getvalue(), options).data)) as image:
        assert np.array_equal(np.asarray(image.convert("L")), deep[1::2, 1::2] // 257)


# ---- levels per channel


@pytest.mark.parametrize("counts", [(2, 3, 4), (5, 6, 5), (32, 64, 32), (2, 2, 256), (256, 2, 9)])
@pytest.mark.parametrize("algorithm", ["floyd-steinberg", "blue-noise", "knoll", "none"])
def test_each_channel_has_its_levels(counts: tuple[int, int, int], algorithm: str) -> None:
    picture = noise(64, 64, 3)
    options = Options(channels=list(counts), algorithm=algorithm)
    done = dither(picture, options)
    found = done.rgb()
    for channel, count in enumerate(counts):
        levels = np.floor(np.arange(count) * 255 / (count - 1) + 0.5)
        assert set(np.unique(found[..., channel])) <= set(levels)
    assert done.indexed is (math.prod(counts) <= 256)
    if done.indexed:
        assert len(done.palette) == math.prod(counts)
    file = dither_bytes(png(picture), options)
    assert file.colours == math.prod(counts)
    with Image.open(io.BytesIO(file.data)) as image:
        assert np.array_equal(np.asarray(image.convert("RGB")), found)


@pytest.mark.parametrize(
    "algorithm",
    [
        *("floyd-steinberg", "ostromoukhov", "zhou-fang"),
        *("blue-noise", "halftone", "white-noise", "none"),
    ],
)
def test_a_channel_is_dithered_as_where_all_have_its_number(algorithm: str) -> None:
    picture = noise(48, 40, 3)
    mixed = dither(picture, Options(channels=[2, 4, 4], algorithm=algorithm)).rgb()
    for channel, count in enumerate((2, 4, 4)):
        alike = dither(picture, Options(channels=count, algorithm=algorithm)).rgb()
        assert np.array_equal(mixed[..., channel], alike[..., channel])


def test_grey_pictures_have_levels_per_channel_too() -> None:
    done = dither(ramp(), Options(channels=[2, 3, 4]))
    assert done.rgb().shape == (64, 256, 3)
    assert len(done.palette) == 24


# ---- matrix


def test_a_matrix_of_bayer_s_ranks_is_bayer_s() -> None:
    matrix = (bayer_ranks(8) * 7.5 - 3).tolist()
    picture = noise(40, 50, 3)
    for palette in ("channels", "gray", "pico-8"):
        own = dither(picture, Options(algorithm="custom-matrix", matrix=matrix, palette=palette))
        bayer = dither(picture, Options(algorithm="bayer-8", palette=palette))
        assert np.array_equal(own.indices, bayer.indices)


def test_equal_numbers_share_the_middle_of_their_thresholds() -> None:
    assert np.array_equal(from_values([[0, 2], [3, 1]]), from_ranks(np.array([[0, 2], [3, 1]])))
    assert from_values([[5, 5, 5, 5]]).tolist() == [[32768] * 4]
    assert from_values([[1, 1, 9, 9]]).tolist() == [[16384, 16384, 49152, 49152]]


@settings(max_examples=30, deadline=None)
@given(
    matrix=st.integers(1, 9).flatmap(
        lambda width: st.lists(
            st.lists(
                st.floats(allow_nan=False, allow_infinity=False), min_size=width, max_size=width
            ),
            min_size=1,
            max_size=9,
        )
    ),
    code=st.integers(0, 255),
)
def test_a_matrix_keeps_tone_as_finely_as_it_has_different_numbers(
    matrix: list[list[float]], code: int
) -> None:
    picture = np.full((len(matrix) * 2, len(matrix[0]) * 2), code, np.uint8)
    options = Options(algorithm="custom-matrix", matrix=matrix, palette="gray")
    light = dither(picture, options).rgb()[..., 0].mean() / 255
    counts = np.unique(np.array(matrix), return_counts=True)[1]
    assert abs(light - srgb_to_linear(np.array(code / 255))) <= counts.max() / counts.sum() + 1e-3


@pytest.mark.parametrize("matrix", [[], [[]], [[1.0]] * 65, [[1.0] * 65], [[1.0], [1.0, 2.0]]])
def test_a_matrix_has_rows_of_one_length(matrix: list[list[float]]) -> None:
    with pytest.raises(EngineError, match="matrix"):
        Options(algorithm="custom-matrix", matrix=matrix)


# ---- strength


@pytest.mark.parametrize("palette", ["gray", "channels", "pico-8"])
@pytest.mark.parametrize("algorithm", ["bayer-8", "blue-noise", "o4x4", "white-noise"])
def test_more_strength_makes_more_of_the_pattern(algorithm: str, palette: str) -> None:
    picture = np.full((64, 64, 3), 100, np.uint8)
    changes = [
        int((np.diff(dither(picture, options).indices.astype(int), axis=1) != 0).sum())
        for options in (
            Options(algorithm=algorithm, palette=palette, strength=strength)
            for strength in (0.0, 1.0, 2.0)
        )
    ]
    assert changes[0] < changes[1] < changes[2]


def test_strength_above_1_is_1_where_it_would_run_away() -> None:
    for name in ("floyd-steinberg", "zhou-fang", "riemersma", "knuth-dot-diffusion", "knoll"):
        assert Options(algorithm=name, strength=1.7).digest() == Options(algorithm=name).digest()
    for name in ("bayer-8", "halftone"):
        assert Options(algorithm=name, strength=1.7).digest() != Options(algorithm=name).digest()
