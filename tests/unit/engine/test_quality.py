"""The orderings of quality that the algorithms were published for, on small crops."""

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.quality.measures import aligned, hvs_psnr, seen
from bench.quality.report import Row, measure, photograph
from dither_engine import Options, dither
from dither_engine.algorithms import ALGORITHMS
from dither_engine.light import srgb_to_linear
from dither_engine.palettes import named
from dither_engine.targets import media_relative

CROPS = [photograph("camera")[60:252, 160:352], photograph("coffee")[100:292, 150:342]]
LINEAR = srgb_to_linear(np.arange(256) / 255)


@cache
def row(algorithm: str) -> Row:
    return measure(algorithm, CROPS, (64, 100, 137, 160, 188, 210), 256)


@pytest.mark.parametrize("algorithm", ["ostromoukhov", "zhou-fang"])
def test_variable_coefficients_show_less_direction_than_floyd_steinberg(algorithm: str) -> None:
    assert row(algorithm).anisotropy < row("floyd-steinberg").anisotropy


def test_blue_noise_beats_bayer() -> None:
    assert row("blue-noise").anisotropy < row("bayer-8").anisotropy
    assert row("blue-noise").psnr > row("bayer-8").psnr


def test_blue_noise_beats_white_noise() -> None:
    assert row("blue-noise").blueness > row("white-noise").blueness + 6
    assert row("blue-noise").psnr > row("white-noise").psnr + 6
    assert row("blue-noise").ssim > row("white-noise").ssim


def test_direct_binary_search_is_the_best_of_all() -> None:
    best = row("direct-binary-search").psnr
    assert {name for name in ALGORITHMS if row(name).psnr >= best} == {"direct-binary-search"}


# As they look on the panel, whose white is white.
SPECTRA_6 = ["#{:02x}{:02x}{:02x}".format(*colour) for colour in media_relative(named("spectra-6"))]


@pytest.mark.parametrize("palette", ["channels", "pico-8", SPECTRA_6], ids=str)
def test_direct_binary_search_beats_error_diffusion_in_colour(palette: str | list[str]) -> None:
    """What the eye sees of luminance."""
    photograph = np.stack([CROPS[1], CROPS[1][::-1], CROPS[1][:, ::-1]], axis=2) // 2 + 60

    def luminance(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
        weights = np.array([0.2126, 0.7152, 0.0722])
        return np.asarray(np.take(LINEAR, picture) @ weights, np.float64)

    found = {
        name: hvs_psnr(
            luminance(dither(photograph, Options(algorithm=name, palette=palette)).rgb()),
            luminance(photograph),
        )
        for name in ("direct-binary-search", "floyd-steinberg", "riemersma")
    }
    assert max(found, key=found.__getitem__) == "direct-binary-search"


def test_alignment_undoes_a_shift_of_less_than_a_pixel() -> None:
    picture = seen(np.take(LINEAR, CROPS[0]))
    turn = np.exp(-2j * np.pi * 0.4 * np.fft.fftfreq(picture.shape[1]))[None, :]
    shifted = np.fft.ifft2(np.fft.fft2(picture) * turn).real
    inner = (slice(8, -8), slice(8, -8))
    before = np.abs(shifted - picture)[inner].mean()
    assert np.abs(aligned(shifted, picture) - picture)[inner].mean() < before / 4
