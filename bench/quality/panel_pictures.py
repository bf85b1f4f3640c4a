"""The eight pictures of the panel comparison: four photographs, and four of what panels show."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from skimage import data

from dither_engine.light import linear_to_srgb, srgb_to_linear

Pixels = NDArray[np.uint8]
SIDE = 384
_NIGHT = 0.1  # of the light of the photograph
_FACE = (130, 0, 330, 200)  # in scikit-image's astronaut
_READINGS = (
    (12, "Temperature", "21.4°", "#0969da"),
    (136, "Humidity", "48 %", "#1a7f37"),
    (260, "Alerts", "3", "#cf222e"),
)


def pictures() -> Iterator[tuple[str, Pixels]]:
    """Name and picture, ``uint8 (H, W, 3)``, H and W at most SIDE."""
    for name in ("astronaut", "chelsea", "coffee", "rocket"):
        yield name, _middle(_packaged(name))
    yield "caption", _captioned()
    yield "dark scene", _dark()
    yield "face", _face()
    yield "screenshot", _screenshot()


def _packaged(name: str) -> Pixels:
    """A photograph of scikit-image; of a stereo pair the left one."""
    found = getattr(data, name)()
    left: Pixels = found[0] if isinstance(found, tuple) else found
    return left


def _middle(pixels: Pixels) -> Pixels:
    image = Image.fromarray(pixels).convert("RGB")
    left, top = max((image.width - SIDE) // 2, 0), max((image.height - SIDE) // 2, 0)
    right, bottom = min(left + SIDE, image.width), min(top + SIDE, image.height)
    return np.asarray(image.crop((left, top, right, bottom)))


def _captioned() -> Pixels:
    image = Image.fromarray(_middle(_packaged("chelsea")))
    draw = ImageDraw.Draw(image)
    width, height = image.size
    draw.rectangle((0, height - 50, width, height), fill="#141820")
    draw.text((12, height - 46), "Chelsea", fill="#faf0c8", font=ImageFont.load_default(22))
    small = ImageFont.load_default(12)
    draw.text((12, height - 18), "photographed in the kitchen", fill="white", font=small)
    return np.asarray(image)


def _dark() -> Pixels:
    """The left picture of scikit-image's stereo pair of a motorcycle, at night."""
    light = srgb_to_linear(_middle(_packaged("stereo_motorcycle")) / 255) * _NIGHT
    return np.rint(linear_to_srgb(light) * 255).astype(np.uint8)


def _face() -> Pixels:
    face = Image.fromarray(_packaged("astronaut")).crop(_FACE)
    return np.asarray(face.resize((SIDE, SIDE), Image.Resampling.LANCZOS))


def _screenshot() -> Pixels:
    image = Image.new("RGB", (SIDE, SIDE), "white")
    draw = ImageDraw.Draw(image)
    small, large = ImageFont.load_default(12), ImageFont.load_default(26)
    draw.rectangle((0, 0, SIDE, 40), fill="#24292f")
    draw.text((12, 10), "Dashboard", fill="white", font=ImageFont.load_default(18))
    for x, title, value, colour in _READINGS:
        draw.rounded_rectangle((x, 54, x + 112, 124), 8, fill="#f6f8fa", outline="#d0d7de")
        draw.text((x + 10, 62), title, fill="#57606a", font=small)
        draw.text((x + 10, 82), value, fill=colour, font=large)
    draw.rounded_rectangle((12, 138, 372, 290), 8, fill="white", outline="#d0d7de")
    across = np.arange(24, 364)
    down = 220 - 40 * np.sin(across / 37) - 18 * np.sin(across / 11)
    curve = list(zip(across.tolist(), down.tolist(), strict=True))
    draw.polygon([(24, 282), *curve, (363, 282)], fill="#ddf4ff")
    draw.line(curve, fill="#0969da", width=2)
    for row in range(5):
        text = f"2026-02-0{row + 1}  living room  {20 + row * 0.3:.1f}°C   {45 + row} %"
        draw.text((12, 304 + row * 15), text, fill="#24292f", font=small)
    return np.asarray(image)
