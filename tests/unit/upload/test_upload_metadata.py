"""Metadata are gone from what is stored, and the picture is the same, pixel for pixel."""

import io
import struct
import zlib
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, PngImagePlugin

from dither_engine.decode import open_bytes
from dither_engine.errors import EngineError
from tests.support.pictures import animation, heic, picture
from upload_service.metadata import CannotStripError, strip

SECRET = b"SECRETPLACE"
KINDS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "AVIF", "HEIC", "BMP")
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def exif(orientation: int = 1) -> bytes:
    found = Image.Exif()
    found[0x0112] = orientation
    found[0x010F] = SECRET.decode()  # the camera's maker
    found.get_ifd(0x8825)[0x001D] = SECRET.decode()  # GPS
    found.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0" + SECRET  # a comment
    return found.tobytes()


def with_metadata(kind: str, orientation: int = 1, **options: Any) -> bytes:
    """A picture with metadata in every place that Pillow can write."""
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + SECRET + b"</x:xmpmeta>"
    options |= {"icc_profile": PROFILE}
    match kind:
        case "GIF":
            return picture(kind, comment=SECRET)
        case "BMP":
            return picture(kind)
        case "PNG":
            texts = PngImagePlugin.PngInfo()
            texts.add_text("Comment", SECRET.decode())
            texts.add_itxt("XML:com.adobe.xmp", xmp.decode())
            return picture(kind, pnginfo=texts, exif=exif(orientation), **options)
        case "TIFF":
            tags: dict[int, Any] = {
                270: SECRET.decode(),
                315: SECRET.decode(),
                700: xmp,
                33723: SECRET,
            }
            tags |= {274: orientation, 34377: SECRET}
            return picture(kind, tiffinfo=tags, **options)
        case "HEIC":
            across = Image.linear_gradient("L").resize((40, 30)).convert("RGB")
            return heic(across, exif=exif(), xmp=xmp, **options)
        case "JPEG":
            options["comment"] = SECRET
    return picture(kind, exif=exif(orientation), xmp=xmp, **options)


def pixels(data: bytes) -> list[np.ndarray[Any, Any]]:
    """As the engine sees them: upright, and with the profile's colours."""
    source = open_bytes(data, 50_000_000, 500)
    return [np.asarray(frame.pixels) for frame in source.frames()]


def opened(data: bytes) -> Any:
    return Image.open(io.BytesIO(data))


def same(first: bytes, second: bytes) -> bool:
    ours, theirs = pixels(first), pixels(second)
    return len(ours) == len(theirs) and all(map(np.array_equal, ours, theirs))


@pytest.mark.parametrize("kind", KINDS)
def test_no_metadata_are_left_and_the_pixels_are_the_same(kind: str) -> None:
    data = with_metadata(kind)
    assert (SECRET in data) == (kind not in {"BMP"}), "the test's own file has what is to go"
    stripped = strip(data)
    assert SECRET not in stripped
    assert SECRET not in zlib_parts(stripped)
    assert same(data, stripped)
    assert strip(stripped) == stripped


def zlib_parts(data: bytes) -> bytes:
    """What a PNG's compressed texts would say."""
    return b"".join(
        zlib.decompressobj().decompress(data[at:])
        for at in range(len(data))
        if data[at : at + 2] in {b"x\x9c", b"x\xda"} and b"Text" in data[at - 99 : at]
    )


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_the_picture_stays_the_right_way_up(kind: str, orientation: int) -> None:
    data = with_metadata(kind, orientation)
    stripped = strip(data)
    assert same(data, stripped)
    assert pixels(stripped)[0].shape[:2] == ((40, 30) if orientation > 4 else (30, 40))
    assert SECRET not in stripped


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIC"])
def test_the_colour_profile_stays(kind: str) -> None:
    stripped = strip(with_metadata(kind))
    assert open_bytes(stripped).profile == PROFILE


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_an_animation_stays_one(kind: str) -> None:
    data = animation(kind)
    stripped = strip(data + SECRET)
    assert SECRET not in stripped
    assert same(data, stripped)
    before, after = opened(data), opened(stripped)
    assert before.n_frames == after.n_frames > 1
    for name in ("loop", "duration"):
        assert before.info.get(name) == after.info.get(name)


@pytest.mark.parametrize(
    "options",
    [
        {"progressive": True},
        {"restart_marker_rows": 1},
        {"subsampling": 2},
        {"quality": 100},
    ],
)
def test_every_kind_of_jpeg(options: dict[str, Any]) -> None:
    data = picture("JPEG", (333, 217), comment=SECRET, **options)
    stripped = strip(data)
    assert same(data, stripped)
    assert SECRET not in stripped


@pytest.mark.parametrize("mode", ["CMYK", "L"])
def test_a_jpeg_of_other_colours(mode: str) -> None:
    file = io.BytesIO()
    Image.radial_gradient("L").convert(mode).save(file, "JPEG", exif=exif())
    assert same(file.getvalue(), strip(file.getvalue()))


def test_the_second_picture_of_a_phones_jpeg_goes() -> None:
    file = io.BytesIO()
    first, second = Image.new("RGB", (40, 30), "red"), Image.new("RGB", (20, 10), "blue")
    first.save(file, "MPO", save_all=True, append_images=[second])
    stripped = strip(file.getvalue())
    assert stripped.count(b"\xff\xd8\xff") == 1
    assert b"MPF" not in stripped
    assert same(file.getvalue(), stripped)


def test_a_jfif_thumbnail_goes() -> None:
    data = picture("JPEG")
    segment = b"JFIF\0\1\1\0\0\1\0\1\3\1" + SECRET[:9]
    grown = data[:2] + struct.pack(">HH", 0xFFE0, len(segment) + 2) + segment + data[20:]
    stripped = strip(grown)
    assert SECRET[:9] not in stripped
    assert same(data, stripped)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_deflate", "jpeg", "packbits"])
@pytest.mark.parametrize("big", [False, True])
def test_every_kind_of_tiff(compression: str, big: bool) -> None:
    data = picture(
        "TIFF", (300, 200), compression=compression, big_tiff=big, tiffinfo={270: SECRET.decode()}
    )
    stripped = strip(data)
    assert same(data, stripped)
    assert SECRET not in stripped


def test_all_pages_of_a_tiff() -> None:
    file = io.BytesIO()
    pages = [Image.new("RGB", (9, 9), colour) for colour in ("red", "lime", "blue")]
    info = {270: SECRET.decode()}
    pages[0].save(file, "TIFF", save_all=True, append_images=pages[1:], tiffinfo=info)
    stripped = strip(file.getvalue())
    assert SECRET not in stripped
    image = opened(stripped)
    assert image.n_frames == 3
    image.seek(2)
    assert image.convert("RGB").getpixel((0, 0)) == (0, 0, 255)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(KINDS), st.binary(min_size=1, max_size=64), st.data())
def test_a_damaged_file_is_stripped_or_refused(
    kind: str, noise: bytes, data: st.DataObject
) -> None:
    """Whether its picture is whole is judged afterwards, of the file that is stored."""
    whole = bytearray(with_metadata(kind))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at : at + len(noise)] = noise
    with suppress(CannotStripError):
        strip(bytes(whole))


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_cut_off_is_not_made_whole(kind: str) -> None:
    whole = with_metadata(kind)
    for at in range(0, len(whole), 97):
        with suppress(CannotStripError, EngineError):
            assert same(whole, strip(whole[:at])), "what is accepted is the whole picture"


def iloc(items: int, extents: int) -> bytes:
    """A list of items whose places have no bytes at all."""
    listed = struct.pack(">IHH", 0, 0, items) + struct.pack(">HHH", 1, 0, extents) * items
    boxes = [(b"iinf", bytes(6)), (b"iloc", listed)]
    inside = bytes(4) + b"".join(struct.pack(">I4s", 8 + len(b), n) + b for n, b in boxes)
    return (
        struct.pack(">I4s4sI", 16, b"ftyp", b"avif", 0)
        + struct.pack(">I4s", 8 + len(inside), b"meta")
        + inside
    )


def test_what_would_take_for_ever_is_refused() -> None:
    """Each says that it has far more parts than bytes, or has very many tiny ones."""
    jpeg, png = picture("JPEG"), picture("PNG")
    tiny = b"\xff\xe1\0\x08Exif\0\0"
    chunk = struct.pack(">I4sI", 0, b"teXt", 0)
    pages = 900
    # 200 KB of places and 200 KB of sizes, the same for every page.
    tags = b"".join(struct.pack("<HHII", number, 4, 50_000, 8) for number in (273, 279))
    tiff = bytearray(b"II*\0" + struct.pack("<I", 200_016) + bytes(200_008))
    for page in range(pages):
        following = 0 if page == pages - 1 else len(tiff) + 30
        tiff += struct.pack("<H", 2) + tags + struct.pack("<I", following)
    for hostile in (
        jpeg[:2] + 6000 * tiny + jpeg[2:],
        png[:33] + 100_001 * chunk + png[33:],
        bytes(tiff),
        iloc(60, 65_535),
    ):
        with pytest.raises(CannotStripError):
            strip(hostile)


def test_what_is_no_picture_stays_for_the_decoder_to_refuse() -> None:
    assert strip(b"no picture") == b"no picture"
    assert strip(b"") == b""


@pytest.mark.parametrize("place", [2**62, 2**63, 2**64 - 1])
def test_a_tiff_whose_page_is_beyond_all_memory_is_not_understood(place: int) -> None:
    with pytest.raises(CannotStripError):
        strip(struct.pack("<4sHHQ", b"II+\0", 8, 0, place))
