"""From a file's bytes to pixels: what is read, what is refused, and in which order.

The header is looked at first: format, size and number of frames; nothing is decoded that is above
the limits, or that `whole` finds cut short. Then each frame is decoded, turned upright (EXIF), and
converted to sRGB (ICC). Of a TIFF with several pages the first is read.
"""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageFile, ImageOps

from dither_engine.errors import EngineError
from dither_engine.integrity import Extent, check_end, damaged, gif_extent
from dither_engine.pillow_memory import in_one_block, pixels_in_place
from dither_engine.result import check_frames, check_size
from dither_engine.work import NO_MASK

MAX_PIXELS = 50_000_000
MAX_FRAMES = 1000

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "AVIF", "BMP", "TIFF")
_ANIMATED = ("PNG", "GIF", "WEBP", "AVIF")
_WITH_ALPHA = ("RGBA", "LA", "PA", "La", "RGBa")
# What Pillow and the libraries below it raise about damaged files, each format in its own way.
_DAMAGES = (
    OSError,
    ValueError,
    TypeError,
    SyntaxError,
    EOFError,
    LookupError,
    ArithmeticError,
    AttributeError,
    RuntimeError,
    MemoryError,
    struct.error,
    ImageCms.PyCMSError,
)

_SAME = 2  # code values

# The limits below are checked from the header, whatever the caller's are; Pillow's own is one for
# the whole process, and warns.
Image.MAX_IMAGE_PIXELS = None


@dataclass(frozen=True)
class Frame:
    """One decoded image in sRGB.

    pixels: ``uint8 (H, W, C)``, C 1 (grey) or 3; of a file's or Pillow's image it may be a view of
        four bytes a pixel. mask: alpha, ``uint8 (H, W)``, or `NO_MASK`.
    duration: milliseconds shown.
    """

    pixels: NDArray[np.uint8]
    mask: NDArray[np.uint8] = field(default_factory=lambda: NO_MASK)
    duration: int = 0


@dataclass(frozen=True)
class Source:
    """An image whose header has been read and found within the limits.

    plays: how often an animation is shown, 0 for ever. first: which of Pillow's frames is the
    first; not the 0th where that is a picture for those who cannot show animations. low: see
    `_low_bytes`.
    """

    image: Image.Image | Frame
    count: int = 1
    plays: int = 0
    first: int = 0
    low: Image.Image | None = None

    def frames(self) -> Iterator[Frame]:
        """Decode the frames, in order; may be called again. Raises EngineError for damage."""
        if isinstance(self.image, Frame):
            yield self.image
            return
        for number in range(self.first, self.first + self.count):
            try:
                if self.first + self.count > 1:
                    self.image.seek(number)
                with in_one_block():
                    self.image.load()
                    if self.low is not None:
                        self.low.load()
                    frame = upright(self.image, self.count > 1, self.low)
                yield frame
            except EngineError:
                raise
            except _DAMAGES as error:
                raise damaged() from error


def open_bytes(data: bytes, max_pixels: int = MAX_PIXELS, max_frames: int = MAX_FRAMES) -> Source:
    """Read the header of an image file; raises EngineError for what is above the limits."""
    # Before Pillow, which reads on to the first picture however long that takes.
    gif = gif_extent(data, max_frames) if data.startswith(b"GIF8") else None
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except (*_DAMAGES, Image.DecompressionBombError) as error:
        allowed = ", ".join(FORMATS)
        raise EngineError(f"This is no image that can be read: {allowed} can.") from error
    check_size(image.width, image.height, max_pixels)
    check_end(data, image.format)
    extent = gif or _extent(image)
    check_size(extent.width, extent.height, max_pixels)
    _check_frames(extent, max_pixels, max_frames)
    source = _source(image, extent.frames)
    return replace(source, low=_low_bytes(data, image)) if source.count == 1 else source


def _low_bytes(data: bytes, image: ImageFile.ImageFile) -> Image.Image | None:
    """The low bytes of a PNG of 16-bit colours one of which is transparent, as an image.

    Pillow keeps the high bytes alone, which do not tell that colour from its neighbours. Read as
    if they began with the low ones, the samples give the others.
    """
    if image.format != "PNG" or "transparency" not in image.info or image.mode != "RGB":
        return None
    if image.tile[0].args != "RGB;16B":
        return None
    low = Image.open(io.BytesIO(data), formats=["PNG"])
    low.tile = [part._replace(args="RGB;16L") for part in low.tile]
    return low


def open_image(image: Image.Image) -> Source:
    """The same for an image of Pillow's, without limits."""
    return _source(image, _extent(image).frames)


def open_array(pixels: NDArray[np.uint8]) -> Source:
    """The same for ``uint8 (H, W)``, ``(H, W, 1)``, ``(H, W, 3)`` or, with alpha, ``(H, W, 4)``."""
    if pixels.dtype != np.uint8 or pixels.size == 0:
        raise EngineError("An image array is uint8 and has at least one pixel.")
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3, 4):
        raise EngineError("An image array is (H, W), (H, W, 1), (H, W, 3) or (H, W, 4).")
    mask = np.ascontiguousarray(pixels[..., 3]) if pixels.shape[2] == 4 else NO_MASK
    if mask.size and mask.min() == 255:
        mask = NO_MASK
    return Source(Frame(np.ascontiguousarray(pixels[..., :3]), mask))


def _extent(image: Image.Image) -> Extent:
    try:
        count = getattr(image, "n_frames", 1) if image.format in _ANIMATED else 1
    except _DAMAGES as error:
        raise damaged() from error
    apart = count > 1 and image.info.get("default_image", False)
    return Extent(count - apart, image.width, image.height)


def _check_frames(extent: Extent, max_pixels: int, max_frames: int) -> None:
    count, width, height = extent
    if count > max_frames:
        raise EngineError(f"The image has too many frames: at most {max_frames} are allowed.")
    check_frames(count, width, height, max_pixels)


def _source(image: Image.Image, count: int) -> Source:
    apart = image.info.get("default_image", False) and getattr(image, "n_frames", 1) > count
    return Source(image, count, _plays(image) if count > 1 else 0, int(apart))


def _plays(image: Image.Image) -> int:
    """GIF counts repeats, and says nothing when there are none; the other formats count plays."""
    loop = image.info.get("loop")
    if image.format == "GIF":
        return 1 if loop is None else (int(loop) + 1 if loop else 0)
    return int(loop or 0)


def upright(image: Image.Image, animated: bool = False, low: Image.Image | None = None) -> Frame:
    """A loaded image as sRGB: orientation applied, colours converted, alpha apart.

    low: what `_low_bytes` gives, loaded.
    """
    duration = round(float(image.info.get("duration") or 0)) if animated else 0
    profile = image.info.get("icc_profile")
    if image.getexif().get(0x0112, 1) != 1 and not animated:
        image = ImageOps.exif_transpose(image)
        low = low and ImageOps.exif_transpose(low)
    mask = _deep_mask(image, low)
    image = _eight_bits(image)
    if image.mode in _WITH_ALPHA or ("transparency" in image.info and low is None):
        image = image.convert("RGBA")
        alpha = image.getchannel("A")
        mask = NO_MASK if alpha.getextrema() == (255, 255) else np.asarray(alpha)
    image = _srgb(image, profile)
    # The memory of an animation's image is changed by its next frame.
    still = image.mode == "RGB" and not animated
    return Frame(pixels_in_place(image) if still else pixels_of(image), mask, duration)


def pixels_of(image: Image.Image) -> NDArray[np.uint8]:
    """Mode L or RGB → ``uint8 (H, W, 1 or 3)``."""
    return np.asarray(image).reshape(image.height, image.width, -1)


def _deep_mask(image: Image.Image, low: Image.Image | None) -> NDArray[np.uint8]:
    """Of 16-bit grey or colour with one value that is transparent, told while it has 16 bits."""
    key = image.info.get("transparency")
    shown: NDArray[np.bool_]
    if low is not None:
        halves = zip((image, low), np.divmod(np.array(key), 256), strict=True)
        high, rest = ((np.asarray(half) != part).any(axis=2) for half, part in halves)
        shown = high | rest
    elif image.mode.startswith("I") and isinstance(key, int):
        shown = np.asarray(image) != key
    else:
        return NO_MASK
    return NO_MASK if shown.all() else np.where(shown, 255, 0).astype(np.uint8)


def _eight_bits(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        deep: NDArray[Any] = np.clip(np.asarray(image).astype(np.int64), 0, 65535)
        return Image.fromarray(((deep * 255 + 32767) // 65535).astype(np.uint8))
    if image.mode == "F":
        scaled = np.nan_to_num(np.asarray(image)) * 255 + 0.5
        return Image.fromarray(np.clip(scaled, 0, 255).astype(np.uint8))
    return image


def _srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Mode L or RGB in sRGB. A profile that does not fit the image is passed over."""
    grey = image.mode in ("1", "L")
    if not profile:
        return _in_mode(image, "L" if grey else "RGB")
    base = image if image.mode in ("L", "RGB", "CMYK") else image.convert("L" if grey else "RGB")
    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        srgb = ImageCms.createProfile("sRGB")
        transform = ImageCms.buildTransform(given, srgb, base.mode, "RGB")
        converted = (
            None
            if _does_nothing(transform, base.mode)
            else ImageCms.applyTransform(base, transform)
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        converted = None
    if converted is None:
        return _in_mode(base, "L" if grey else "RGB")
    return converted.convert("L") if grey else converted


def _does_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Whether a profile is sRGB's by what it does, whatever it is called.

    Judged by all mixtures of 16 values a channel; they may be two code values off, for sRGB's
    published profiles are rounded in different ways.
    """
    if mode == "CMYK":
        return False
    steps = np.arange(0, 256, 17, dtype=np.uint8)
    axes = [steps] * (3 if mode == "RGB" else 1)
    colours = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(1, -1, len(axes))
    probe = Image.fromarray(colours if mode == "RGB" else colours[..., 0])
    done = ImageCms.applyTransform(probe, transform)
    return bool(np.abs(np.asarray(done).astype(int) - colours).max() <= _SAME)


def _in_mode(image: Image.Image, mode: str) -> Image.Image:
    """Converted, which would copy an image that is in this mode already."""
    return image if image.mode == mode else image.convert(mode)
