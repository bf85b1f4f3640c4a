"""Error diffusion, fast and plain, bit for bit with the textbook's; its kernels; Pillow's mean."""

from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from dither_engine import Options, dither
from dither_engine.kernels import KERNELS
from dither_engine.light import code_of_light, light_of_code
from tests.support import diffusion_reference as reference

COLOURS = ["#000000", "#e8e0c8", "#903020", "#2040a0", "#208040"]
Pixels = NDArray[np.uint8]

sizes = st.tuples(st.integers(1, 75), st.integers(1, 40))
lights = st.sampled_from(["linear", "srgb"])
strengths = st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0])
seeds = st.integers(0, 2**16)


def pixels_of(seed: int, shape: tuple[int, ...]) -> Pixels:
    """Smooth areas and noise, so that errors build up as well as jump."""
    random = np.random.default_rng(seed)
    flat = np.full(shape, random.integers(0, 256), np.uint8)
    return np.where(random.random(shape) < 0.4, random.integers(0, 256, shape), flat).astype(
        np.uint8
    )


def codes_of(count: int) -> list[int]:
    return [int(code * 255 / (count - 1) + 0.5) for code in range(count)]


def level_of(ladder: list[int]) -> Any:
    """The nearest level of one value, the midpoint upwards."""

    def choose(values: list[int], _: tuple[int, int]) -> tuple[int, list[int]]:
        k = sum(2 * values[0] >= a + b for a, b in pairwise(ladder))
        return k, [ladder[k]]

    return choose


def colour_of(colours: Pixels, light: str) -> Any:
    """The nearest colour of three values, as code values and squares; the first of equals."""
    code, table = code_of_light(light).astype(int), light_of_code(light).astype(int)[colours]

    def choose(values: list[int], _: tuple[int, int]) -> tuple[int, list[int]]:
        wanted = [code[min(max(value, 0), 8192)] for value in values]
        k = int(((colours.astype(int) - wanted) ** 2).sum(axis=1).argmin())
        return k, list(table[k])

    return choose


def expected_levels(
    pixels: Pixels, taps: Any, count: int, light: str, strength: float, serpentine: bool,
    visible: NDArray[np.bool_] | None = None,
) -> Pixels:  # fmt: skip
    """The sRGB values of the result, channel by channel."""
    table = light_of_code(light).astype(np.int64)
    codes = codes_of(count)
    seen = np.ones(pixels.shape[:2], bool) if visible is None else visible
    choose = level_of([int(table[code]) for code in codes])
    channels = [
        reference.diffuse(
            table[pixels[..., c, None]], taps, Fraction(strength), serpentine, choose, seen
        )
        for c in range(pixels.shape[2])
    ]
    return np.array(codes)[np.stack(channels, axis=-1)].astype(np.uint8)


@settings(max_examples=120, deadline=None)
@given(
    size=sizes,
    depth=st.sampled_from([1, 3]),
    kernel=st.sampled_from(list(KERNELS)),
    count=st.sampled_from([2, 2, 3, 6, 7, 32, 33, 256]),
    light=lights,
    strength=strengths,
    serpentine=st.booleans(),
    seed=seeds,
)
@example((1, 1), 3, "floyd-steinberg", 2, "linear", 1.0, False, 1)
@example((65, 1), 1, "jarvis-judice-ninke", 2, "linear", 1.0, False, 2)
@example((33, 200), 3, "stevenson-arce", 2, "srgb", 1.0, False, 3)
@example((1, 333), 1, "shiau-fan-2", 2, "srgb", 0.5, False, 4)
def test_levels_equal_the_textbook(
    size: tuple[int, int],
    depth: int,
    kernel: str,
    count: int,
    light: str,
    strength: float,
    serpentine: bool,
    seed: int,
) -> None:
    pixels = pixels_of(seed, (*size, depth))
    options = Options(
        algorithm=kernel, channels=count, light=light, strength=strength, serpentine=serpentine
    )
    done = dither(pixels, options).rgb()
    expected = expected_levels(pixels, KERNELS[kernel].taps, count, light, strength, serpentine)
    assert np.array_equal(done[..., :depth], expected)


@settings(max_examples=60, deadline=None)
@given(
    size=sizes,
    kernel=st.sampled_from(list(KERNELS)),
    light=lights,
    strength=strengths,
    serpentine=st.booleans(),
    seed=seeds,
)
@example((70, 90), "floyd-steinberg", "linear", 1.0, False, 1)
def test_palettes_equal_the_textbook(
    size: tuple[int, int], kernel: str, light: str, strength: float, serpentine: bool, seed: int
) -> None:
    pixels = pixels_of(seed, (*size, 3))
    options = Options(
        algorithm=kernel,
        palette=COLOURS,
        distance="srgb",
        light=light,
        strength=strength,
        serpentine=serpentine,
    )
    done = dither(pixels, options)
    expected = reference.diffuse(
        light_of_code(light).astype(np.int64)[pixels],
        KERNELS[kernel].taps,
        Fraction(strength),
        serpentine,
        colour_of(done.palette, light),
        np.ones(size, bool),
        limited=True,
    )
    assert np.array_equal(done.indices, expected)


@settings(max_examples=30, deadline=None)
@given(size=sizes, serpentine=st.booleans(), seed=seeds)
def test_transparent_pixels_take_and_give_nothing(
    size: tuple[int, int], serpentine: bool, seed: int
) -> None:
    pixels = pixels_of(seed, (*size, 4))
    pixels[..., 3] = np.where(pixels[..., 3] < 100, 0, pixels[..., 3])
    visible = pixels[..., 3] > 0
    done = dither(pixels, Options(serpentine=serpentine))
    taps = KERNELS["floyd-steinberg"].taps
    expected = expected_levels(pixels[..., :3], taps, 2, "linear", 1.0, serpentine, visible)
    assert np.array_equal(done.rgb()[visible], expected[visible])
    pixels[~visible, :3] = 77
    again = dither(pixels, Options(serpentine=serpentine))
    assert np.array_equal(done.rgb()[visible], again.rgb()[visible])


@settings(max_examples=60, deadline=None)
@given(
    size=sizes,
    algorithm=st.sampled_from(["ostromoukhov", "zhou-fang"]),
    count=st.sampled_from([2, 3, 16]),
    light=lights,
    strength=strengths,
    serpentine=st.booleans(),
    seed=seeds,
)
def test_variable_weights_equal_the_textbook(
    size: tuple[int, int],
    algorithm: str,
    count: int,
    light: str,
    strength: float,
    serpentine: bool,
    seed: int,
) -> None:
    pixels = pixels_of(seed, (*size, 1))
    options = Options(
        algorithm=algorithm,
        palette="gray",
        channels=count,
        light=light,
        strength=strength,
        serpentine=serpentine,
        seed=seed,
    )
    table = light_of_code(light).astype(np.int64)
    ladder = [int(table[code]) for code in codes_of(count)]

    def gap(value: int) -> tuple[int, int]:
        k = max(k for k in range(count - 1) if ladder[k] <= value)
        distance = ladder[k + 1] - ladder[k]
        return ((value - ladder[k]) * 255 + distance // 2) // distance, distance

    expected = reference.diffuse_variable(
        table[pixels],
        algorithm,
        round(strength * 65536),
        serpentine,
        seed,
        gap,
        level_of(ladder),
    )
    assert np.array_equal(dither(pixels, options).indices, expected)


@settings(max_examples=30, deadline=None)
@given(
    size=sizes,
    algorithm=st.sampled_from(["ostromoukhov", "zhou-fang"]),
    light=lights,
    serpentine=st.booleans(),
    seed=seeds,
)
def test_variable_weights_with_a_palette_equal_the_textbook(
    size: tuple[int, int], algorithm: str, light: str, serpentine: bool, seed: int
) -> None:
    pixels = pixels_of(seed, (*size, 3))
    options = Options(
        algorithm=algorithm,
        palette=COLOURS,
        distance="srgb",
        light=light,
        serpentine=serpentine,
        seed=seed,
    )
    done = dither(pixels, options)
    expected = reference.diffuse_variable(
        light_of_code(light).astype(np.int64)[pixels],
        algorithm,
        65536,
        serpentine,
        seed,
        lambda value: ((value * 255 + 4096) // 8192, 8192),
        colour_of(done.palette, light),
        limited=True,
    )
    assert np.array_equal(done.indices, expected)


PUBLISHED = {  # name: (neighbours, divisor, sum)
    "floyd-steinberg": (4, 16, 16),
    "false-floyd-steinberg": (3, 8, 8),
    "jarvis-judice-ninke": (12, 48, 48),
    "stucki": (12, 42, 42),
    "burkes": (7, 32, 32),
    "sierra": (10, 32, 32),
    "sierra-two-row": (7, 16, 16),
    "sierra-lite": (3, 4, 4),
    "atkinson": (6, 8, 6),
    "stevenson-arce": (12, 200, 200),
    "fan": (4, 16, 16),
    "shiau-fan": (4, 8, 8),
    "shiau-fan-2": (5, 16, 16),
    "simple-2d": (2, 2, 2),
}


@pytest.mark.parametrize("name", KERNELS)
def test_kernels_have_their_published_neighbours_and_sum(name: str) -> None:
    kernel = KERNELS[name]
    neighbours, divisor, total = PUBLISHED[name]
    assert (len(kernel.taps), kernel.divisor) == (neighbours, divisor)
    assert sum(weight for _, _, weight in kernel.taps) == Fraction(total, divisor)
    assert all(dy > 0 or (dy == 0 and dx > 0) for dx, dy, _ in kernel.taps)


def test_the_hexagonal_kernel_is_on_a_hexagonal_lattice() -> None:
    assert all((dx + dy) % 2 == 0 for dx, dy, _ in KERNELS["stevenson-arce"].taps)


def test_a_custom_kernel_of_floyd_and_steinbergs_weights_is_theirs() -> None:
    pixels = pixels_of(5, (50, 60, 3))
    custom = Options(algorithm="custom", kernel=[[0, 0, 7], [3, 5, 1]])
    assert np.array_equal(dither(pixels, custom).indices, dither(pixels, Options()).indices)


@settings(max_examples=30, deadline=None)
@given(
    rows=st.integers(1, 8),
    half=st.integers(1, 7),
    size=sizes,
    serpentine=st.booleans(),
    seed=seeds,
)
def test_any_custom_kernel_equals_the_textbook(
    rows: int, half: int, size: tuple[int, int], serpentine: bool, seed: int
) -> None:
    kernel = np.random.default_rng(seed).integers(0, 9, (rows, 2 * half + 1)).tolist()
    kernel[0][: half + 1] = [0] * (half + 1)
    kernel[0][-1] = 1
    total = sum(map(sum, kernel))
    taps = tuple(
        (x - half, y, Fraction(weight, total))
        for y, row in enumerate(kernel)
        for x, weight in enumerate(row)
        if weight
    )
    pixels = pixels_of(seed, (*size, 1))
    done = dither(pixels, Options(algorithm="custom", kernel=kernel, serpentine=serpentine))
    expected = expected_levels(pixels, taps, 2, "linear", 1.0, serpentine)
    assert np.array_equal(done.rgb()[..., :1], expected)


@pytest.mark.parametrize("name", ["camera", "moon", "coins"])
def test_the_mean_is_pillows(name: str) -> None:
    data = pytest.importorskip("skimage.data")
    grey = getattr(data, name)()
    ours = dither(grey, Options(palette="gray", light="srgb")).indices.mean()
    theirs = np.asarray(Image.fromarray(grey).convert("1")).mean()
    assert ours == pytest.approx(theirs, abs=0.001)


def test_srgb_128_becomes_21_6_percent_white() -> None:
    done = dither(np.full((512, 512), 128, np.uint8), Options(palette="gray"))
    assert done.indices.mean() == pytest.approx(0.2159, abs=0.001)


def test_black_stays_black_and_white_stays_white() -> None:
    for name in KERNELS:
        picture = np.zeros((64, 64), np.uint8)
        picture[:, 32:] = 255
        done = dither(picture, Options(algorithm=name, palette="gray"))
        assert np.array_equal(done.rgb()[..., 0], picture)


def test_strength_0_is_the_nearest_level() -> None:
    pixels = pixels_of(9, (40, 50, 3))
    none = dither(pixels, Options(algorithm="none"))
    assert np.array_equal(dither(pixels, Options(strength=0.0)).indices, none.indices)
