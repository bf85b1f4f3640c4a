"""Decoding: from a file's bytes to pixels, with checks before and during decoding.

The header is read first: format, size and number of frames. A file that is above the limits, or
that ``integrity`` finds truncated, is not decoded. Then each frame is decoded, turned upright
(EXIF) and converted to sRGB. Only the first page of a TIFF is read.

A service that accepts files and dithers them later calls `open_bytes` and `Source.check`: a file
that passes both will not turn out to be damaged later.
"""

import io
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageFile, UnidentifiedImageError

from dither_engine import depth, heif, png_chunks
from dither_engine.colour_management import encoding_of, image_of, srgb_pixels, transform_of
from dither_engine.errors import EngineError, UnknownFormat
from dither_engine.integrity import (
    Extent,
    check_structure,
    damaged,
    gif_extent,
    without_scan,
)
from dither_engine.pillow_memory import decode_into_pool, in_one_block
from dither_engine.result import check_frames, check_size
from dither_engine.work import NO_MASK

MAX_PIXELS = 50_000_000
MAX_FRAMES = 1000

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "AVIF", "BMP", "TIFF")
READABLE = (*FORMATS, "HEIC") if heif.READABLE else FORMATS  # as named to users
_ANIMATED = ("PNG", "GIF", "WEBP", "AVIF")
_WITH_ALPHA = ("RGBA", "LA", "PA", "La", "RGBa")
_LONGEST_DELAY = 24 * 60 * 60 * 1000  # milliseconds that a frame may be shown
_ORIENTATION = 0x0112  # of EXIF
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ON_ITS_SIDE = (5, 6, 7, 8)
# Exceptions of Pillow and the libraries below it for damaged files; each format has its own.
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
    struct.error,
    ImageCms.PyCMSError,
)

# The caller's limits are checked from the header. Pillow's own limit is switched off: it applies to
# the whole process and only warns.
Image.MAX_IMAGE_PIXELS = None


@dataclass(frozen=True)
class Frame:
    """One decoded image in sRGB.

    pixels: ``uint8 (H, W, C)``, C 1 (grey) or 3; for an image of a file or of Pillow it may be a
        view of memory with four bytes a pixel. mask: alpha, ``uint8 (H, W)``, or `NO_MASK`.
    duration: display time in milliseconds. place: left, top, width and height of the picture in a
    padded frame; None if it fills the frame. sharp: alpha that says what stays undithered, see
    ``exclude``, or `NO_MASK`.
    """

    pixels: NDArray[np.uint8]
    mask: NDArray[np.uint8] = field(default_factory=lambda: NO_MASK)
    duration: int = 0
    place: tuple[int, int, int, int] | None = None
    sharp: NDArray[np.uint8] = field(default_factory=lambda: NO_MASK)


@dataclass(frozen=True)
class DeepFrame:
    """The same for an image with more than 8 bits a channel: pixels are ``uint16``."""

    pixels: NDArray[np.uint16]
    mask: NDArray[np.uint8]
    duration: int = 0
    place: tuple[int, int, int, int] | None = None


@dataclass(frozen=True)
class Source:
    """An image whose header has been read and is within the limits.

    plays: how often an animation is played, 0 is for ever. first: Pillow's number of the first
    frame; above 0 if Pillow's frame 0 is a fallback picture for viewers without animations. low:
    see ``depth.low_bytes``. profile: ICC.
    """

    image: Image.Image | Frame | DeepFrame
    count: int = 1
    plays: int = 0
    first: int = 0
    low: Image.Image | None = None
    profile: bytes | None = None

    @property
    def format(self) -> str | None:
        """Pillow's name of the file's format; None if the image is not from a file."""
        return None if isinstance(self.image, Frame | DeepFrame) else self.image.format

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the upright picture."""
        if isinstance(self.image, Frame | DeepFrame):
            height, width = self.image.pixels.shape[:2]
            return width, height
        width, height = self.image.size
        return (height, width) if self._turned(self.image) else (width, height)

    @property
    def grey(self) -> bool:
        """Whether `upright` may return a single frame of grey pixels, ``(H, W, 1)``."""
        if isinstance(self.image, Frame | DeepFrame):
            return bool(self.image.pixels.shape[2] == 1)
        grey = self.low is not None or self.image.mode.startswith(("1", "L", "I", "F"))
        return self.count == 1 and grey

    def _turned(self, image: Image.Image) -> bool:
        """Whether the stored picture is rotated by 90°; this decodes nothing."""
        if self.count > 1 or image.format == "TIFF":  # here the size is already upright
            return False
        if image.format == "PNG" and "exif" not in image.info:  # Pillow would decode to find it
            return False
        return _orientation(image) in _ON_ITS_SIDE

    def frames(self) -> Iterator[Frame | DeepFrame]:
        """Decode the frames, in order; may be called again. Raises EngineError for damage."""
        if isinstance(self.image, Frame | DeepFrame):
            yield self.image
            return
        for image in self._loaded(self.image):
            try:
                with in_one_block():
                    if self.low is not None:
                        self.low.load()
                    frame = upright(image, self.count > 1, self.low, self.profile)
                yield frame
            except EngineError:
                raise
            except _DAMAGES as error:
                raise damaged() from error

    def check(self, data: bytes) -> None:
        """Decode all frames of the file and keep none; raises EngineError for damage.

        ``data``: what the source was opened from. A JPEG is decoded at an eighth of its size, and
        without its scan if that is complete; afterwards `frames` may return less than the picture.
        """
        if isinstance(self.image, Frame | DeepFrame):
            return
        image = self.image
        if image.format == "JPEG" and (short := without_scan(data)) is not None:
            image = _opened(short)
        if isinstance(image, ImageFile.ImageFile):
            width, height = image.size
            image.draft(None, (max(1, width // 8), max(1, height // 8)))
        for frame in self._loaded(image):
            if self.count > 1:
                _duration(frame)

    def _loaded(self, image: Image.Image) -> Iterator[Image.Image]:
        for number in range(self.first, self.first + self.count):
            try:
                if self.first + self.count > 1:
                    image.seek(number)
                size = image.size
                decode_into_pool(image)
                with in_one_block():
                    image.load()
                if image.size != size:  # of HEIF: the limits were checked for another size
                    raise damaged()
            except _DAMAGES as error:
                raise damaged() from error
            yield image


def open_bytes(data: bytes, max_pixels: int = MAX_PIXELS, max_frames: int = MAX_FRAMES) -> Source:
    """Read the header of an image file; raises EngineError for what is above the limits."""
    # Before Pillow, which has no limits of its own.
    check_structure(data)
    gif = gif_extent(data, max_frames) if data.startswith(b"GIF8") else None
    profile = None
    if data.startswith(png_chunks.SIGNATURE):
        data, profile = png_chunks.essence(data)
    image = _opened(data)
    check_size(image.width, image.height, max_pixels)
    extent = gif or _extent(image)
    check_size(extent.width, extent.height, max_pixels)
    _check_frames(extent, max_pixels, max_frames)
    low = depth.low_bytes(data, image) if extent.frames == 1 else None
    return _source(image, extent.frames, low, profile)


def _opened(data: bytes) -> ImageFile.ImageFile:
    try:
        if heif.READABLE and heif.is_heif(data):
            image = heif.open_heif(data)
        else:
            image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError as error:
        allowed = ", ".join(READABLE)
        raise UnknownFormat(f"This is no image that can be read: {allowed} can.") from error
    except _DAMAGES as error:
        raise damaged() from error
    if image.width < 1 or image.height < 1:
        raise damaged()
    return image


def open_image(image: Image.Image) -> Source:
    """The same for a Pillow image, without limits."""
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


def _source(
    image: Image.Image,
    count: int,
    low: Image.Image | None = None,
    profile: bytes | None = None,
) -> Source:
    apart = image.info.get("default_image", False) and getattr(image, "n_frames", 1) > count
    plays = _plays(image) if count > 1 else 0
    return Source(image, count, plays, int(apart), low, profile or image.info.get("icc_profile"))


def _plays(image: Image.Image) -> int:
    """GIF stores repeats, or nothing if there are none; the other formats store plays."""
    loop = image.info.get("loop")
    if image.format == "GIF":
        return 1 if loop is None else (int(loop) + 1 if loop else 0)
    return max(int(loop or 0), 0)


def upright(
    image: Image.Image,
    animated: bool = False,
    low: Image.Image | None = None,
    profile: bytes | None = None,
) -> Frame | DeepFrame:
    """A loaded image as sRGB: orientation applied, colours converted, alpha separated.

    low: the result of ``depth.low_bytes``, loaded.
    """
    duration = _duration(image) if animated else 0
    turn = None if animated else _TURNS.get(_orientation(image))
    if turn is not None:
        image = image.transpose(turn)
        low = low and low.transpose(turn)
    samples = depth.samples_of(image, low)
    if samples is not None:
        return _deep(samples, image.info, profile, duration)
    mask = NO_MASK
    if image.mode in _WITH_ALPHA or "transparency" in image.info:
        image = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
        alpha = image.getchannel("A")
        mask = NO_MASK if alpha.getextrema() == (255, 255) else np.asarray(alpha)
    # The next frame of an animation overwrites the image's memory.
    return Frame(srgb_pixels(image, profile, in_place=not animated), mask, duration)


def _deep(
    samples: NDArray[np.uint16], info: dict[Any, Any], profile: bytes | None, duration: int
) -> Frame | DeepFrame:
    colours, mask = depth.alpha_apart(samples, info.get("transparency"))
    if transform_of(profile, "L" if colours.shape[2] == 1 else "RGB") is not None:
        # Profiles are applied to 8 bits.
        return Frame(srgb_pixels(image_of(depth.rounded(colours)), profile), mask, duration)
    encoding = None if profile else encoding_of(info)
    converted = encoding.to_srgb(colours) if encoding else colours
    return DeepFrame(converted, mask, duration)


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation; 1 (upright) if that cannot be read."""
    try:
        found = image.getexif().get(_ORIENTATION, 1)
    except _DAMAGES:
        return 1
    return found if isinstance(found, int) else 1


def _duration(image: Image.Image) -> int:
    given = float(image.info.get("duration") or 0)
    if not math.isfinite(given) or given > _LONGEST_DELAY:
        raise EngineError("A frame of an animation is shown for at most 24 hours.")
    return max(round(given), 0)
