"""A contact sheet: one image dithered by every algorithm, labelled, in one picture."""

import io
import math

from PIL import Image, ImageDraw, ImageFont

from dither_engine.algorithms import ALGORITHMS
from dither_engine.decode import MAX_FRAMES, MAX_PIXELS, Frame, Source, open_bytes
from dither_engine.fit import DONE, fit_of
from dither_engine.options import Options
from dither_engine.pipeline import dither_source
from dither_engine.prepare import laid_out
from dither_engine.result import check_size

SIDE = 256  # the longest side of each picture, pixels, unless the options say a size
LABEL, GAP = 22, 8


def contact_sheet(
    data: bytes,
    options: Options,
    *,
    max_pixels: int = MAX_PIXELS,
    max_frames: int = MAX_FRAMES,
) -> bytes:
    """An image file's bytes → a PNG file's; ignores the options algorithm, kernel and format.

    width, height and scale apply to each picture; without them it is at most `SIDE` pixels wide and
    high. Only the first frame of an animation is shown. max_pixels: limit of the image and of the
    sheet. Raises EngineError if the file is not an image.
    """
    frame = _first_frame(open_bytes(data, max_pixels, max_frames), options, max_pixels)
    height, width = (side * options.scale for side in frame.pixels.shape[:2])
    font = ImageFont.load_default(13)
    across = max(width, *(math.ceil(font.getlength(name)) for name in ALGORITHMS)) + GAP
    down = LABEL + height + GAP
    columns = max(1, round(math.sqrt(len(ALGORITHMS) * 1.5)))
    rows = math.ceil(len(ALGORITHMS) / columns)
    size = (columns * across + GAP, rows * down + GAP)
    check_size(*size, max_pixels)
    sheet = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(sheet)
    for place, name in enumerate(ALGORITHMS):
        x, y = GAP + place % columns * across, GAP + place // columns * down
        draw.text((x, y + 2), name, fill="black", font=font)
        image = _dithered(frame, options, name).resize((width, height), Image.Resampling.NEAREST)
        sheet.paste(image.convert("RGB"), (x, y + LABEL), image.getchannel("A"))
    file = io.BytesIO()
    sheet.save(file, "PNG")
    return file.getvalue()


def _first_frame(source: Source, options: Options, max_pixels: int) -> Frame:
    """The first frame, prepared once for all algorithms."""
    frame = next(source.frames())
    height, width = frame.pixels.shape[:2]
    most = None if options.width or options.height else SIDE
    fit = fit_of(width, height, options, most)
    check_size(*fit.size, max_pixels)
    return laid_out(frame, options, fit)


def _dithered(frame: Frame, options: Options, algorithm: str) -> Image.Image:
    done = DONE | {"alpha": "keep"}
    plain = options.model_copy(
        update={**done, "kernel": None, "matrix": None, "algorithm": algorithm}
    )
    return dither_source(Source(frame), plain).to_pillow().convert("RGBA")
