"""Files made to break a reader: each is refused in one sentence, or dithered, and soon."""

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from dither_engine import Encoded, EngineError, Options, dither_bytes
from dither_engine.decode import FORMATS, open_bytes
from dither_engine.integrity import without_scan
from tests.support.pictures import picture

MAGIC = (
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"GIF89a",
    b"RIFF\0\1\0\0WEBPVP8 ",
    b"BM",
    b"\0\0\0\x1cftypavif",
    b"\0\0\0\x18ftypheic\0\0\0\0",
    b"II*\0\x08\0\0\0",
    b"MM\0*\0\0\0\x08",
    b"II+\0\x08\0\0\0",
    b"",
)
ANIMATED = ("PNG", "GIF", "WEBP", "AVIF", "TIFF")
OPTIONS = Options(palette="gray")
WORDS = ("allowed", "send the whole file", "PNG, JPEG, GIF", "another format")


def saved(form: str, frames: int = 1, **options: Any) -> bytes:
    random = np.random.default_rng(2)
    pictures = [
        Image.fromarray(random.integers(0, 256, (9, 12, 3), np.uint8)) for _ in range(frames)
    ]
    if frames > 1:
        options |= {"save_all": True, "append_images": pictures[1:]}
    file = io.BytesIO()
    pictures[0].save(file, form, **options)
    return file.getvalue()


def tried(data: bytes, **limits: int) -> Encoded | str:
    """What comes out, or the sentence; every other exception fails the test."""
    try:
        return dither_bytes(data, OPTIONS, **limits)
    except EngineError as error:
        sentence = str(error)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert any(word in sentence for word in WORDS)
    return sentence


SAMPLES = {
    **{form.lower(): saved(form) for form in FORMATS},
    **{f"{form.lower()}, animated": saved(form, 3) for form in ANIMATED},
    "jpeg, progressive": saved("JPEG", progressive=True),
    "webp, lossless": saved("WEBP", lossless=True),
    "tiff, lzw": saved("TIFF", compression="tiff_lzw"),
    "tiff, deflate": saved("TIFF", compression="tiff_deflate"),
    "heic": picture("HEIC", (64, 64)),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_file_cut_anywhere_is_refused(name: str) -> None:
    """But where only an end mark, a checksum or padding is missing: the picture is the same.

    A GIF that ends after one of its frames only lacks the mark.
    """
    data = SAMPLES[name]
    whole = tried(data)
    assert isinstance(whole, Encoded)
    frames_before_cuts = set()
    for length in range(len(data)):
        found = tried(data[:length])
        if isinstance(found, Encoded) and name == "gif, animated":
            marked = tried(data[:length] + b";")
            assert isinstance(marked, Encoded)
            assert found.data == marked.data
            frames_before_cuts.add(found.frames)
        elif isinstance(found, Encoded):
            assert length >= len(data) - 20
            assert found.data == whole.data
    assert frames_before_cuts in (set(), {1, 2, 3})


@settings(max_examples=300)
@given(magic=st.sampled_from(MAGIC), rest=st.binary(max_size=200))
def test_random_bytes_are_refused(magic: bytes, rest: bytes) -> None:
    tried(magic + rest, max_pixels=100_000, max_frames=9)


def crcs_made_right(data: bytearray) -> None:
    """Of a PNG, so that what was changed is read."""
    at = 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        if at + 12 + length > len(data):
            return
        check = zlib.crc32(data[at + 4 : at + 8 + length])
        data[at + 8 + length : at + 12 + length] = struct.pack(">I", check)
        at += 12 + length


@settings(max_examples=1000)
@given(
    name=st.sampled_from(list(SAMPLES)),
    changes=st.lists(
        st.tuples(
            st.one_of(st.integers(0, 150), st.integers(0, 4000)),
            st.sampled_from([b"", b"\0", b"\1", b"\x7f", b"\x80", b"\xff", b"\xff\xff",
                             b"\0\0\0\0", b"\xff\xff\xff\x7f", b"\x7f\xff\xff\xff", b"\xff" * 4]),
            st.sampled_from([0, 1, 2, 4, 12]),
        ),
        min_size=1,
        max_size=6,
    ),
)  # fmt: skip
def test_damaged_headers_are_dithered_or_refused(
    name: str, changes: list[tuple[int, bytes, int]]
) -> None:
    """``changes``: where, what comes there, and in the place of how many bytes."""
    data = bytearray(SAMPLES[name])
    for place, new, length in changes:
        at = place % max(len(data), 1)
        data[at : at + length] = new
    if name.startswith("png"):
        crcs_made_right(data)
    tried(bytes(data), max_pixels=100_000, max_frames=9)


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(*extra: bytes, after: bytes = b"", size: tuple[int, int] = (8, 8)) -> bytes:
    width, height = size
    rows = zlib.compress(bytes((min(width, 100) + 1) * 8))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = (chunk(b"IHDR", head), *extra, chunk(b"IDAT", rows), after, chunk(b"IEND", b""))
    return MAGIC[0] + b"".join(parts)


BOMB = zlib.compress(bytes(64_000_000), 9)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    "bomb",
    [(b"iCCP", b"x\0\0" + BOMB), (b"zTXt", b"x\0\0" + BOMB), (b"iTXt", b"x\0\1\0\0\0" + BOMB)],
    ids=["iCCP", "zTXt", "iTXt"],
)
def test_what_unpacks_to_very_much_is_not_unpacked(bomb: tuple[bytes, bytes], after: bool) -> None:
    part = chunk(*bomb)
    found = tried(png(after=part) if after else png(part))
    assert isinstance(found, str) or found.width == 8


def test_pixels_beyond_the_last_row_are_not_unpacked() -> None:
    file = png().replace(chunk(b"IDAT", zlib.compress(bytes(72))), chunk(b"IDAT", BOMB))
    found = tried(file)
    assert isinstance(found, Encoded)
    assert found.height == 8


@pytest.fixture
def nothing_decoded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def load(_: object) -> None:
        raise AssertionError("decoded before the limits were checked")

    with monkeypatch.context() as patched:
        patched.setattr(ImageFile.ImageFile, "load", load)
        yield


def gif(*parts: bytes, size: tuple[int, int] = (1, 1)) -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", *size, 0x80, 0, 0) + bytes(6) + b"".join(parts) + b";"


def gif_frame(width: int = 1, height: int = 1) -> bytes:
    return b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\2\2\x44\1\0"


def tiff(width: int, tags: dict[int, int] | None = None, following: int = 0) -> bytes:
    """4 rows of grey; further tags are 32-bit numbers; the next page is at ``following``."""
    values = {
        256: width,
        257: 4,
        258: 8,
        259: 1,
        262: 1,
        273: 0,
        277: 1,
        278: 4,
        279: 4 * min(width, 100),
    }
    values |= tags or {}
    values[273] = 8 + 2 + 12 * len(values) + 4
    entries = (struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(values.items()))
    page = struct.pack("<H", len(values)) + b"".join(entries) + struct.pack("<I", following)
    return b"II*\0\x08\0\0\0" + page + bytes(4 * min(width, 100))


def large_jpeg() -> bytes:
    data = saved("JPEG")
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + b"\xff\xff\xff\xff" + data[at + 4 :]


def large_bmp() -> bytes:
    data = bytearray(saved("BMP"))
    data[18:26] = struct.pack("<ii", 2**31 - 1, -(2**31) + 1)
    return bytes(data)


def large_webp() -> bytes:
    data = bytearray(saved("WEBP", 2))
    at = data.index(b"VP8X") + 12
    data[at : at + 6] = b"\xff\x3f\0\xff\x3f\0"
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (png(size=(2**31 - 1, 2**31 - 1)), "at most 50,000,000 pixels"),
        (png(size=(2_000_000, 20)), "at most 100,000 a side"),
        (large_jpeg(), "65,535 × 65,535"),
        (large_bmp(), "2,147,483,647 × "),
        (tiff(2**31 - 1), "2,147,483,647 × 4"),
        (gif(gif_frame(), size=(65535, 65535)), "65,535 × 65,535"),
        (gif(gif_frame(), gif_frame(65535, 65535)), "65,535 × 65,535"),
        (gif(gif_frame(), *[gif_frame(6000, 6000)] * 30), "in all frames together"),
        (gif(*[gif_frame()] * 200_000), "at most 1000 are allowed"),
    ],
    ids=["png", "long", "jpeg", "bmp", "tiff", "gif", "outgrown", "frames", "many frames"],
)
@pytest.mark.usefixtures("nothing_decoded")
def test_large_claims_are_refused_from_the_header(data: bytes, said: str) -> None:
    with pytest.raises(EngineError, match=said):
        open_bytes(data)


@pytest.mark.parametrize(
    "rest", [b"", b"!", b"!\xfe", b"!\xfe\x09a comm", b"!\xf9\x04\0", bytes(9)]
)
@pytest.mark.parametrize("name", ["gif", "gif, animated"])
def test_a_gif_may_lack_its_trailer(rest: bytes, name: str) -> None:
    """And what follows its last frame may be cut: browsers show it."""
    assert SAMPLES[name].endswith(b"\0;")
    assert tried(SAMPLES[name][:-1] + rest) == tried(SAMPLES[name])


def test_a_webp_that_claims_to_be_larger_than_its_frames_is_refused() -> None:
    assert isinstance(tried(large_webp()), str)


@pytest.mark.parametrize(
    "hidden", [b"!\1\0", b"!\xff\x0bNETSCAPE2.0\0"], ids=["empty", "loop without a number"]
)
def test_a_frame_that_only_pillow_would_see_is_refused(hidden: bytes) -> None:
    """It reads on after an empty block, so what others skip would be a frame to it."""
    skipped = b"\xff" + bytes(255) + b"\0"
    data = gif(gif_frame(), hidden, skipped, gif_frame(65535, 65535), gif_frame())
    assert "send the whole file" in str(tried(data))


@pytest.mark.parametrize(
    "data",
    [
        gif(b"!\xfe" + b"\1x" * 1_500_000 + b"\0", gif_frame()),
        gif(bytes(1_500_000), gif_frame()),
        png(*[chunk(b"tEXt", b"a\0")] * 100_001),
    ],
    ids=["comment of single bytes", "padding", "chunks"],
)
def test_files_of_too_many_parts_are_refused(data: bytes) -> None:
    assert isinstance(tried(data), str)


def test_a_jpeg_of_too_many_scans_is_refused() -> None:
    """Each takes the decoder as long as a whole picture."""
    data = SAMPLES["jpeg, progressive"]
    scan = data[data.rindex(b"\xff\xda") : -2]
    assert "at most 50 are allowed" in str(tried(data[:-2] + 60 * scan + data[-2:]))
    assert isinstance(tried(data[:-2] + 9 * scan + data[-2:]), Encoded)


@pytest.mark.parametrize("order", [(b"II+\0", "<"), (b"MM\0+", ">")])
@pytest.mark.parametrize("place", [2**62, 2**63, 2**64 - 1])
def test_a_page_of_a_big_tiff_beyond_all_memory_is_refused(
    place: int, order: tuple[bytes, str]
) -> None:
    magic, sign = order
    assert isinstance(tried(magic + struct.pack(f"{sign}HHQ", 8, 0, place)), str)


@pytest.mark.parametrize(
    "data",
    [
        tiff(8),
        tiff(8, following=8),
        tiff(8, {34665: 8}),
        tiff(8, {330: 8}),
        tiff(8, {34665: 8, 330: 8, 40965: 8}, following=8),
    ],
    ids=["plain", "pages", "exif", "sub-pages", "all"],
)
def test_a_tiff_that_names_itself_is_read_once(data: bytes) -> None:
    found = tried(data)
    assert isinstance(found, Encoded)
    assert (found.width, found.height, found.frames) == (8, 4, 1)


def jpegs() -> list[bytes]:
    """With one scan: of each number of channels, and of each way to code one."""
    ways: list[dict[str, Any]] = [
        {"quality": 30, "optimize": True},
        {"quality": 95, "subsampling": 0},
        {"restart_marker_blocks": 2},
    ]
    files = []
    with Image.open(io.BytesIO(picture())) as image:
        for mode in ("L", "RGB", "CMYK"):
            for way in ways:
                file = io.BytesIO()
                image.convert(mode).save(file, "JPEG", **way)
                files.append(file.getvalue())
    return files


JPEGS = jpegs()


def is_whole(data: bytes, *, checked: bool) -> bool:
    try:
        source = open_bytes(data)
        if checked:
            source.check(data)
        else:
            list(source.frames())
    except EngineError:
        return False
    return True


@settings(max_examples=400)
@given(
    st.sampled_from(JPEGS),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=8),
    st.floats(0.3, 1) | st.just(1.0),
)
def test_what_surrounds_the_scan_tells_whether_a_jpeg_can_be_decoded(
    data: bytes, changes: list[tuple[float, int]], end: float
) -> None:
    damaged = bytearray(data)
    for place, value in changes:
        damaged[2 + int(place * (len(data) - 3))] = value
    del damaged[int(end * len(data)) :]
    file = bytes(damaged)
    assert is_whole(file, checked=True) == is_whole(file, checked=False)


def test_only_a_complete_scan_is_left_out() -> None:
    for data in JPEGS:
        short = without_scan(data)
        assert short is not None
        assert len(short) < len(data)
        assert without_scan(data[:-2]) is None, "cut short"
    assert without_scan(saved("JPEG", progressive=True)) is None, "several scans"
    assert without_scan(saved("PNG")) is None
