"""Memory that is used again, and pictures dithered in pieces: the same pictures as whole."""

import gc
import io
from collections import deque

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from dither_engine import EngineError, Options, dither, dither_bytes, footprint, memory
from dither_engine.algorithms import ALGORITHMS, module_of
from dither_engine.compiled.packing import contiguous
from dither_engine.decode import open_bytes
from dither_engine.memory import KEPT, SMALL, reusable
from dither_engine.methods import in_pieces
from dither_engine.pillow_memory import in_one_block, pixels_in_place
from dither_engine.tones import grey_tones

Pixels = NDArray[np.uint8]


def noise(seed: int, *shape: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def place(array: Pixels) -> int:
    return int(array.__array_interface__["data"][0])


def test_memory_is_used_again_when_the_last_view_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_free", deque())  # nothing that other tests gave back
    array = reusable((512, 512), np.uint8)
    array[:] = 7
    view, first = array[5:], place(array)
    del array
    other = reusable((512, 512), np.uint8)
    assert place(other) != first
    other[:] = 0
    assert (view == 7).all()
    del view, other
    gc.collect()
    again = [reusable((512, 512), np.uint8) for _ in range(2)]
    assert first in {place(array) for array in again}


@pytest.mark.parametrize("size", [1, SMALL - 1, SMALL, 3 * SMALL, KEPT])
def test_an_array_has_the_shape_and_type_asked_for(size: int) -> None:
    array = reusable((size // 8, 2), np.int16)
    assert array.shape == (size // 8, 2)
    assert array.dtype == np.int16
    assert array.flags.c_contiguous
    assert array.flags.writeable


def test_large_memory_is_given_back() -> None:
    arrays = [reusable(size, np.uint8) for size in (KEPT, *[KEPT // 3] * 5)]
    del arrays
    gc.collect()
    assert sum(piece.nbytes for piece in memory._free) <= KEPT


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (64, 33), (3000, 3000)])
def test_pillows_pixels_are_read_where_they_are(size: tuple[int, int]) -> None:
    expected = noise(1, size[1], size[0], 3)
    with in_one_block():
        image = Image.fromarray(expected)
    pixels = pixels_in_place(image)
    assert pixels.strides == (4 * size[0], 4, 1)
    del image
    assert (pixels == expected).all()
    assert (contiguous(pixels) == expected).all()
    assert not pixels.flags.writeable


@pytest.mark.parametrize("size", [(1, 1), (17, 9), (500, 300)])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_is_decoded_into_the_pool(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], mode: str
) -> None:
    monkeypatch.setattr(memory, "_free", deque([np.full(4 * 500 * 300, 77, np.uint8)]))
    file = io.BytesIO()
    Image.fromarray(noise(5, size[1], size[0], 3)).convert(mode).save(file, "JPEG")
    expected = np.asarray(Image.open(file).convert("L" if mode == "L" else "RGB"))
    (frame,) = open_bytes(file.getvalue()).frames()
    assert (frame.pixels.squeeze(2) if mode == "L" else frame.pixels).tolist() == expected.tolist()
    assert len(memory._free) == (size != (500, 300) or mode != "RGB")


def test_a_jpeg_cut_short_is_damaged_however_much_is_missing() -> None:
    file = io.BytesIO()
    Image.fromarray(noise(5, 300, 500, 3)).save(file, "JPEG")
    for length in range(1000, len(file.getvalue()), 9000):
        with pytest.raises(EngineError, match="damaged"):
            list(open_bytes(file.getvalue()[:length]).frames())


def test_an_image_in_several_blocks_is_copied() -> None:
    expected = noise(2, 4000, 3000, 3)
    assert (pixels_in_place(Image.fromarray(expected)) == expected).all()


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"palette": "gray"},
        {"palette": "pico-8"},
        {"palette": "pico-8", "serpentine": True},
        {"palette": "spectra-6", "serpentine": True, "strength": 0.5, "gamma": 1.5},
        {"palette": "black-white-red", "contrast": 0.3},
        {"palette": "gameboy"},
        {"channels": 40},
        {"serpentine": True},
        {"algorithm": "none"},
        {"algorithm": "none", "palette": "pico-8"},
        {"algorithm": "none", "palette": "spectra-6", "distance": "ciede2000"},
        {"algorithm": "none", "palette": "black-white-red"},
        {"algorithm": "bayer-8"},
        {"algorithm": "blue-noise", "channels": 5},
        {"algorithm": "white-noise"},
        {"algorithm": "halftone", "angle": 20},
        {"algorithm": "bayer-2", "strength": 0.5},
        {"algorithm": "riemersma"},
        {"algorithm": "riemersma", "palette": "spectra-6"},
        {"algorithm": "jarvis-judice-ninke", "palette": "spectra-6"},
        {"palette": "pico-8", "distance": "ciede2000"},
    ],
    ids=str,
)
@pytest.mark.parametrize("depth", [1, 3, 4])
def test_in_pieces_a_picture_is_the_same(fields: dict[str, object], depth: int) -> None:
    """A file is dithered and written in pieces of 128 rows, an array as a whole."""
    pixels = noise(3, 300, 37, depth)
    pixels[60:200, 9:] = pixels[60:200, 9:, :1]  # greys are dithered by themselves
    if depth == 4:
        pixels[..., 3] = np.where(pixels[..., 3] < 128, 0, 255)
    options = Options.parse(fields)
    whole = dither(pixels, options)
    file = io.BytesIO()
    Image.fromarray(pixels[..., 0] if depth == 1 else pixels).save(file, "PNG")
    with Image.open(io.BytesIO(dither_bytes(file.getvalue(), options).data)) as image:
        found = np.asarray(image.convert("RGBA"))
    expected = np.asarray(whole.to_pillow().convert("RGBA"))
    shown = expected[..., 3] > 0
    assert (found[..., 3] == expected[..., 3]).all()
    assert (found[shown] == expected[shown]).all()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_footprint_knows_the_methods_that_work_in_pieces(algorithm: str) -> None:
    in_parts = module_of(algorithm) in footprint._PIECE_BY_PIECE
    assert in_parts == in_pieces(algorithm, grey_tones(2, "linear").levels)
