"""From an image to its dithered form, and from a file's bytes to a file's bytes."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from dither_service.engine.errors import EngineError
from dither_service.engine.light import (
    WHITE,
    adjusted_light,
    code_of_light,
    light_of_code,
    srgb_to_linear,
)
from dither_service.engine.options import Options
from dither_service.engine.palettes import NAMED, from_hex, named
from dither_service.engine.result import Dithered, Encoded, check_size

MAX_PIXELS = 50_000_000
MAX_FRAMES = 1000
_CONTENT_TYPES = {"png": "image/png", "gif": "image/gif", "webp": "image/webp"}
_FS = ((1, 0, 7), (-1, 1, 3), (0, 1, 5), (1, 1, 1))


def dither(image: Image.Image | NDArray[np.uint8], options: Options) -> Dithered:
    """Dither one image, ``uint8 (H, W)`` or ``(H, W, 3)`` or any Pillow image."""
    from dither_service.engine import diffusion
    from dither_service.engine.nearest import METRICS

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
    mask = alpha if alpha is not None else np.zeros((0, 0), np.uint8)
    light = adjusted_light(options)
    taps = np.array([(x, y, round(w * 65536 / 16)) for x, y, w in _FS], np.int32)
    strength = 65536 if options.algorithm != "none" else 0
    strength = round(strength * options.strength)
    height, width = pixels.shape[:2]
    if options.palette in ("channels", "gray"):
        depth = 1 if pixels.ndim == 2 else 3
        n = options.channels
        codes = np.floor(np.arange(n) * 255 / (n - 1) + 0.5).astype(np.uint8)
        levels = light_of_code(options.light)[codes].astype(np.int32)
        choice = np.searchsorted(levels[:-1] + levels[1:], 2 * np.arange(WHITE + 1), side="right")
        out = np.empty((height, width, depth), np.uint8)
        diffusion.diffuse_levels(
            pixels.reshape(height, width, depth),
            mask,
            light,
            choice.astype(np.uint8),
            levels,
            taps,
            0,
            options.serpentine,
            strength,
            out,
        )
        if depth == 1:
            return Dithered(out[..., 0], np.repeat(codes[:, None], 3, axis=1), alpha)
        if n**3 > 256:
            return Dithered(out, np.repeat(codes[:, None], 3, axis=1), alpha)
        r, g, b = np.meshgrid(codes, codes, codes, indexing="ij")
        palette = np.stack([r.ravel(), g.ravel(), b.ravel()], axis=1)
        indices = (out[..., 0] * n + out[..., 1]) * n + out[..., 2]
        return Dithered(indices, palette, alpha)
    palette = _colours(pixels, options)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    linear = srgb_to_linear(np.arange(256) / 255)
    metric = METRICS[options.distance]
    points = palette.astype(np.float64)
    if metric:
        points = linear[palette]
    if metric >= 2:
        metric = 2
        source, points = points, np.empty_like(points)
        diffusion.oklab_points(source, points)
    indices = np.empty((height, width), np.uint8)
    diffusion.diffuse_palette(
        pixels,
        mask,
        light,
        code_of_light(options.light),
        light_of_code(options.light)[palette].astype(np.int32),
        linear,
        points,
        metric,
        taps,
        0,
        options.serpentine,
        strength,
        indices,
    )
    return Dithered(indices, palette, alpha)


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
