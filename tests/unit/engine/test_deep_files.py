"""Pictures of 16 bits a channel and of floating point: all of it is read, nothing rounded off."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageCms

from dither_engine import Options, dither_bytes
from dither_engine.decode import DeepFrame, Frame, open_bytes
from dither_engine.depth import rounded
from dither_engine.light import srgb_to_linear

Samples = NDArray[np.uint16]
COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # of a PNG, by the number of channels


def samples(channels: int, size: tuple[int, int] = (7, 9)) -> Samples:
    return np.random.default_rng(channels).integers(0, 65536, (*size, channels), np.uint16)


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(picture: Samples, *extra: bytes) -> bytes:
    height, width, channels = picture.shape
    head = struct.pack(">IIBBBBB", width, height, 16, COLOUR_TYPES[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in picture)
    parts = (chunk(b"IHDR", head), *extra, chunk(b"IDAT", zlib.compress(rows)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")


def tiff(picture: NDArray[Any], order: str = "<", compression: str | None = None) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(
        file,
        picture,
        byteorder=order,  # type: ignore[arg-type]
        compression=compression,
        photometric="rgb" if picture.shape[2] > 2 else "minisblack",
        extrasamples=["unassalpha"] if picture.shape[2] == 4 else None,
    )
    return file.getvalue()


def deep(data: bytes) -> DeepFrame:
    frame = next(open_bytes(data).frames())
    assert isinstance(frame, DeepFrame)
    return frame


def files(picture: Samples) -> dict[str, bytes]:
    made = {"png": png(picture)}
    if picture.shape[2] != 2:
        made["tiff, Intel"] = tiff(picture)
        made["tiff, Motorola"] = tiff(picture, ">")
        made["tiff, deflate"] = tiff(picture, "<", "zlib")
        made["tiff, Motorola, deflate"] = tiff(picture, ">", "zlib")
    return made


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_all_sixteen_bits_are_read(channels: int) -> None:
    picture = samples(channels)
    for name, data in files(picture).items():
        frame = deep(data)
        colours = picture if channels % 2 else picture[..., :-1]
        assert np.array_equal(frame.pixels, colours), name
        if channels % 2 == 0:
            assert np.array_equal(frame.mask, np.floor(picture[..., -1] / 257 + 0.5)), name


def test_values_that_8_bits_can_say_stay_as_they_are() -> None:
    codes = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    assert np.array_equal(rounded(codes.astype(np.uint16) * np.uint16(257)), codes)
    done = dither_bytes(
        png(codes.astype(np.uint16) * np.uint16(257)), Options(channels=256, algorithm="none")
    )
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(done.data))), codes)


@pytest.mark.parametrize("channels", [1, 3])
def test_rounding_keeps_the_mean_of_even_areas(channels: int) -> None:
    for value in (0, 1, 100, 128, 30_000, 30_100, 65_400, 65_534, 65_535):
        area = np.full((128, 256, channels), value, np.uint16)
        means = rounded(area).mean(axis=(0, 1)) * 257
        assert np.abs(means - value).max() < 0.02


@pytest.mark.parametrize("algorithm", ["floyd-steinberg", "blue-noise", "bayer-32"])
@pytest.mark.parametrize("options", [{}, {"width": 512, "height": 256}, {"channels": 3}])
def test_a_ramp_between_two_code_values_has_no_bands(
    algorithm: str, options: dict[str, Any]
) -> None:
    """Its lower half and its upper half differ as they should, by less than a code value."""
    ramp = np.linspace(200 * 257, 201 * 257, 1024)
    picture = np.round(ramp).astype(np.uint16)[None, :, None].repeat(512, axis=0)
    fields = {"palette": "gray", "algorithm": algorithm, **options}
    done = dither_bytes(png(picture), Options.parse(fields))
    light = srgb_to_linear(np.asarray(Image.open(io.BytesIO(done.data)).convert("L")) / 255)
    step = float(np.diff(srgb_to_linear(np.array([200, 201]) / 255))[0])
    parts = light[:, : light.shape[1] // 4 * 4].reshape(len(light), 4, -1).mean(axis=(0, 2))
    rises = np.diff(parts) / step
    assert np.abs(rises - 0.25).max() < 0.12


def test_a_resized_picture_keeps_its_sixteen_bits() -> None:
    picture = np.full((40, 60, 3), 30_100, np.uint16)
    done = dither_bytes(png(picture), Options(width=256, height=128, channels=256))
    pixels = np.asarray(Image.open(io.BytesIO(done.data)))
    assert abs(float(pixels.mean()) * 257 - 30_100) < 2


def test_transparent_pixels_lend_no_colour_when_resized() -> None:
    picture = np.full((40, 60, 4), 60_000, np.uint16)
    picture[:, 30:] = 0
    done = dither_bytes(png(picture), Options(width=30, channels=256, algorithm="none"))
    pixels = np.asarray(Image.open(io.BytesIO(done.data)).convert("RGBA"))
    assert pixels[pixels[..., 3] > 0][:, :3].min() >= 233


def test_one_value_of_sixteen_bits_is_transparent() -> None:
    grey = np.array([[1000, 2000, 1001], [65535, 1000, 999]], np.uint16)[..., None]
    frame = deep(png(grey, chunk(b"tRNS", struct.pack(">H", 1000))))
    assert frame.mask.tolist() == [[0, 255, 255], [255, 0, 255]]
    assert np.array_equal(frame.pixels, grey)


@pytest.mark.parametrize("orientation", [1, 6])
def test_one_colour_of_sixteen_bits_is_transparent(orientation: int) -> None:
    key = (1000, 2000, 3000)
    picture = np.array([[key, (1001, *key[1:])], [(3, 7, 11), (1000, 2000, 3256)]], np.uint16)
    turned = Image.Exif()
    turned[0x0112] = orientation
    extra = (chunk(b"tRNS", struct.pack(">3H", *key)), chunk(b"eXIf", turned.tobytes()[6:]))
    frame = deep(png(picture, *extra))
    turns = 0 if orientation == 1 else -1
    assert np.array_equal(frame.mask, np.rot90([[0, 255], [255, 255]], turns))
    assert np.array_equal(frame.pixels, np.rot90(picture, turns))


def test_a_profile_is_applied_to_sixteen_bits_too() -> None:
    """A profile of linear light, whose curve is steep in the dark."""
    own = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for name in (b"rTRC", b"gTRC", b"bTRC"):
        entry = own.index(name)
        at = int.from_bytes(own[entry + 4 : entry + 8], "big")
        own[at + 8 : at + 16] = struct.pack(">HHI", 0, 0, 1 << 16)
    body = b"linear\0\0" + zlib.compress(bytes(own))
    picture = np.full((128, 128, 3), 40_000, np.uint16)
    frame = next(open_bytes(png(picture, chunk(b"iCCP", body))).frames())
    assert isinstance(frame, Frame)
    light = srgb_to_linear(frame.pixels.astype(float) / 255).mean()
    assert abs(light - 40_000 / 65535) < 0.004


def test_floating_point_is_from_0_to_1() -> None:
    light = np.linspace(-0.5, 1.5, 1200, dtype=np.float32).reshape(30, 40)
    light[0, 0] = np.nan
    file = io.BytesIO()
    Image.fromarray(light).save(file, "TIFF")
    expected = np.clip(np.nan_to_num(light.astype(np.float64)), 0, 1) * 65535
    assert np.abs(deep(file.getvalue()).pixels[..., 0] - expected).max() <= 1
