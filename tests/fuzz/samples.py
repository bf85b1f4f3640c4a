"""Small whole files of every kind that the services read, with all their parts."""

import io
from functools import cache
from typing import Any

import numpy as np
from PIL import Image, ImageCms, PngImagePlugin

from tests.support.pictures import animation, heic
from tests.unit.engine import test_palette_files as palettes

SIZE = (21, 13)


@cache
def images() -> dict[str, bytes]:
    """Name → file; the first word of a name is the format."""
    colour = _noise("RGB")
    return {
        "png": _saved(colour, "PNG", **_metadata(), pnginfo=_texts()),
        "png with a palette": _saved(colour.quantize(7), "PNG", transparency=3),
        "png with alpha": _saved(_noise("RGBA"), "PNG"),
        "png of 16 bits": _saved(_deep(), "PNG"),
        "png of 1 bit": _saved(colour.convert("1"), "PNG"),
        "png animated": animation("PNG"),
        "jpeg": _saved(colour, "JPEG", **_metadata(), comment=b"a comment"),
        "jpeg progressive": _saved(colour, "JPEG", progressive=True),
        "jpeg of inks": _saved(_noise("CMYK"), "JPEG"),
        "jpeg of two pictures": _saved(colour, "MPO", save_all=True, append_images=[colour]),
        "gif": _saved(colour.quantize(7), "GIF", comment=b"a comment", transparency=3),
        "gif animated": animation("GIF"),
        "webp": _saved(colour, "WEBP", **_metadata()),
        "webp lossless": _saved(_noise("RGBA"), "WEBP", lossless=True),
        "webp animated": animation("WEBP"),
        "avif": _saved(colour, "AVIF", **_metadata()),
        "avif animated": animation("AVIF"),
        "heic": heic(_noise("RGB", (64, 64)), **_metadata()),
        "bmp": _saved(colour, "BMP"),
        "bmp with a palette": _saved(colour.quantize(7), "BMP"),
        "tiff": _saved(colour, "TIFF", **_metadata()),
        "tiff with lzw": _saved(colour, "TIFF", compression="tiff_lzw"),
        "tiff with deflate": _saved(colour, "TIFF", compression="tiff_deflate"),
        "tiff with jpeg": _saved(colour, "TIFF", compression="jpeg"),
        "tiff of a fax": _saved(colour.convert("1"), "TIFF", compression="group4"),
        "tiff of pages": animation("TIFF"),
        "tiff of 64 bits": _saved(colour, "TIFF", big_tiff=True),
    }


@cache
def palette_files() -> dict[str, bytes]:
    return {
        "hex": palettes.hex_file().encode(),
        "paint.net": palettes.paint_net().encode(),
        "gimp": palettes.gimp().encode(),
        "jasc": palettes.jasc().encode(),
        "riff": palettes.riff(),
        "adobe": palettes.rgb_swatches(),
        "png": _saved(_noise("RGB").quantize(7), "PNG"),
    }


def _noise(mode: str, size: tuple[int, int] = SIZE) -> Image.Image:
    random = np.random.default_rng(3)
    values = random.integers(0, 256, (size[1], size[0], len(mode)), np.uint8)
    return Image.frombytes(mode, size, values.tobytes())


def _deep() -> Image.Image:
    values = np.arange(SIZE[0] * SIZE[1], dtype=np.uint16) * 240
    return Image.fromarray(values.reshape(SIZE[1], SIZE[0]))


def _metadata() -> dict[str, Any]:
    exif = Image.Exif()
    exif[0x0112] = 6  # which way up
    exif[0x010F] = "a camera"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    return {"exif": exif.tobytes(), "icc_profile": profile.tobytes()}


def _texts() -> PngImagePlugin.PngInfo:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Comment", "a comment")
    texts.add_itxt("Title", "é", zip=True)
    return texts


def _saved(image: Image.Image, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()
