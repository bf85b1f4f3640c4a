"""Whatever is wrong, one exception, one sentence, and nothing decoded that is too large."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from dither_engine import EngineError, Options, dither, dither_bytes, pipeline


def saved(form: str, size: tuple[int, int] = (60, 50)) -> bytes:
    file = io.BytesIO()
    noise = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), np.uint8)
    Image.fromarray(noise).save(file, form)
    return file.getvalue()


def fails(data: bytes, **limits: int) -> str:
    with pytest.raises(EngineError) as caught:
        dither_bytes(data, Options(), **limits)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "0x" not in sentence
    return sentence


@pytest.mark.parametrize(
    "data",
    [b"", b"\0", b"not an image", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\0\0\0\0WEBP", b"<svg/>"],
)
def test_what_is_no_image_is_refused(data: bytes) -> None:
    fails(data)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP", "AVIF", "BMP", "TIFF"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_file_cut_short_is_refused(form: str, part: float) -> None:
    data = saved(form)
    fails(data[: int(len(data) * part)])


def test_formats_beyond_the_list_are_refused() -> None:
    file = io.BytesIO()
    Image.new("RGB", (4, 4)).save(file, "PPM")
    assert "PNG, JPEG, GIF, WEBP, AVIF, BMP, TIFF, HEIC" in fails(file.getvalue())


def claiming(width: int, height: int) -> bytes:
    """A PNG whose header claims a size and that has no pixels at all."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


def test_the_size_is_checked_before_any_pixel_is_decoded() -> None:
    sentence = fails(claiming(60_000, 60_000))
    assert "60,000 × 60,000" in sentence
    assert "50,000,000" in sentence
    assert "100" in fails(saved("PNG"), max_pixels=100)


def test_the_size_after_resizing_and_enlarging_is_checked_too() -> None:
    for options in (Options(width=20_000), Options(scale=32), Options(width=9, height=20_000)):
        with pytest.raises(EngineError, match="at most"):
            dither_bytes(saved("PNG"), options, max_pixels=100_000)
    with pytest.raises(EngineError, match="at most 20000 a side"):
        dither_bytes(saved("PNG", (1, 50)), Options(width=20_000))


def test_the_number_of_frames_and_their_pixels_together_are_checked() -> None:
    file = io.BytesIO()
    frames = [Image.new("L", (10, 10), grey) for grey in range(0, 200, 10)]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    assert "at most 19" in fails(file.getvalue(), max_frames=19)
    assert "all frames together" in fails(file.getvalue(), max_pixels=200)
    assert dither_bytes(file.getvalue(), Options(), max_frames=20, max_pixels=250).frames == 20


@pytest.mark.parametrize("fields", [{"width": 30, "height": 30}, {"scale": 3}])
@pytest.mark.parametrize("palette", ["gray", "adaptive:4"])
def test_all_frames_together_are_checked_at_the_size_they_will_have(
    monkeypatch: pytest.MonkeyPatch, fields: dict[str, int], palette: str
) -> None:
    file = io.BytesIO()
    frames = [Image.new("L", (10, 10), grey) for grey in range(0, 200, 10)]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])

    def work(*_: object) -> None:
        raise AssertionError("work was done before the limits were checked")

    monkeypatch.setattr(pipeline, "laid_out", work)
    options = Options.parse({"palette": palette, **fields})
    sentence = "20 frames of 30 × 30 pixels: at most 16,000 pixels in all frames together"
    with pytest.raises(EngineError, match=sentence):
        dither_bytes(file.getvalue(), options, max_pixels=2000)


@settings(max_examples=150, deadline=None)
@given(
    form=st.sampled_from(["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"]),
    places=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=6),
)
def test_damaged_bytes_are_dithered_or_refused(form: str, places: list[tuple[float, int]]) -> None:
    data = bytearray(saved(form, (20, 12)))
    for place, value in places:
        data[int(place * len(data))] = value
    try:
        done = dither_bytes(bytes(data), Options(), max_pixels=10_000, max_frames=3)
    except EngineError:
        return
    assert done.data


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((0, 5), np.uint8),
        np.zeros((5, 5, 2), np.uint8),
        np.zeros((5, 5, 5), np.uint8),
        np.zeros(5, np.uint8),
        np.zeros((5, 5), np.float64),
        np.zeros((5, 5), np.uint16),
    ],
)
def test_arrays_of_other_shapes_and_types_are_refused(array: NDArray[Any]) -> None:
    with pytest.raises(EngineError, match="An image array"):
        dither(array, Options())
