"""The fields of `Options`: their names, defaults, ranges, and what they mean."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from dither_engine.matrices import Kernel, Matrix

_MAX_SIDE = 20_000

Count = Annotated[int, Field(ge=2, le=256)]
Part = Annotated[float, Field(ge=0, le=1)]


class OptionFields(BaseModel):
    """Every field has a default, which never changes once it is published."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    algorithm: str = Field("floyd-steinberg", description="How the colours are mixed.")
    palette: str | list[str] = Field(
        "channels",
        description="channels (levels per colour channel), gray (grey levels), a named palette,"
        " adaptive:n (made from the image), or 2 to 256 hex colours: as a list, or as the text of a"
        " palette file (.hex, .gpl, .pal).",
    )
    channels: Count | Annotated[list[Count], Field(min_length=3, max_length=3)] = Field(
        2,
        description="Levels per colour channel, or grey levels for gray; or three numbers: levels"
        " of red, green and blue, as 5,6,5.",
    )
    kernel: Kernel | None = Field(
        None,
        description="Weights of a custom error-diffusion kernel: rows of equal, odd length, the"
        " pixel itself in the middle of the first row. They are divided by their sum.",
    )
    matrix: Matrix | None = Field(
        None,
        description="Threshold matrix of algorithm custom-matrix: rows of numbers, of which only"
        " the order counts; the pixel with the smallest is the first to become lighter.",
    )
    serpentine: bool = Field(
        False,
        title="Alternate the direction of rows",
        description="Every second row runs from right to left: fewer streaks.",
    )
    strength: float = Field(
        1.0,
        ge=0,
        le=2,
        description="How much of the dithering is applied; 0 is none. Above 1 the thresholds of"
        " ordered methods lie further apart; for all others it is 1.",
    )
    light: Literal["linear", "srgb"] = Field(
        "linear",
        title="Mix colours as",
        description="Linear mixes light as the eye does: right for most pictures. sRGB mixes code"
        " values, as older programs do.",
    )
    distance: Literal["srgb", "linear", "oklab", "ciede2000"] = Field(
        "oklab",
        title="Measure colour distance in",
        description="How the nearest palette colour is found. Oklab and CIEDE2000 judge as the eye"
        " does.",
    )
    brightness: float = Field(
        1.0,
        ge=0,
        le=4,
        description="1 is unchanged, 2 is twice as bright, 0 is black.",
    )
    contrast: float = Field(
        1.0,
        ge=0,
        le=4,
        description="1 is unchanged, 2 doubles the distance to mid-grey, 0 is grey.",
    )
    saturation: float = Field(
        1.0,
        ge=0,
        le=4,
        description="1 is unchanged, 2 doubles the distance to grey, 0 is grey.",
    )
    gamma: float = Field(
        1.0,
        ge=0.1,
        le=10,
        description="1 is unchanged, more lightens the middle tones, less darkens them.",
    )
    sharpen: float = Field(
        0.0,
        ge=0,
        le=2,
        description="How much edges are sharpened after resizing, by an unsharp mask; 0 is not.",
    )
    exposure: float = Field(
        0.0, ge=-4, le=4, description="In stops: 1 doubles the light, -1 halves it."
    )
    shadows: float = Field(
        0.0, ge=-1, le=1, description="More lightens the dark tones, less darkens them."
    )
    highlights: float = Field(
        0.0, ge=-1, le=1, description="More lightens the light tones, less darkens them."
    )
    tone: Part | Literal["auto"] = Field(
        0.0,
        description="How far the picture's darkest and lightest tones are stretched to black and"
        " white; auto: as far as looks natural.",
    )
    gamut: Part | Literal["auto"] = Field(
        0.0,
        description="How far strong colours are weakened to what the palette can mix, hue kept, so"
        " that their shades stay apart; auto: if the picture has such colours.",
    )
    auto: Literal["off", "natural", "vivid", "readable"] = Field(
        "off",
        description="A look: chooses tone, gamut, shadows, highlights, saturation and sharpen from"
        " picture and palette, and says what it chose. What is set beside it stays.",
    )
    width: int | None = Field(
        None,
        ge=1,
        le=_MAX_SIDE,
        description="Width in pixels before dithering; alone it keeps the shape.",
    )
    height: int | None = Field(
        None,
        ge=1,
        le=_MAX_SIDE,
        description="Height in pixels before dithering; alone it keeps the shape.",
    )
    fit: Literal["stretch", "contain", "cover", "pad"] = Field(
        "stretch",
        description="With both width and height: change the shape, keep it within them, fill them"
        " and cut off the rest, or keep it and fill up with the background.",
    )
    gravity: Literal[
        "center",
        "north",
        "northeast",
        "east",
        "southeast",
        "south",
        "southwest",
        "west",
        "northwest",
    ] = Field("center", description="Which side fit = cover keeps, and where fit = pad puts it.")
    rotate: Literal["0", "90", "180", "270", "auto"] = Field(
        "0",
        description="Turn clockwise, after the crop; auto: by 90 where only one of picture and"
        " width × height is upright.",
    )
    crop: str | None = Field(
        None,
        description="x,y,w,h of the part to keep of the upright picture, before all else: in"
        " pixels, or in percent of its width and height, as 10%,0,80%,100%.",
    )
    scale: int = Field(
        1, ge=1, le=32, description="Whole-number enlargement after dithering, nearest pixel."
    )
    angle: float = Field(
        45.0,
        title="Screen angle",
        ge=-360,
        le=360,
        description="Angle of a halftone screen, degrees counter-clockwise from the horizontal.",
    )
    cell: float = Field(
        6.0, title="Screen cell", ge=2, le=64, description="Cell of a halftone screen, pixels."
    )
    candidates: int = Field(
        16, ge=2, le=64, description="How many colours a pattern method mixes at a pixel."
    )
    seed: int = Field(
        0, title="Random seed", ge=0, le=2**32 - 1, description="Seed of the random methods."
    )
    resample: Literal["lanczos", "nearest"] = Field(
        "lanczos", description="How to resize: smooth and sharp, or the nearest pixel (pixel art)."
    )
    alpha: Literal["keep", "flatten", "threshold", "dither", "exclude"] = Field(
        "keep",
        title="Transparency",
        description="Keep transparency, lay the image on the background colour, or make every pixel"
        " transparent or opaque: by a threshold, or by dithering. exclude: the result is opaque,"
        " and where alpha is below one half it stays undithered.",
    )
    alpha_level: int = Field(
        128, ge=1, le=255, description="Alpha from which a pixel is opaque, for alpha = threshold."
    )
    background: str = Field(
        "#ffffff", description="Background colour for alpha = flatten and fit = pad."
    )
    exclude: list[list[int]] | None = Field(
        None,
        description="Rectangles x,y,w,h of the result (before scale) that stay undithered, for text"
        " and codes.",
    )
    format: Literal["png", "gif", "webp", "png-grey", "bmp", "raw", "c-array"] = Field(
        "png", title="File format", description="File format of the result."
    )
    colours: Literal["measured", "device"] = Field(
        "measured",
        description="Which colours stand in the file if the palette has two for each ink: those"
        " that the panel shows, or those that its driver takes.",
    )
    measured: bool = Field(
        False,
        description="The colours of a list are measured on a panel: they are mixed relative to its"
        " white and black. So are those of e-ink palettes and of lists with device colours.",
    )
    bits: int | None = Field(
        None,
        ge=1,
        le=24,
        description="Bits a pixel in the formats png-grey, bmp, raw and c-array; without it, the"
        " fewest that fit.",
    )
    codes: list[Annotated[int, Field(ge=0, le=255)]] | None = Field(
        None,
        description="Number of each colour of the palette in the formats raw and c-array; without"
        " it, the driver's for e-ink palettes, else the position.",
    )
    packing: Literal["rows", "planes", "pages"] = Field(
        "rows",
        description="Bytes of the formats raw and c-array: pixels side by side, a plane for each"
        " bit, or bands of eight rows with a byte for eight pixels one below the other.",
    )
    bit_order: Literal["msb", "lsb"] = Field(
        "msb",
        description="Where the first pixel of a byte is in raw and c-array: high or low bits.",
    )
    row_align: int = Field(
        1,
        ge=1,
        le=64,
        description="Bytes that a row in raw and c-array is padded to a multiple of.",
    )
    invert: bool = Field(False, description="Invert all bits of the pixels in raw and c-array.")
    panel: str | None = Field(
        None,
        description="A display: sets size, palette, colours and format, for all of these that are"
        " not given.",
    )
