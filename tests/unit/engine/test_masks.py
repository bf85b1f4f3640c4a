"""Masks: what they hold, and that the blue-noise file is what its script makes."""

import numpy as np
import pytest

from dither_engine.masks.bayer import bayer, bayer_ranks
from dither_engine.masks.noise import blue_noise, gradient_noise, white_noise
from dither_engine.masks.screen import SPOTS, screen, supercell
from dither_engine.masks.threshold_maps import MAPS
from dither_engine.masks.void_and_cluster import SEED, SIZE, void_and_cluster


def test_bayer_2_and_4_are_the_published_matrices() -> None:
    assert bayer_ranks(2).tolist() == [[0, 2], [3, 1]]
    assert bayer_ranks(4).tolist() == [[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]


@pytest.mark.parametrize("size", [2, 4, 8, 16, 32])
def test_bayers_thresholds_are_rank_and_a_half_of_all(size: int) -> None:
    expected = (bayer_ranks(size) + 0.5) / size**2
    assert np.array_equal(bayer(size) / 65536, expected)


def test_the_blue_noise_file_is_what_the_script_makes() -> None:
    made = void_and_cluster(SIZE, SEED).astype(np.int64)
    assert np.array_equal(np.sort(made, axis=None), np.arange(SIZE * SIZE))
    assert np.array_equal(blue_noise(), ((2 * made + 1) * 32768 // SIZE**2).astype(np.uint16))


def test_a_small_mask_has_every_rank_once_and_follows_its_seed() -> None:
    first, second = void_and_cluster(16, 1), void_and_cluster(16, 2)
    assert sorted(first.ravel()) == list(range(256))
    assert np.array_equal(first, void_and_cluster(16, 1))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3, 0.5, 0.8])
def test_blue_noise_is_blue_at_every_tone(share: float) -> None:
    dots = (blue_noise() < share * 65536) - share
    power = np.abs(np.fft.fft2(dots)) ** 2 / dots.size / (share * (1 - share))
    frequency = np.hypot(np.fft.fftfreq(SIZE)[:, None], np.fft.fftfreq(SIZE)[None, :])
    low = (frequency > 0) & (frequency < np.sqrt(min(share, 1 - share)) / 2)
    assert power[low].mean() < 0.2  # white noise: 1


def test_gradient_noise_is_jimenezs_formula() -> None:
    y, x = np.mgrid[0:40, 0:300]
    inner = (0.06711056 * x + 0.00583715 * y) % 1.0
    expected = (52.9829189 * inner) % 1.0
    away = np.abs(gradient_noise(0, 40, 300) / 65536 - expected)
    assert np.minimum(away, 1 - away).max() < 1e-3
    assert np.array_equal(gradient_noise(7, 40, 300), gradient_noise(0, 40, 300)[7:])


def test_white_noise_is_even_independent_and_follows_its_seed() -> None:
    noise = white_noise(0, 512, 512, 5)
    for block in (noise[:64, :64], noise[64:128, 192:256]):
        assert np.array_equal(np.sort(block, axis=None) >> 4, np.arange(4096))
    centred = noise / 65536 - 0.5
    for neighbour in (np.roll(centred, 1, 0), np.roll(centred, 1, 1), np.roll(centred, 1, (0, 1))):
        assert abs(np.corrcoef(centred.ravel(), neighbour.ravel())[0, 1]) < 0.01
    assert not np.array_equal(noise, white_noise(0, 512, 512, 6))
    assert not np.array_equal(noise, white_noise(0, 512, 512, 5, channel=1))
    assert np.array_equal(noise[100:], white_noise(100, 512, 512, 5))


@pytest.mark.parametrize("spot", SPOTS)
@pytest.mark.parametrize(("angle", "cell"), [(0.0, 4.0), (15.0, 6.0), (45.0, 8.5), (75.0, 30.0)])
def test_a_screen_keeps_angle_and_cell_and_has_every_tone(
    spot: str, angle: float, cell: float
) -> None:
    side, a, b = supercell(angle, cell)
    assert np.degrees(np.arctan2(b, a)) == pytest.approx(angle, abs=1)
    assert side / np.hypot(a, b) == pytest.approx(cell, rel=0.02)
    mask = screen(spot, angle, cell)
    assert mask.shape == (side, side)
    assert mask.min() >= 1
    assert np.bincount(mask.ravel()).max() <= 2


@pytest.mark.parametrize("angle", [0.0, 20.0, 60.0, -30.0])
def test_a_screens_lines_turn_counter_clockwise_from_the_horizontal(angle: float) -> None:
    mask = screen("halftone-line", angle, 8.0)
    tile = np.tile(mask < 32768, (3, 3))[:256, :256].astype(float)
    spectrum = np.abs(np.fft.fft2(tile - tile.mean()))
    down, across = np.unravel_index(spectrum.argmax(), spectrum.shape)
    # The waves run across the lines; an image's rows count downwards.
    normal = np.degrees(np.arctan2(np.fft.fftfreq(256)[across], np.fft.fftfreq(256)[down]))
    assert (normal - angle + 90) % 180 - 90 == pytest.approx(0, abs=2)


def test_a_screens_dots_are_clustered() -> None:
    white = screen("halftone", 0.0, 8.0) < 65536 // 8
    changes = np.mean(white != np.roll(white, 1, 1))
    assert changes < 0.15  # single pixels: 0.22


def test_the_maps_are_cloudinarys_in_its_order() -> None:
    names = "threshold checks o2x2 o3x3 o4x4 o8x8 h4x4a h6x6a h8x8a h4x4o h6x6o h8x8o h16x16o"
    names += " c5x5b c5x5w c6x6b c6x6w c7x7b c7x7w"
    assert list(MAPS) == names.split()
    for entry in MAPS.values():
        levels = [level for row in entry.rows for level in row]
        assert min(levels) == 1
        assert max(levels) == entry.divisor - 1
