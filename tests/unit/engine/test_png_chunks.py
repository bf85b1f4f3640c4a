"""PNG files whose picture is whole are read, whatever their other chunks are like."""

import io
import struct
import zlib

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from dither_engine import EngineError
from dither_engine.decode import Frame, open_bytes
from dither_engine.light import linear_to_srgb, srgb_to_linear

PICTURE = np.random.default_rng(6).integers(0, 256, (12, 16, 3), np.uint8)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def saved(pixels: NDArray[np.uint8] | NDArray[np.uint16] = PICTURE, **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", **options)
    return file.getvalue()


def chunk(name: bytes, body: bytes, check: int = 0) -> bytes:
    """``check`` is added to the checksum: 0 makes it right."""
    right = zlib.crc32(name + body) + check
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", right & 0xFFFFFFFF)


def with_chunk(part: bytes, data: bytes | None = None, after: bool = False) -> bytes:
    """In a file, right after IHDR or before IEND."""
    data = saved() if data is None else data
    at = len(data) - 12 if after else 33
    return data[:at] + part + data[at:]


def decoded(data: bytes) -> NDArray[np.uint8]:
    frame = next(open_bytes(data).frames())
    assert isinstance(frame, Frame)
    return frame.pixels


RANDOM = np.random.default_rng(7).integers(0, 256, 3_000_000, np.uint8).tobytes()
TURNED = Image.Exif()
TURNED[0x0112] = 3

PARTS = {
    "eXIf, bad checksum": chunk(b"eXIf", TURNED.tobytes()[6:], check=1),
    "eXIf, no EXIF": chunk(b"eXIf", b"II*\0\xff\xff\xff\xff broken"),
    "eXIf, empty": chunk(b"eXIf", b""),
    "tEXt, 3 MB": chunk(b"tEXt", b"parameters\0" + b"a cat, " * 450_000),
    "zTXt, 3 MB": chunk(b"zTXt", b"parameters\0\0" + zlib.compress(bytes(3_000_000))),
    "iTXt, 3 MB": chunk(b"iTXt", b"workflow\0\1\0\0\0" + zlib.compress(bytes(3_000_000))),
    "tEXt, many": b"".join(chunk(b"tEXt", b"k\0" + bytes(900_000)) for _ in range(80)),
    "tEXt, bad checksum": chunk(b"tEXt", b"a\0b", check=1),
    "iCCP, 2 MB, no profile": chunk(b"iCCP", b"x\0\0" + zlib.compress(RANDOM[:2_000_000])),
    "iCCP, not packed": chunk(b"iCCP", b"x\0\0" + b"no zlib"),
    "iCCP, cut": chunk(b"iCCP", b"x\0\0" + zlib.compress(SRGB)[:-30]),
    "iCCP, without a name": chunk(b"iCCP", b""),
    "gAMA, too short": chunk(b"gAMA", b"\0\0"),
    "gAMA, 0": chunk(b"gAMA", bytes(4)),
    "cHRM, nonsense": chunk(b"cHRM", bytes(32)),
    "cHRM, on one line": chunk(b"cHRM", struct.pack(">8I", *[31270, 32900] * 4)),
    "sRGB, empty": chunk(b"sRGB", b""),
    "pHYs, too short": chunk(b"pHYs", b"\1"),
    "tIME, bad": chunk(b"tIME", b"\xff"),
    "tRNS, too short": chunk(b"tRNS", b"\0"),
    "acTL, too short": chunk(b"acTL", b"\0"),
    "acTL, no frames": chunk(b"acTL", bytes(8)),
    "PLTE, a bad suggestion": chunk(b"PLTE", bytes(5), check=1),
    "fcTL, without acTL": chunk(b"fcTL", bytes(26)),
    "an unknown chunk": chunk(b"quUx", RANDOM),
}


@pytest.mark.parametrize("name", PARTS)
def test_a_chunk_that_is_broken_or_large_is_passed_over(name: str) -> None:
    assert np.array_equal(decoded(with_chunk(PARTS[name])), PICTURE)
    assert np.array_equal(decoded(with_chunk(PARTS[name], after=True)), PICTURE)


@pytest.mark.parametrize("missing", [4, 12, 16, 20])
def test_the_end_mark_may_be_missing(missing: int) -> None:
    assert np.array_equal(decoded(saved()[:-missing]), PICTURE)


def test_what_follows_the_end_mark_is_not_read() -> None:
    assert np.array_equal(decoded(saved() + RANDOM[:999]), PICTURE)


@pytest.mark.parametrize("name", [b"IDAT", b"IHDR"])
def test_broken_pixels_are_damage(name: bytes) -> None:
    data = bytearray(saved())
    data[data.index(name) + 8] ^= 0xFF
    with pytest.raises(EngineError):
        decoded(bytes(data))


def test_a_large_profile_is_obeyed() -> None:
    """Red and green are swapped; 3 MB that no reader needs follow."""
    profile = SRGB.replace(b"rXYZ", b"tmp!", 1).replace(b"gXYZ", b"rXYZ", 1)
    profile = profile.replace(b"tmp!", b"gXYZ", 1) + RANDOM
    profile = struct.pack(">I", len(profile)) + profile[4:]
    body = b"large\0\0" + zlib.compress(profile)
    found = decoded(with_chunk(chunk(b"iCCP", body)))
    assert np.abs(found.astype(int) - PICTURE).mean() > 20


def test_a_right_orientation_is_applied_wherever_it_stands() -> None:
    part = chunk(b"eXIf", TURNED.tobytes()[6:])
    for after in (False, True):
        assert np.array_equal(decoded(with_chunk(part, after=after)), np.rot90(PICTURE, 2))


# ---- gAMA and cHRM


def gamma(value: float) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", round(value * 100_000)))


def primaries(*places: float) -> bytes:
    return chunk(b"cHRM", struct.pack(">8I", *(round(place * 100_000) for place in places)))


OWN = primaries(0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
ADOBE = primaries(0.3127, 0.329, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
# Adobe RGB (1998), 4.3.4.1 and IEC 61966-2-1: linear Adobe RGB → linear sRGB.
ADOBE_TO_SRGB = np.array([[1.39836, -0.39836, 0], [0, 1, 0], [0, -0.04293, 1.04293]])


@pytest.mark.parametrize(
    "part",
    [
        gamma(0.45455),
        gamma(0.45455) + OWN,
        OWN,
        chunk(b"sRGB", b"\0") + gamma(1) + ADOBE,
        chunk(b"iCCP", b"x\0\0" + zlib.compress(SRGB)) + gamma(1),
        chunk(b"gAMA", struct.pack(">I", 100_000), check=1),
    ],
    ids=["2.2", "2.2 and primaries", "primaries", "sRGB", "profile", "bad checksum"],
)
def test_what_says_srgb_changes_nothing(part: bytes) -> None:
    assert np.array_equal(decoded(with_chunk(part)), PICTURE)


@pytest.mark.parametrize("value", [1.0, 1 / 1.8, 0.3])
@pytest.mark.parametrize("grey", [False, True])
def test_a_gamma_is_undone(value: float, grey: bool) -> None:
    picture = PICTURE[..., 0] if grey else PICTURE
    found = decoded(with_chunk(gamma(value), saved(picture)))
    expected = 255 * linear_to_srgb((picture / 255) ** (1 / value))
    assert found.shape[2] == (1 if grey else 3)
    assert np.abs(found.reshape(picture.shape) - expected).max() <= 0.51


def test_primaries_are_converted() -> None:
    found = decoded(with_chunk(gamma(0.45455) + ADOBE))
    light = srgb_to_linear(PICTURE / 255) @ ADOBE_TO_SRGB.T
    expected = 255 * linear_to_srgb(np.clip(light, 0, 1))
    assert np.abs(found - expected).max() <= 1
    grey = saved(PICTURE[..., 0])
    assert np.array_equal(decoded(with_chunk(ADOBE, grey)), PICTURE[..., :1])


def test_another_white_becomes_white() -> None:
    """Primaries of sRGB under D50: white stays white, black stays black."""
    picture = np.array([[[255, 255, 255], [0, 0, 0], [128, 128, 128]]], np.uint8)
    part = primaries(0.3457, 0.3585, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
    found = decoded(with_chunk(part, saved(picture)))
    assert np.abs(found.astype(int) - picture).max() <= 1


def test_a_gamma_of_sixteen_bits_keeps_the_dark_apart() -> None:
    """Of linear light the darkest 256th is 14 code values of sRGB."""
    values = np.arange(0, 256, 16, dtype=np.uint16).reshape(1, 16)
    data = with_chunk(gamma(1), saved(values))
    pixels = next(open_bytes(data).frames()).pixels.astype(np.int64)
    assert (np.diff(pixels[0, :, 0]) > 180).all()
