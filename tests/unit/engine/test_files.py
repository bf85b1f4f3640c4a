"""Files in: every format, orientation, profiles, depths; files out: what a PNG reader sees."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageSequence

from dither_engine import Dithered, EngineError, Options, dither, dither_bytes
from dither_engine.decode import Frame, open_bytes
from dither_engine.encode import encode
from dither_engine.light import srgb_to_linear

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "AVIF", "BMP", "TIFF")
ANIMATED = ("PNG", "GIF", "WEBP")


def gradient(width: int = 40, height: int = 30) -> Image.Image:
    across = Image.linear_gradient("L").resize((width, height))
    down = across.transpose(Image.Transpose.ROTATE_180)
    return Image.merge("RGB", (across, down, Image.new("L", (width, height), 90)))


def saved(image: Image.Image, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def decoded(data: bytes) -> NDArray[np.uint8]:
    frame = next(open_bytes(data).frames())
    assert isinstance(frame, Frame)
    return frame.pixels


def reopened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def animated(form: str, count: int = 3, **options: Any) -> bytes:
    frames = [gradient().rotate(40 * number) for number in range(count)]
    return saved(frames[0], form, save_all=True, append_images=frames[1:], **options)


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_is_read(form: str) -> None:
    data = saved(gradient(), form)
    expected = np.asarray(reopened(data).convert("RGB"))
    assert np.array_equal(decoded(data), expected)
    assert dither_bytes(data, Options()).width == 40


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(orientation: int) -> None:
    upright = gradient()
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(undo[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert np.array_equal(decoded(saved(stored, "PNG", exif=exif)), np.asarray(upright))


def test_a_profile_is_converted_to_srgb() -> None:
    other = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    image = gradient()
    plain = decoded(saved(image, "PNG"))
    # A profile for another kind of image is passed over; sRGB's own changes nothing.
    assert np.array_equal(decoded(saved(image, "PNG", icc_profile=other.tobytes())), plain)
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert np.array_equal(decoded(saved(image, "PNG", icc_profile=own)), plain)


@pytest.mark.parametrize("kind", ["swapped", "light"])
def test_what_a_profile_does_counts_not_its_name(kind: str) -> None:
    """All of these are called sRGB."""
    image = gradient()
    plain = decoded(saved(image, "PNG"))
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = _red_and_green_swapped(own) if kind == "swapped" else _of_light(own)
    changed = decoded(saved(image, "PNG", icc_profile=profile))
    assert np.abs(changed.astype(int) - plain.astype(int)).mean() > 20
    if kind == "light":
        code = 255 * srgb_to_linear(np.arange(256) / 255)
        assert np.abs(code[changed] - plain).max() <= 2


def test_a_profile_of_grey_is_converted() -> None:
    """A grey picture in linear light, whose profile is the RGB one's curve and white."""
    image = Image.linear_gradient("L")
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    plain = decoded(saved(image, "PNG"))
    assert (
        np.abs(decoded(saved(image, "PNG", icc_profile=_grey(own))).astype(int) - plain).max() == 0
    )
    changed = decoded(saved(image, "PNG", icc_profile=_grey(_of_light(own))))
    assert changed.shape[2] == 1
    code = 255 * srgb_to_linear(np.arange(256) / 255)
    assert np.abs(code[changed] - plain).max() <= 2


def _tags(data: bytes) -> dict[bytes, int]:
    """Where the entries of a profile's table are."""
    count = int.from_bytes(data[128:132], "big")
    return {data[at : at + 4]: at for at in range(132, 132 + 12 * count, 12)}


def _red_and_green_swapped(profile: bytes) -> bytes:
    data = bytearray(profile)
    entries = _tags(profile)
    red, green = entries[b"rXYZ"], entries[b"gXYZ"]
    data[red : red + 4], data[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(data)


def _of_light(profile: bytes) -> bytes:
    """The same colours with curves that are straight: function 0 with an exponent of 1."""
    data = bytearray(profile)
    for name in (b"rTRC", b"gTRC", b"bTRC"):
        entry = _tags(profile)[name]
        at = int.from_bytes(data[entry + 4 : entry + 8], "big")
        assert data[at : at + 4] == b"para"
        data[at + 8 : at + 16] = struct.pack(">HHI", 0, 0, 1 << 16)
    return bytes(data)


def _grey(profile: bytes) -> bytes:
    data = bytearray(profile)
    data[16:20] = b"GRAY"
    entry = _tags(profile)[b"rTRC"]
    data[entry : entry + 4] = b"kTRC"
    return bytes(data)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
def test_every_mode_is_dithered(mode: str) -> None:
    image = gradient().convert("L" if mode == "I;16" else mode)
    form = "TIFF" if mode in ("CMYK", "I;16") else "PNG"
    done = dither_bytes(saved(image, form), Options())
    assert reopened(done.data).size == (40, 30)


@pytest.mark.parametrize(
    ("mode", "by_way_of"),
    [
        ("La", "LA"),
        ("RGBa", "RGBA"),
        ("PA", "P"),
        ("RGBX", "RGB"),
        ("HSV", "RGB"),
        ("YCbCr", "RGB"),
    ],
)
def test_modes_that_no_file_has_are_dithered(mode: str, by_way_of: str) -> None:
    image = gradient().convert("L").convert(by_way_of)
    done = dither(image.convert(mode), Options(palette="gray", channels=256, algorithm="none"))
    expected = np.asarray(image.convert("RGB")).astype(int)
    assert np.abs(done.rgb() - expected).max() <= 1


# ---- out


def chunks(data: bytes) -> dict[bytes, bytes]:
    found, at = {}, 8
    while at < len(data):
        size, name = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + size]
        assert struct.unpack(">I", data[at + 8 + size : at + 12 + size])[0] == zlib.crc32(
            name + body
        )
        found[name] = body
        at += size + 12
    return found


@pytest.mark.parametrize(
    ("count", "bits"), [(2, 1), (3, 2), (4, 2), (5, 4), (16, 4), (17, 8), (256, 8)]
)
@pytest.mark.parametrize("width", [1, 2, 3, 5, 8, 9, 40])
def test_png_is_indexed_at_the_fewest_bits_with_the_palette_in_order(
    count: int, bits: int, width: int
) -> None:
    random = np.random.default_rng(count * width)
    palette = random.integers(0, 256, (count, 3), np.uint8)
    indices = random.integers(0, count, (7, width), np.uint8)
    data = encode(Dithered(indices, palette), Options()).data
    parts = chunks(data)
    assert parts[b"IHDR"][8:10] == bytes([bits, 3])
    assert parts[b"PLTE"] == palette.tobytes()
    image = reopened(data)
    assert np.array_equal(np.asarray(image.convert("RGB")), palette[indices])


@pytest.mark.parametrize("form", ["png", "gif", "webp"])
@pytest.mark.parametrize("palette", ["channels", "gameboy", "adaptive:30", "web-safe"])
def test_what_is_written_is_what_was_dithered(form: str, palette: str) -> None:
    image = gradient()
    options = Options(palette=palette, format=form)
    done = dither_bytes(saved(image, "PNG"), options)
    assert np.array_equal(
        np.asarray(reopened(done.data).convert("RGB")), dither(image, options).rgb()
    )
    assert (done.extension, done.content_type) == (form, f"image/{form}")


def test_many_levels_are_written_as_colours() -> None:
    done = dither_bytes(saved(gradient(), "PNG"), Options(channels=16))
    assert reopened(done.data).mode == "RGB"
    assert done.colours == 4096
    with pytest.raises(EngineError, match="at most 256 colours"):
        dither_bytes(saved(gradient(), "PNG"), Options(channels=16, format="gif"))


@pytest.mark.parametrize("form", ["png", "gif", "webp"])
def test_transparent_pixels_stay_transparent(form: str) -> None:
    image = gradient().convert("RGBA")
    alpha = np.where(np.indices((30, 40)).sum(axis=0) % 7 < 3, 0, 255).astype(np.uint8)
    image.putalpha(Image.fromarray(alpha))
    done = reopened(dither_bytes(saved(image, "PNG"), Options(format=form)).data)
    if form == "png":
        assert done.mode == "P"
    assert np.array_equal(np.asarray(done.convert("RGBA"))[..., 3], alpha)


@pytest.mark.parametrize("form", ["png", "webp"])
def test_alpha_in_between_is_kept(form: str) -> None:
    image = gradient().convert("RGBA")
    alpha = np.arange(1200, dtype=np.uint16).reshape(30, 40).astype(np.uint8)
    image.putalpha(Image.fromarray(alpha))
    done = reopened(dither_bytes(saved(image, "PNG"), Options(format=form)).data)
    assert np.array_equal(np.asarray(done.convert("RGBA"))[..., 3], alpha)


def test_flattening_lays_the_image_on_the_background() -> None:
    image = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    options = Options(alpha="flatten", background="#ff0000")
    done = reopened(dither_bytes(saved(image, "PNG"), options).data).convert("RGBA")
    assert set(done.get_flattened_data()) == {(255, 0, 0, 255)}


@pytest.mark.parametrize("source", ANIMATED)
@pytest.mark.parametrize("form", ["png", "gif", "webp"])
def test_animations_keep_their_frames_times_and_plays(source: str, form: str) -> None:
    data = animated(source, 3, duration=[40, 60, 90], loop=0)
    done = dither_bytes(data, Options(format=form, palette="adaptive:8"))
    assert done.frames == 3
    result = dither(Image.open(io.BytesIO(data)), Options(palette="adaptive:8"))
    assert [frame.duration for frame in result.frames] == [40, 60, 90]
    assert result.loop == 0
    written = Image.open(io.BytesIO(done.data))
    for frame, expected in zip(ImageSequence.Iterator(written), result.frames, strict=True):
        assert np.array_equal(np.asarray(frame.convert("RGB")), expected.rgb())
    assert written.info["loop"] == 0


def test_gif_delays_are_rounded_and_none_is_too_short_for_browsers() -> None:
    data = animated("PNG", 6, duration=[16, 44, 45, 12, 4, 1000])
    written = Image.open(io.BytesIO(dither_bytes(data, Options(format="gif")).data))
    delays = [frame.info["duration"] for frame in ImageSequence.Iterator(written)]
    assert delays == [20, 40, 50, 20, 20, 1000]


@pytest.mark.parametrize("count", [1, 2])
def test_a_picture_for_those_who_cannot_show_animations_is_no_frame(count: int) -> None:
    frames = [Image.new("L", (4, 4), grey) for grey in (0, 255, 0)]
    data = saved(
        frames[0], "PNG", save_all=True, default_image=True, append_images=frames[1 : 1 + count]
    )
    result = dither(Image.open(io.BytesIO(data)), Options(palette="gray"))
    found = [int(frame.rgb()[0, 0, 0]) for frame in result.frames or (result,)]
    assert found == [255, 0][:count]
    assert dither_bytes(data, Options(), max_frames=count).frames == count


@pytest.mark.parametrize(
    ("source", "loop", "plays"), [("PNG", 3, 3), ("GIF", 3, 4), ("GIF", None, 1)]
)
def test_a_gif_counts_repeats_and_the_others_plays(
    source: str, loop: int | None, plays: int
) -> None:
    options = {} if loop is None else {"loop": loop}
    data = animated(source, **options)
    assert dither(Image.open(io.BytesIO(data)), Options()).loop == plays
    again = dither_bytes(data, Options(format="gif")).data
    assert dither(Image.open(io.BytesIO(again)), Options()).loop == plays


@pytest.mark.parametrize("algorithm", ["bayer-8", "blue-noise", "white-noise", "halftone"])
def test_masks_stand_still_in_animations(algorithm: str) -> None:
    frames = [Image.new("L", (64, 64), grey) for grey in (100, 101, 100)]
    frames[1].putpixel((0, 0), 0)
    data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    result = dither(Image.open(io.BytesIO(data)), Options(algorithm=algorithm, palette="gray"))
    first, second, third = (frame.indices for frame in result.frames)
    assert np.array_equal(first, third)
    assert (first != second).mean() < 0.03


def test_an_adaptive_palette_is_made_once_for_all_frames() -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "lime", "blue")]
    data = saved(frames[0], "PNG", save_all=True, append_images=frames[1:])
    result = dither(Image.open(io.BytesIO(data)), Options(palette="adaptive:3"))
    assert sorted(map(tuple, result.palette.tolist())) == [(0, 0, 255), (0, 255, 0), (255, 0, 0)]
    assert [len(np.unique(frame.indices)) for frame in result.frames] == [1, 1, 1]
