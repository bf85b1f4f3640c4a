"""HEIC files: what a phone writes is read; what is made to break a reader costs nothing."""

import io
import struct
import subprocess
import sys

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms

from dither_engine import EngineError, Options, dither_bytes
from dither_engine.decode import Frame, Source, open_bytes
from dither_engine.errors import Damaged, TooLarge
from dither_engine.heif import is_heif
from tests.support.pictures import heic

ORIENTATION = 0x0112


def picture(width: int = 96, height: int = 64) -> Image.Image:
    """Red above blue, so that it is seen which way up it is."""
    image = Image.new("RGB", (width, height), (200, 30, 30))
    image.paste((30, 30, 200), (0, height // 2, width, height))
    return image


def frame_of(source: Source) -> Frame:
    (frame,) = source.frames()
    assert isinstance(frame, Frame)
    return frame


def opened(data: bytes) -> Frame:
    return frame_of(open_bytes(data))


def test_a_photo_is_read() -> None:
    frame = opened(heic(picture(), quality=90))
    assert np.abs(frame.pixels.astype(int) - np.asarray(picture())).max() < 12
    made = dither_bytes(heic(picture()), Options(palette="gray"))
    assert (made.width, made.height) == (96, 64)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_photo_is_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    data = heic(picture(), exif=exif.tobytes())
    source = open_bytes(data)
    turned = orientation in (6, 8)
    assert source.size == ((64, 96) if turned else (96, 64))
    red = frame_of(source).pixels[..., 0] > 128
    seen = {1: red[:20].all(), 3: red[-20:].all(), 6: red[:, -20:].all(), 8: red[:, :20].all()}
    assert seen[orientation]


def test_transparency_and_greys_are_kept() -> None:
    image = picture().convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    assert opened(heic(image, quality=90)).mask.shape == (64, 96)
    grey = open_bytes(heic(picture().convert("L")))
    assert grey.grey
    assert frame_of(grey).pixels.shape == (64, 96, 1)


def test_a_profile_is_converted() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    plain = heic(picture())
    assert open_bytes(heic(picture(), icc_profile=lab.tobytes())).profile == lab.tobytes()
    assert open_bytes(plain).profile is None


def test_of_several_pictures_the_primary_one_is_read() -> None:
    file = io.BytesIO()
    pictures = pillow_heif.from_pillow(picture())
    pictures.add_from_pillow(picture(48, 32))
    pictures.save(file, primary_index=1)
    source = open_bytes(file.getvalue())
    assert (source.size, source.count) == ((48, 32), 1)
    assert frame_of(source).pixels.shape == (32, 48, 3)
    source.check(file.getvalue())


def test_the_limit_of_pixels_holds_before_decoding() -> None:
    data = heic(Image.new("L", (4000, 3000)))
    assert len(data) < 50_000
    with pytest.raises(TooLarge, match="4,000 × 3,000"):
        open_bytes(data, max_pixels=11_999_999)


def test_a_picture_larger_than_its_header_says_is_not_decoded() -> None:
    data = heic(Image.new("L", (4000, 3000)))
    claim = data.index(b"ispe") + 8
    source = open_bytes(data[:claim] + struct.pack(">II", 40, 30) + data[claim + 8 :])
    assert source.size == (40, 30)
    with pytest.raises(Damaged):
        source.check(data)


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def file_with(iloc: bytes, iref: bytes = b"") -> bytes:
    """A file with only the boxes that say what belongs to which item, and 1,000 bytes of data."""
    meta = box(b"meta", bytes(4), box(b"iloc", iloc), iref)
    return box(b"ftyp", b"heic", bytes(4), b"mif1heic") + meta + box(b"mdat", bytes(1000))


def item(number: int, *pieces: tuple[int, int]) -> bytes:
    head = struct.pack(">HHH", number, 0, len(pieces))
    return head + b"".join(struct.pack(">II", *piece) for piece in pieces)


def iloc(*items: bytes, widths: int = 0x4400) -> bytes:
    return bytes(4) + struct.pack(">HH", widths, len(items)) + b"".join(items)


NOTHING_PER_PIECE = bytes(4) + struct.pack(">HH", 0, 65_535) + b"\0\1\0\0\xff\xff" * 65_535


@pytest.mark.parametrize(
    "data",
    [
        file_with(iloc(*(item(number, (0, 1000)) for number in range(1, 40)))),
        file_with(iloc(item(1, *[(0, 1000)] * 40))),
        file_with(iloc(item(1, (0, 0), (0, 0), (0, 0)))),
        file_with(iloc(item(1, (0, 100_000)))),
        file_with(
            iloc(item(1, (0, 900))),
            box(b"iref", bytes(4), box(b"cdsc", struct.pack(">HH", 1, 9), bytes(18))),
        ),
        file_with(NOTHING_PER_PIECE),
        file_with(b""),
        file_with(iloc() + b"", iref=struct.pack(">I4s", 4, b"free")),
        box(b"ftyp", b"heic", bytes(4)),
        box(b"ftyp", b"heic", bytes(4)) + box(b"meta"),
    ],
    ids=[
        *("many items with the same bytes", "an item with its bytes many times"),
        *("the whole file many times", "more than the file has", "one text of many pictures"),
        *("pieces without a size", "no places", "a box smaller than its header"),
        *("only a beginning", "an empty list of items"),
    ],
)
def test_what_would_take_memory_is_refused_before_libheif_reads_it(
    data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(_: object) -> None:
        raise AssertionError("given to libheif")

    monkeypatch.setattr(pillow_heif, "HeifImageFile", read)
    assert is_heif(data)
    with pytest.raises(Damaged):
        open_bytes(data)


def test_avif_in_the_common_container_is_left_to_pillow() -> None:
    common = box(b"ftyp", b"mif1", bytes(4), b"mif1avif")
    assert not is_heif(common)
    assert is_heif(common.replace(b"avif", b"heic"))
    assert not is_heif(b"")


def test_without_its_package_the_file_is_no_image_that_can_be_read() -> None:
    code = (
        "import sys; sys.modules['pillow_heif'] = None\n"
        "from dither_engine.decode import open_bytes\n"
        "try: open_bytes(sys.stdin.buffer.read())\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, input=heic(picture()), capture_output=True, check=True)
    assert b"UnknownFormat" in done.stdout
    assert b"HEIC" not in done.stdout


def test_damage_is_one_sentence() -> None:
    data = heic(picture())
    with pytest.raises(EngineError, match="damaged or cut short"):
        open_bytes(data[: len(data) // 2])
