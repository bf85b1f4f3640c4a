"""Measures of a dithered picture, all in linear light, 0 to 1.

The eye model is R. Näsänen's contrast sensitivity function ("Visibility of halftone dot textures",
IEEE Trans. SMC 14(6), 1984) at 300 dots an inch, 9.5 inches and 11 cd/m². It is a low-pass filter:
in halftones only the coarse structure is visible.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

Light = NDArray[np.float64]

_PIXELS_A_DEGREE = 300 * 9.5 * math.pi / 180
_DECAY = 1 / (0.525 * math.log(11) + 3.91)
_SEGMENT = 64


def _frequencies(shape: tuple[int, ...]) -> tuple[Light, Light]:
    """Frequencies in cycles per pixel, vertical and horizontal."""
    down, across = (np.asarray(np.fft.fftfreq(side), np.float64) for side in shape)
    return down[:, None], across[None, :]


def seen(picture: Light) -> Light:
    """The picture blurred by the eye model; mirrored at its edges."""
    mirrored = np.block([[picture, picture[:, ::-1]], [picture[::-1], picture[::-1, ::-1]]])
    down, across = _frequencies(mirrored.shape)
    sensitivity = np.exp(-_DECAY * np.hypot(down, across) * _PIXELS_A_DEGREE)
    blurred = np.fft.ifft2(np.fft.fft2(mirrored) * sensitivity).real
    return blurred[: picture.shape[0], : picture.shape[1]]


def aligned(picture: Light, target: Light) -> Light:
    """``picture`` shifted by the fraction of a pixel that brings it nearest to ``target``.

    Error diffusion shifts a picture slightly along its scan, which is not visible.
    """
    spectrum = np.fft.fft2(picture)
    down, across = _frequencies(picture.shape)
    shift = np.zeros(2)
    moved = picture
    for _ in range(4):
        slopes = np.stack([axis.ravel() for axis in np.gradient(moved)], axis=1)
        step, *_ = np.linalg.lstsq(slopes, (target - moved).ravel(), rcond=None)
        shift = np.clip(shift + step, -1, 1)
        turn = np.exp(2j * np.pi * (down * shift[0] + across * shift[1]))
        moved = np.fft.ifft2(spectrum * turn).real
    return moved


def hvs_psnr(picture: Light, target: Light) -> float:
    """Peak signal-to-noise ratio of the blurred pictures, dB, aligned; the margin is ignored."""
    reference = seen(target)
    error = (aligned(seen(picture), reference) - reference)[8:-8, 8:-8]
    return float(-10 * np.log10(np.mean(error * error)))


def low_pass_ssim(picture: Light, target: Light) -> float:
    """Structural similarity of the blurred pictures (Z. Wang et al., 2004), aligned."""
    reference = seen(target)
    similarity: Callable[..., Any] = structural_similarity
    return float(similarity(aligned(seen(picture), reference), reference, data_range=1))


@dataclass(frozen=True)
class Spectrum:
    """Radially averaged power of a dithered flat grey (R. Ulichney, "Digital Halftoning", 1987).

    blueness: power below half the principal frequency, compared with white noise of the same tone:
        how much less it is, dB; more is better.
    anisotropy: variance divided by squared mean of the power on a ring, averaged over all rings
        with their power as weight, dB; less is better (no visible direction).
    """

    blueness: float
    anisotropy: float


def spectrum(picture: Light) -> Spectrum:
    """The spectrum of a dithered flat grey, two levels; sides are multiples of 64, best 512."""
    tone = float(picture.mean())
    side = _SEGMENT
    pieces = [
        picture[y : y + side, x : x + side] - tone
        for y in range(0, picture.shape[0] - side + 1, side)
        for x in range(0, picture.shape[1] - side + 1, side)
    ]
    power = np.mean([np.abs(np.fft.fft2(piece)) ** 2 for piece in pieces], axis=0) / side**2
    power /= tone * (1 - tone)
    radius = np.hypot(*_frequencies(power.shape))
    ring = np.rint(radius * side).astype(int)
    rings = [power[ring == r] for r in range(1, ring.max() + 1)]
    uneven = sum(float(found.size * np.var(found) / found.mean()) for found in rings if found.any())
    principal = math.sqrt(min(tone, 1 - tone))
    low = power[(ring >= 1) & (radius < principal / 2)]
    return Spectrum(
        float(-10 * np.log10(max(low.mean(), 1e-6))),
        10 * math.log10(uneven / float(power[ring >= 1].sum())),
    )
