"""Riemersma and dot diffusion, bit for bit with plain references."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dither_service.engine import Options, dither
from dither_service.engine.light import light_of_code
from dither_service.engine.methods.dot_diffusion import CLASSES
from dither_service.engine.methods.riemersma import weights

Place = tuple[int, int]


def sign(value: int) -> int:
    return (value > 0) - (value < 0)


def curve(x: int, y: int, ax: int, ay: int, bx: int, by: int) -> list[Place]:
    """Červený's recursion: the places (x, y) of a rectangle along a generalised Hilbert curve."""
    w, h = abs(ax + ay), abs(bx + by)
    dax, day, dbx, dby = sign(ax), sign(ay), sign(bx), sign(by)
    if h == 1:
        return [(x + i * dax, y + i * day) for i in range(w)]
    if w == 1:
        return [(x + i * dbx, y + i * dby) for i in range(h)]
    ax2, ay2, bx2, by2 = ax // 2, ay // 2, bx // 2, by // 2
    if 2 * w > 3 * h:
        if abs(ax2 + ay2) % 2 and w > 2:
            ax2, ay2 = ax2 + dax, ay2 + day
        return [
            *curve(x, y, ax2, ay2, bx, by),
            *curve(x + ax2, y + ay2, ax - ax2, ay - ay2, bx, by),
        ]
    if abs(bx2 + by2) % 2 and h > 2:
        bx2, by2 = bx2 + dbx, by2 + dby
    return [
        *curve(x, y, bx2, by2, ax2, ay2),
        *curve(x + bx2, y + by2, ax, ay, bx - bx2, by - by2),
        *curve(x + ax - dax + bx2 - dbx, y + ay - day + by2 - dby, -bx2, -by2, ax2 - ax, ay2 - ay),
    ]


def whole_curve(height: int, width: int) -> list[Place]:
    if width >= height:
        return curve(0, 0, width, 0, 0, height)
    return curve(0, 0, 0, height, width, 0)


def nearest(value: int) -> int:
    return int(value >= 4096)


def plain_riemersma(light: NDArray[np.int64], strength: int) -> NDArray[np.uint8]:
    out = np.zeros(light.shape, np.uint8)
    errors = [0] * 16
    for x, y in whole_curve(*light.shape):
        carried = sum(int(w) * e for w, e in zip(weights(), errors, strict=True))
        value = int(light[y, x]) + ((carried + 32768) >> 16)
        out[y, x] = nearest(value)
        errors = [((value - 8192 * nearest(value)) * strength) >> 16, *errors[:15]]
    return out


def plain_dots(light: NDArray[np.int64], strength: int) -> NDArray[np.uint8]:
    height, width = light.shape
    values = light.copy()
    out = np.zeros(light.shape, np.uint8)
    places = sorted(np.ndindex(light.shape), key=lambda p: (CLASSES[p[0] % 8, p[1] % 8], p))
    for y, x in places:
        value = int(values[y, x])
        out[y, x] = nearest(value)
        error = ((value - 8192 * nearest(value)) * strength) >> 16
        parts = {
            (v, u): 2 if v == y or u == x else 1
            for v in range(max(y - 1, 0), min(y + 2, height))
            for u in range(max(x - 1, 0), min(x + 2, width))
            if CLASSES[v % 8, u % 8] > CLASSES[y % 8, x % 8]
        }
        if not parts:
            continue
        first = max(parts, key=lambda p: parts[p])
        shares = {p: error * part // sum(parts.values()) for p, part in parts.items()}
        shares[first] = error - sum(share for p, share in shares.items() if p != first)
        for p, share in shares.items():
            values[p] += share
    return out


@pytest.mark.parametrize(
    ("algorithm", "plain"),
    [("riemersma", plain_riemersma), ("knuth-dot-diffusion", plain_dots)],
)
@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 34),
    width=st.integers(1, 34),
    strength=st.sampled_from([0.0, 0.5, 0.9, 1.0]),
    seed=st.integers(0, 1000),
)
def test_equals_the_plain_reference(
    algorithm: str, plain: object, height: int, width: int, strength: float, seed: int
) -> None:
    assert callable(plain)
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    options = Options(algorithm=algorithm, palette="gray", strength=strength)
    light = light_of_code("linear").astype(np.int64)[pixels]
    expected = plain(light, int(strength * 65536 + 0.5))
    assert np.array_equal(dither(pixels, options).indices, expected)


@given(height=st.integers(1, 60), width=st.integers(1, 60))
def test_the_curve_visits_every_pixel_once_and_goes_to_neighbours(height: int, width: int) -> None:
    places = whole_curve(height, width)
    assert len(places) == len(set(places)) == height * width
    steps = np.abs(np.diff(np.array(places), axis=0))
    assert steps.max(initial=0) <= 1


def test_bands_do_not_show() -> None:
    """Dot diffusion works in bands of 256 rows; the reference does not."""
    pixels = np.random.default_rng(0).integers(0, 256, (530, 9), np.uint8)
    light = light_of_code("linear").astype(np.int64)[pixels]
    options = Options(algorithm="knuth-dot-diffusion", palette="gray")
    assert np.array_equal(dither(pixels, options).indices, plain_dots(light, 65536))


@pytest.mark.parametrize("algorithm", ["riemersma", "knuth-dot-diffusion", "direct-binary-search"])
def test_a_black_and_white_palette_is_two_levels(algorithm: str) -> None:
    pixels = np.tile(np.arange(256, dtype=np.uint8), (32, 1))
    levels = dither(pixels, Options(algorithm=algorithm, palette="gray"))
    colours = dither(pixels, Options(algorithm=algorithm, palette="black-white", distance="linear"))
    scale = light_of_code("linear").astype(float)
    means = [scale[picture.rgb()[:, :, 0]].mean() for picture in (levels, colours)]
    assert abs(means[0] - means[1]) < 0.01 * 8192


def test_the_weights_fall_evenly_and_keep_all_of_an_error() -> None:
    falling = weights()
    assert falling.sum() == 65536
    assert falling[0] / falling[-1] == pytest.approx(16, rel=0.01)
    assert np.allclose(falling[:-1] / falling[1:], 16 ** (1 / 15), rtol=0.01)
