"""The small picture in a mail: as light as the dither it stands for, and never a reason to fail."""

import io

import numpy as np
import pytest
from PIL import Image

from notification_service import thumbnail as module
from notification_service.thumbnail import SIDE, thumbnail


def encoded(picture: Image.Image, kind: str = "PNG") -> bytes:
    written = io.BytesIO()
    picture.save(written, kind)
    return written.getvalue()


def small(data: bytes) -> Image.Image:
    made = thumbnail(data)
    assert made is not None
    return Image.open(io.BytesIO(made))


@pytest.mark.parametrize("size", [(1, 1), (320, 200), (321, 1), (1000, 333), (3, 2000)])
def test_its_longer_side_is_bounded_and_its_shape_kept(size: tuple[int, int]) -> None:
    made = small(encoded(Image.new("RGB", size, "red")))
    assert max(made.size) <= SIDE
    factor = -(-max(size) // SIDE)
    assert made.size == (-(-size[0] // factor), -(-size[1] // factor))


def test_a_checkerboard_becomes_the_grey_of_its_light() -> None:
    board = (np.indices((640, 640)).sum(axis=0) % 2).astype(bool)
    made = small(encoded(Image.fromarray(board)))
    assert abs(int(np.asarray(made.convert("L")).mean()) - 188) <= 1, "half the light is 188"


def test_what_is_transparent_is_white() -> None:
    made = small(encoded(Image.new("RGBA", (8, 8), (255, 0, 0, 0))))
    assert made.getpixel((4, 4)) == (255, 255, 255)


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP", "BMP"])
def test_the_formats_of_results(kind: str) -> None:
    assert small(encoded(Image.new("RGB", (9, 9), "blue"), kind)).size == (9, 9)


@pytest.mark.parametrize("data", [b"", b"no picture", encoded(Image.new("L", (99, 99)))[:60]])
def test_a_file_that_is_no_picture_has_none(data: bytes) -> None:
    assert thumbnail(data) is None


def test_a_picture_that_would_take_too_much_memory_has_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_PIXELS", 80)
    assert thumbnail(encoded(Image.new("L", (9, 9)))) is None
