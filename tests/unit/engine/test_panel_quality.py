"""On panels ``auto=natural`` is nearer to the picture than epaper-dithering with all it has."""

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.quality.panel_pictures import pictures
from bench.quality.panels import PANELS, difference, ours, theirs

MOST = 0.8  # of the error of the other program


@cache
def crops() -> list[NDArray[np.uint8]]:
    """Quarters of the pictures that differ most: strong colours, a dark scene, a screen."""
    found = dict(pictures())
    names = ("astronaut", "dark scene", "screenshot")
    return [np.ascontiguousarray(found[name][100:292, 60:252]) for name in names]


@pytest.mark.parametrize("panel", PANELS)
def test_the_error_that_the_eye_sees_is_smaller(panel: str) -> None:
    natural = [difference(ours(crop, panel, "natural"), crop, panel) for crop in crops()]
    other = [difference(theirs(crop, panel), crop, panel) for crop in crops()]
    assert sum(natural) <= MOST * sum(other)


def test_gamut_compression_lowers_the_error_of_strong_colours() -> None:
    """An orange suit on Spectra 6, whose inks cannot mix that orange."""
    suit = crops()[0]
    plain, natural = (
        difference(ours(suit, "spectra-6", look), suit, "spectra-6") for look in ("off", "natural")
    )
    assert natural < 0.9 * plain
