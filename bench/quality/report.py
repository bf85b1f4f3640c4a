"""Every algorithm on scikit-image's photographs and on flat greys."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from bench.quality.measures import Light, hvs_psnr, low_pass_ssim, spectrum
from dither_engine import Options, dither
from dither_engine.algorithms import ALGORITHMS, VARIABLE
from dither_engine.light import srgb_to_linear

PHOTOGRAPHS = (
    "astronaut",
    "brick",
    "camera",
    "chelsea",
    "coffee",
    "coins",
    "grass",
    "gravel",
    "moon",
)
GREYS = (64, 100, 137, 160, 188, 210)
SIDE = 512
_LINEAR = srgb_to_linear(np.arange(256) / 255)


@dataclass(frozen=True)
class Row:
    """Means over the photographs and over the greys."""

    algorithm: str
    psnr: float
    ssim: float
    blueness: float
    anisotropy: float


@cache
def photograph(name: str) -> NDArray[np.uint8]:
    """Grey, at most 512 × 512 from the middle, ``uint8``."""
    picture = np.asarray(Image.fromarray(getattr(data, name)()).convert("L"))
    top, left = max((picture.shape[0] - SIDE) // 2, 0), max((picture.shape[1] - SIDE) // 2, 0)
    return np.ascontiguousarray(picture[top : top + SIDE, left : left + SIDE])


def dithered(picture: NDArray[np.uint8], algorithm: str) -> Light:
    """Light of the picture dithered to black and white, with the published scan order.

    That is serpentine for tone-dependent coefficients, left to right for fixed ones.
    """
    serpentine = ALGORITHMS[algorithm].family == VARIABLE
    result = dither(picture, Options(algorithm=algorithm, palette="gray", serpentine=serpentine))
    return np.take(_LINEAR, result.rgb()[:, :, 0])


def measure(
    algorithm: str, pictures: Iterable[NDArray[np.uint8]], greys: Iterable[int], side: int = SIDE
) -> Row:
    """One row of the table."""
    pairs = [(dithered(picture, algorithm), np.take(_LINEAR, picture)) for picture in pictures]
    flats = [dithered(np.full((side, side), grey, np.uint8), algorithm) for grey in greys]
    spectra = [spectrum(flat) for flat in flats if 0 < flat.mean() < 1]
    return Row(
        algorithm,
        _mean(hvs_psnr(got, wanted) for got, wanted in pairs),
        _mean(low_pass_ssim(got, wanted) for got, wanted in pairs),
        _mean(found.blueness for found in spectra),
        _mean(found.anisotropy for found in spectra),
    )


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed) if listed else float("nan")


def rows(algorithms: Iterable[str] = tuple(ALGORITHMS)) -> Iterator[Row]:
    """The whole table, row by row as they are measured."""
    for algorithm in algorithms:
        yield measure(algorithm, map(photograph, PHOTOGRAPHS), GREYS)


def line(row: Row) -> str:
    """A line of a Markdown table."""
    figures = (row.psnr, row.ssim, row.blueness, row.anisotropy)
    shown = (
        "–" if np.isnan(value) else f"{value:.{places}f}"
        for value, places in zip(figures, (2, 4, 1, 1), strict=True)
    )
    return f"| {row.algorithm} | {' | '.join(shown)} |"


HEAD = (
    "| algorithm | HVS-PSNR, dB | SSIM | blueness, dB | anisotropy, dB |\n|---|---:|---:|---:|---:|"
)
