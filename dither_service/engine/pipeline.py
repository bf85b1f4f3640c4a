"""From an image to its dithered form, and from a file's bytes to a file's bytes."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from dither_service.engine.compiled.nearest import prepare
from dither_service.engine.errors import EngineError
from dither_service.engine.light import WHITE, adjusted_light, light_of_code
from dither_service.engine.methods import render
from dither_service.engine.options import Options
from dither_service.engine.palettes import NAMED, from_hex, named
from dither_service.engine.result import Dithered, Encoded, check_size
from dither_service.engine.work import NO_MASK, Levels, Palette, Work

MAX_PIXELS = 50_000_000
MAX_FRAMES = 1000
_CONTENT_TYPES = {"png": "image/png", "gif": "image/gif", "webp": "image/webp"}


def dither(image: Image.Image | NDArray[np.uint8], options: Options) -> Dithered:
    """Dither one image, ``uint8 (H, W)`` or ``(H, W, 3)`` or any Pillow image."""
    if isinstance(image, np.ndarray):
        pixels, alpha = image, None
    else:
        alpha = None
        if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
            image = image.convert("RGBA")
            alpha = np.ascontiguousarray(np.asarray(image)[..., 3])
            if alpha.min() == 255:
                alpha = None
        pixels = np.asarray(image.convert("L" if image.mode in ("1", "L") else "RGB"))
    pixels = np.ascontiguousarray(pixels)
    if options.palette == "gray" and pixels.ndim == 3:
        pixels = np.asarray(Image.fromarray(pixels).convert("L"))
    mask = alpha if alpha is not None else NO_MASK
    light = adjusted_light(options)
    target = levels(options) if options.palette in ("channels", "gray") else None
    if target is not None:
        pixels = pixels.reshape(*pixels.shape[:2], -1)
        depth = pixels.shape[2]
        found = render(Work(pixels, mask, light, target, options))
        if found.ndim == 3 and target.combines(depth):
            found = combine(found, target.count)
        return Dithered(found, levels_palette(target, depth), alpha)
    palette = _colours(pixels, options)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    lights = light_of_code(options.light)[palette]
    chosen = Palette(palette, lights, prepare(palette, options.distance, options.light))
    return Dithered(render(Work(pixels, mask, light, chosen, options)), palette, alpha)


def levels(options: Options) -> Levels:
    """The levels of a channel, evenly spaced in sRGB code values."""
    n = options.channels
    codes = np.floor(np.arange(n) * 255 / (n - 1) + 0.5).astype(np.uint8)
    lights = light_of_code(options.light)[codes]
    middles = lights[:-1].astype(np.int64) + lights[1:]
    choice = np.searchsorted(middles, 2 * np.arange(WHITE + 1), side="right")
    return Levels(codes, lights, choice.astype(np.uint8))


def levels_palette(target: Levels, depth: int) -> NDArray[np.uint8]:
    codes = target.codes
    if depth == 1 or not target.combines(depth):
        return np.repeat(codes[:, None], 3, axis=1)
    r, g, b = np.meshgrid(codes, codes, codes, indexing="ij")
    return np.stack([r.ravel(), g.ravel(), b.ravel()], axis=1)


def combine(found: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    indices = found[..., 0]
    for c in range(1, found.shape[2]):
        indices = indices * np.uint8(count) + found[..., c]
    return indices


def _colours(pixels: NDArray[np.uint8], options: Options) -> NDArray[np.uint8]:
    if isinstance(options.palette, list):
        return from_hex(tuple(options.palette))
    if options.palette in NAMED:
        return named(options.palette)
    n = int(options.palette.removeprefix("adaptive:"))
    image = Image.fromarray(pixels).convert("RGB").quantize(n, method=Image.Quantize.MEDIANCUT)
    flat = image.getpalette() or []
    return np.array(flat, np.uint8).reshape(-1, 3)[:n]


def dither_bytes(
    data: bytes,
    options: Options,
    *,
    max_pixels: int = MAX_PIXELS,
    max_frames: int = MAX_FRAMES,
    max_size: int | None = None,
) -> Encoded:
    """A file's bytes → the dithered file's bytes."""
    try:
        image: Image.Image = Image.open(io.BytesIO(data))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise EngineError("This is no image that can be read.") from error
    check_size(image.width, image.height, max_pixels)
    if getattr(image, "n_frames", 1) > max_frames:
        raise EngineError(f"The image has too many frames: at most {max_frames} are allowed.")
    try:
        image.load()
    except (OSError, ValueError, SyntaxError) as error:
        raise EngineError("The image is damaged or cut short.") from error
    image = ImageOps.exif_transpose(image)
    if options.width or options.height:
        w = options.width or max(1, round(image.width * (options.height or 1) / image.height))
        h = options.height or max(1, round(image.height * w / image.width))
        check_size(w, h, max_pixels)
        image = image.resize((w, h), Image.Resampling.LANCZOS)
    if max_size is not None and max(image.size) > max_size:
        image.thumbnail((max_size, max_size), Image.Resampling.LANCZOS)
    result = dither(image, options)
    picture = result.to_pillow()
    if options.scale > 1:
        check_size(picture.width * options.scale, picture.height * options.scale, max_pixels)
        picture = picture.resize(
            (picture.width * options.scale, picture.height * options.scale),
            Image.Resampling.NEAREST,
        )
    file = io.BytesIO()
    keywords = {"lossless": True} if options.format == "webp" else {}
    picture.save(file, options.format.upper(), **keywords)
    return Encoded(
        file.getvalue(),
        _CONTENT_TYPES[options.format],
        options.format,
        picture.width,
        picture.height,
        len(result.palette),
    )
