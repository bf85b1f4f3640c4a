"""Text of 10 pixels, dithered for a panel, is read back by a program that reads print (OCR)."""

import io
import shutil
import subprocess
from difflib import SequenceMatcher
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from dither_engine import Options, dither

SIZE = (220, 54)
LINES = ("The quick brown fox jumps", "over the lazy dog near the", "river bank before midnight")
PANELS: dict[str, dict[str, Any]] = {
    "mono": {"palette": "black-white"},
    "4 greys": {"palette": "gray", "channels": 4},
    "Spectra 6": {"palette": "spectra-6"},
}
ENLARGED = 4  # for the reader, which expects letters of about 40 pixels

pytestmark = pytest.mark.skipif(
    shutil.which("tesseract") is None, reason="tesseract is not installed; tests/prepare does that"
)


def page(text: str, paper: str) -> NDArray[np.uint8]:
    image = Image.new("RGB", SIZE, paper)
    draw = ImageDraw.Draw(image)
    for row, line in enumerate(LINES):
        draw.text((8, 4 + 16 * row), line, fill=text, font=ImageFont.load_default(10))
    return np.asarray(image)


def read(pixels: NDArray[np.uint8]) -> float:
    """How much of the text is read, 0 to 1."""
    size = (SIZE[0] * ENLARGED, SIZE[1] * ENLARGED)
    file = io.BytesIO()
    Image.fromarray(pixels).convert("L").resize(size, Image.Resampling.LANCZOS).save(file, "PNG")
    found = subprocess.run(
        ["tesseract", "-", "-", "--psm", "6"],
        input=file.getvalue(),
        capture_output=True,
        check=True,
    )
    text = " ".join(found.stdout.decode().split())
    return SequenceMatcher(None, " ".join(LINES), text, autojunk=False).ratio()


@pytest.mark.parametrize("panel", PANELS)
def test_black_text_on_white_is_readable_as_it_is(panel: str) -> None:
    assert read(dither(page("black", "white"), Options(**PANELS[panel])).rgb()) > 0.9


@pytest.mark.parametrize("panel", PANELS)
@pytest.mark.parametrize("colours", [("#282828", "#ebebe1"), ("#ffffff", "#28405a")])
def test_text_of_any_colours_is_readable_where_it_is_excluded(
    panel: str, colours: tuple[str, str]
) -> None:
    """Dithered, the dots of its background would hide it."""
    options = Options(**PANELS[panel], exclude=[[0, 0, *SIZE]], auto="readable")
    assert read(dither(page(*colours), options).rgb()) > 0.9
