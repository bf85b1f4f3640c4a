"""Direct binary search, bit for bit with a reference that computes the whole cost each time."""

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dither_engine import Options, dither
from dither_engine.compiled.binary_search import RADIUS
from dither_engine.greys import greys_of, is_grey
from dither_engine.light import light_of_code
from dither_engine.methods import binary_search
from dither_engine.methods.binary_search import autocorrelations
from tests.support.colour_reference import within_reach
from tests.support.search_reference import Search

# sRGB → luminance, and X − Y and Y − Z of white 1 at half their weight in YyCxCz: 4096ths.
OPPONENT = [[871, 2929, 296], [1949, -2985, 1037], [686, 2134, -2820]]
sizes = st.one_of(
    st.tuples(st.integers(1, 5), st.integers(1, 5)),
    st.tuples(st.just(1), st.integers(1, 14)),
    st.tuples(st.integers(1, 14), st.just(1)),
)


def axes(light: NDArray[Any]) -> NDArray[np.int64]:
    """Light ``(…, 1 or 3)`` on the axes of the eye."""
    matrix = np.array(OPPONENT if light.shape[-1] == 3 else [[4096]])
    return np.asarray(light.astype(np.int64) @ matrix.T >> 12, np.int64)


def expected(pixels: NDArray[np.uint8], options: Options, band: int = 256) -> NDArray[np.int64]:
    """``uint8 (H, W, 1 or 3)``, or with alpha as the last of 4."""
    start = dither(pixels, options.model_copy(update={"algorithm": "blue-noise"}))
    table = light_of_code(options.light)
    depth = 1 if options.palette == "gray" else 3
    visible = pixels[..., 3] > 0 if pixels.shape[2] == 4 else np.ones(pixels.shape[:2], bool)
    colours, allowed = pixels[..., :depth], None
    if isinstance(options.palette, list) or options.palette not in ("channels", "gray"):
        colours = within_reach(
            np.ascontiguousarray(colours), start.palette, options.light, options.distance
        )
        greys = greys_of(start.palette)
        if len(greys) > 1:
            is_one = np.isin(np.arange(len(start.palette)), greys)
            allowed = is_one | ~is_grey(colours)[..., None]
    return Search(
        axes(table[colours]),
        axes(table[start.palette[:, :depth]]),
        autocorrelations(),
        visible,
        start.indices,
        band,
        allowed,
    ).run()


@settings(max_examples=40, deadline=None)
@given(
    size=sizes,
    palette=st.sampled_from(["gray", "channels", "teletext", "cga", "solarized", "c64"]),
    count=st.sampled_from([2, 3, 5]),
    light=st.sampled_from(["linear", "srgb"]),
    transparent=st.booleans(),
    seed=st.integers(0, 1000),
)
@example((1, 1), "gray", 2, "linear", False, 1)
@example((4, 5), "pico-8", 2, "linear", True, 2)
@example((5, 19), "teletext", 2, "linear", True, 3)
def test_equals_the_plain_reference(
    size: tuple[int, int], palette: str, count: int, light: str, transparent: bool, seed: int
) -> None:
    random = np.random.default_rng(seed)
    depth = 1 if palette == "gray" and not transparent else 3
    # Near each other, so that more than the nearest colour is worth a try.
    near = random.integers(20, 236) + random.normal(0, 25, (*size, depth))
    pixels = np.clip(near, 0, 255).astype(np.uint8)
    if palette == "gray":
        pixels = np.repeat(pixels[..., :1], depth, axis=2)
    if transparent:
        alpha = np.where(random.random(size) < 0.3, 0, 255).astype(np.uint8)
        pixels = np.dstack([pixels, alpha])
    count = 2 if palette == "channels" else count
    fields: dict[str, Any] = {"palette": palette, "channels": count, "light": light}
    options = Options(algorithm="direct-binary-search", **fields)
    done = dither(pixels, options)
    visible = done.alpha > 0 if done.alpha is not None else np.ones(size, bool)
    assert np.array_equal(done.indices[visible], expected(pixels, options)[visible])


@pytest.mark.parametrize("palette", ["c64", ["#000000", "#ffffff", "#e01020"]], ids=str)
def test_grey_pixels_equal_the_plain_reference(palette: Any) -> None:
    """They become greys only, also by swaps with others."""
    random = np.random.default_rng(1)
    pixels = random.integers(60, 200, (6, 13, 3), np.uint8)
    pixels[random.random((6, 13)) < 0.5] = 128
    options = Options(algorithm="direct-binary-search", palette=palette)
    assert np.array_equal(dither(pixels, options).indices, expected(pixels, options))


@pytest.mark.parametrize("size", [(2, 35), (35, 2)])
@pytest.mark.parametrize("grey", [3, 120])
def test_blocks_equal_the_plain_reference(size: tuple[int, int], grey: int) -> None:
    """Swaps across the border of a block of 32 change what two blocks owe."""
    noise = np.random.default_rng(grey).integers(0, 12, (*size, 1))
    pixels = (grey + noise).astype(np.uint8)
    options = Options(algorithm="direct-binary-search", palette="gray")
    assert np.array_equal(dither(pixels, options).indices, expected(pixels, options))


def test_bands_equal_the_plain_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each band sees the finished rows above it and the unfinished ones below."""
    monkeypatch.setattr(binary_search, "_BAND", 8)
    pixels = np.random.default_rng(3).integers(60, 160, (21, 3, 1)).astype(np.uint8)
    options = Options(algorithm="direct-binary-search", palette="gray")
    assert np.array_equal(dither(pixels, options).indices, expected(pixels, options, band=8))


def test_many_levels_are_searched_channel_by_channel() -> None:
    pixels = np.random.default_rng(8).integers(0, 256, (9, 11, 3), np.uint8)
    options = Options(algorithm="direct-binary-search", channels=9)
    done = dither(pixels, options).indices
    one = options.model_copy(update={"palette": "gray"})
    for c in range(3):
        assert np.array_equal(done[..., c], dither(pixels[..., c], one).indices)


def test_the_eye_sees_by_two_bells_and_colours_by_one() -> None:
    """The autocorrelation of the published spread, summed place by place."""
    reach = RADIUS
    places = range(-reach, reach + 1)
    for axis, bells in ((0, ((0.77, 0.36), (2.1, 0.64))), (1, ((2.4, 1.0),)), (2, ((2.4, 1.0),))):
        point = np.zeros((4 * reach + 1, 4 * reach + 1))
        for sigma, share in bells:
            bell = np.array(
                [[np.exp(-(x * x + y * y) / (2 * sigma**2)) for x in places] for y in places]
            )
            point[reach : 3 * reach + 1, reach : 3 * reach + 1] += 4096 * share * bell / bell.sum()
        point = np.rint(point).astype(np.int64)
        table = autocorrelations()[axis]
        assert abs(table.sum() - 65536) < 700  # rounded down at each of 441 places
        for v, u in ((0, 0), (0, 1), (1, 1), (3, -2), (-7, 4), (10, 10)):
            shifted = np.roll(point, (v, u), (0, 1))
            assert table[2 * reach + v, 2 * reach + u] == (point * shifted).sum() >> 8
