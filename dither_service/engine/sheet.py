"""A contact sheet: one image dithered by every algorithm, labelled, in one picture."""

import io
import math

from PIL import Image, ImageDraw, ImageFont

from dither_service.engine.algorithms import ALGORITHMS
from dither_service.engine.decode import MAX_FRAMES, MAX_PIXELS, open_bytes
from dither_service.engine.options import Options
from dither_service.engine.pipeline import dither_source

SIDE = 256  # the longest side of each picture, pixels
_LABEL, _GAP = 22, 8


def contact_sheet(
    data: bytes,
    options: Options,
    *,
    max_pixels: int = MAX_PIXELS,
    max_frames: int = MAX_FRAMES,
) -> bytes:
    """An image file's bytes → a PNG file's; all options but the algorithm are obeyed.

    Each picture is at most `SIDE` pixels wide and high, at one pixel a pixel; of an animation it
    shows the first frame. Raises EngineError for what is no image.
    """
    source = open_bytes(data, max_pixels, max_frames)
    plain = options.model_copy(update={"width": None, "height": None, "scale": 1, "kernel": None})
    pictures = {
        name: dither_source(source, plain.model_copy(update={"algorithm": name}), max_size=SIDE)
        for name in ALGORITHMS
    }
    first = next(iter(pictures.values()))
    columns = max(1, round(math.sqrt(len(pictures) * 1.5)))
    rows = math.ceil(len(pictures) / columns)
    width, height = first.width + _GAP, first.height + _LABEL + _GAP
    sheet = Image.new("RGB", (columns * width + _GAP, rows * height + _GAP), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(13)
    for place, (name, picture) in enumerate(pictures.items()):
        x, y = _GAP + place % columns * width, _GAP + place // columns * height
        draw.text((x, y + 2), name, fill="black", font=font)
        image = picture.to_pillow().convert("RGBA")
        sheet.paste(image.convert("RGB"), (x, y + _LABEL), image.getchannel("A"))
    file = io.BytesIO()
    sheet.save(file, "PNG")
    return file.getvalue()
