"""Generated pictures as files."""

import io
import struct
import zlib
from functools import cache
from typing import Any

import numpy as np
import pillow_heif
from PIL import Image

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "AVIF", "HEIC", "BMP", "TIFF")


def picture(format_name: str = "PNG", size: tuple[int, int] = (40, 30), **options: Any) -> bytes:
    """Two gradients, as HEIC or in any format that Pillow writes, with its ``options``."""
    across = Image.linear_gradient("L").resize(size)
    down = across.transpose(Image.Transpose.ROTATE_180)
    image = Image.merge("RGB", (across, down, Image.new("L", size, 90)))
    if format_name == "HEIC":
        return heic(image, **options)
    file = io.BytesIO()
    image.save(file, format_name, **options)
    return file.getvalue()


def heic(image: Image.Image, **options: Any) -> bytes:
    """A HEIC file as phones write it; ``options`` are pillow-heif's."""
    file = io.BytesIO()
    pillow_heif.from_pillow(image).save(file, **options)
    return file.getvalue()


@cache
def photograph(width: int = 640, height: int = 480) -> bytes:
    """A JPEG with gradients, edges and noise, similar to a photograph."""
    y, x = np.mgrid[0:height, 0:width]
    noise = np.random.default_rng(7).normal(0, 6, (height, width, 3))
    red, green = 255 * x / max(1, width - 1), 255 * y / max(1, height - 1)
    colours = np.stack([red, green, 128 + 127 * np.sin((x + y) / 40)], axis=-1)
    colours[height // 4 : height // 2, width // 4 : width // 2] = (220, 60, 40)
    image = Image.fromarray(np.clip(colours + noise, 0, 255).astype(np.uint8))
    file = io.BytesIO()
    image.save(file, "JPEG")
    return file.getvalue()


def animation(format_name: str, frames: int = 3) -> bytes:
    """Frames that differ, so that no encoder drops one."""
    images = [Image.new("RGB", (24, 16), (i * 60, 30, 200)) for i in range(frames)]
    file = io.BytesIO()
    images[0].save(file, format_name, save_all=True, append_images=images[1:])
    return file.getvalue()


def black_png(width: int, height: int) -> bytes:
    """One bit per pixel, all 0: a small file even for very many pixels."""
    row = bytes(1 + (width + 7) // 8)
    compressor = zlib.compressobj(9)
    parts = [compressor.compress(row) for _ in range(height)]
    parts.append(compressor.flush())
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", b"".join(parts)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)
