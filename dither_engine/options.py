"""The one options model: REST bodies, messages, the command line and the web page share it.

The canonical JSON form contains only the fields that differ from the defaults, keys sorted; fields
that the chosen algorithm and palette do not read are reset to their defaults first. So options with
the same meaning have the same digest, and a new option changes no digest. A dither is identified by
that digest, so a default never changes once it is published.
"""

import hashlib
import json
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from dither_engine.algorithms import CUSTOM, CUSTOM_MATRIX, NAMES, controls_of, strengthens
from dither_engine.areas import normal_crop, rectangles
from dither_engine.errors import EngineError
from dither_engine.formats import BITS, FORMATS, NUMBERED
from dither_engine.palette_texts import colours_of_text
from dither_engine.palettes import (
    MAX_COLOURS,
    NAMED,
    has_device_colours,
    normal_colours,
    normal_hex,
)
from dither_engine.panels import options_of_panel

_SEPARABLE = ("channels", "gray")
_CONTROLLED = frozenset().union(*(controls_of(name) for name in NAMES))
_MAX_SIDE = 20_000

_MAX_MATRIX = 64

Kernel = list[list[float]]
Matrix = list[list[float]]
Count = Annotated[int, Field(ge=2, le=256)]
Part = Annotated[float, Field(ge=0, le=1)]


class Options(BaseModel):
    """What to do with an image. Every field has a default, which never changes."""

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

    if not TYPE_CHECKING:  # a type checker takes the signature from the fields

        def __init__(self, /, **fields: Any) -> None:
            """Raises only EngineError, with one sentence."""
            try:
                super().__init__(**fields)
            except ValidationError as error:
                raise EngineError(_sentence(error)) from error

    @model_validator(mode="before")
    @classmethod
    def _panel_becomes_its_options(cls, fields: Any) -> Any:
        if not isinstance(fields, dict) or not isinstance(fields.get("panel"), str):
            return fields
        given = {name: value for name, value in fields.items() if value is not None}
        panel = given.pop("panel")
        return {**options_of_panel(panel, given), **given}

    @field_validator("algorithm")
    @classmethod
    def _known_algorithm(cls, name: str) -> str:
        if name not in NAMES:
            *most, last = NAMES
            raise EngineError(
                f"There is no algorithm {name[:40]!r}: choose one of {', '.join(most)} or {last}."
            )
        return name

    @field_validator("palette")
    @classmethod
    def _known_palette(cls, palette: str | list[str]) -> str | list[str]:
        if isinstance(palette, list):
            return normal_colours(palette)
        if palette in _SEPARABLE or palette in NAMED:
            return palette
        if "\n" in palette:
            return normal_colours(colours_of_text(palette))
        if palette.startswith("adaptive:"):
            return f"adaptive:{_adaptive_size(palette)}"
        if "," in palette or palette.startswith("#"):
            return normal_colours(palette.split(","))
        raise EngineError(
            f"There is no palette {palette[:40]!r}: choose channels, gray, adaptive:n, a list of"
            f" hex colours, or one of {', '.join(NAMED)}."
        )

    @field_validator("channels", mode="before")
    @classmethod
    def _one_number_or_three(cls, channels: Any) -> Any:
        if isinstance(channels, str) and "," in channels:
            channels = channels.split(",")
        if not isinstance(channels, list):
            return channels
        try:
            counts = [int(str(count)) for count in channels]
        except ValueError:
            counts = []
        if len(counts) != 3 or not 2 <= min(counts) <= max(counts) <= 256:
            raise EngineError("channels is one whole number from 2 to 256, or three, as 5,6,5.")
        return counts if len(set(counts)) > 1 else counts[0]

    @field_validator("rotate", mode="before")
    @classmethod
    def _degrees(cls, degrees: Any) -> Any:
        return str(degrees) if type(degrees) is int else degrees

    @field_validator("crop", mode="before")
    @classmethod
    def _crop_in_its_form(cls, crop: Any) -> Any:
        return normal_crop(crop) if isinstance(crop, str | list) else crop

    @field_validator("codes", mode="before")
    @classmethod
    def _numbers(cls, codes: Any) -> Any:
        return codes.split(",") if isinstance(codes, str) else codes

    @field_validator("exclude", mode="before")
    @classmethod
    def _rectangles(cls, exclude: Any) -> Any:
        return rectangles(exclude) if isinstance(exclude, str | list) else exclude

    @field_validator("background")
    @classmethod
    def _hex_background(cls, colour: str) -> str:
        return normal_hex(colour)

    @model_validator(mode="after")
    def _kernel_goes_with_custom(self) -> Self:
        if self.algorithm == CUSTOM and self.kernel is None:
            raise EngineError("algorithm custom needs a kernel: rows of weights, as JSON.")
        if self.kernel is not None:
            check_kernel(self.kernel)
        return self

    @model_validator(mode="after")
    def _matrix_goes_with_custom_matrix(self) -> Self:
        if self.algorithm == CUSTOM_MATRIX and self.matrix is None:
            raise EngineError("algorithm custom-matrix needs a matrix: rows of numbers, as JSON.")
        if self.matrix is not None:
            check_matrix(self.matrix)
        return self

    @model_validator(mode="after")
    def _grey_has_one_channel(self) -> Self:
        if self.palette == "gray" and isinstance(self.channels, list):
            raise EngineError("The palette gray has one number of levels: channels is one number.")
        return self

    @model_validator(mode="after")
    def _size_goes_with_format(self) -> Self:
        width, height = (self.scale * (side or 1) for side in (self.width, self.height))
        FORMATS[self.format].check(width, height)
        return self

    @model_validator(mode="after")
    def _bits_go_with_format(self) -> Self:
        allowed = BITS.get(self.format)
        if self.bits is not None and allowed and self.bits not in allowed:
            *most, last = map(str, allowed)
            raise EngineError(
                f"bits of the format {self.format} is {', '.join(most)} or {last}, not {self.bits}."
            )
        return self

    @classmethod
    def parse(cls, fields: dict[str, Any]) -> Self:
        """Options from untrusted fields; raises only EngineError, with one sentence."""
        return cls(**fields)

    @property
    def strength_parts(self) -> int:
        """``strength`` in 65536ths, rounded half up."""
        return int(self.strength * 65536 + 0.5)

    @property
    def most_levels(self) -> int:
        """``channels``, or the largest of the three."""
        return max(self.channels) if isinstance(self.channels, list) else self.channels

    def canonical(self) -> Self:
        """These options with every field that is not read set back to its default."""
        unread = set(_CONTROLLED - controls_of(self.algorithm))
        if self.strength > 1 and not strengthens(self.algorithm):
            unread.add("strength")
        if self.palette not in _SEPARABLE:
            unread.add("channels")
        else:
            unread |= {"distance", "gamut"}
        whole = bool(self.width and self.height)
        if not whole:
            unread.add("fit")
        if not whole or self.fit not in ("cover", "pad"):
            unread.add("gravity")
        if self.alpha != "flatten" and not (whole and self.fit == "pad"):
            unread.add("background")
        if self.rotate == "auto" and not whole:
            unread.add("rotate")
        if self.alpha != "threshold":
            unread.add("alpha_level")
        unread |= self._unread_of_file()
        defaults = {name: type(self).model_fields[name].default for name in unread}
        return self.model_copy(update=defaults)

    def _unread_of_file(self) -> set[str]:
        """The fields about the file that its format or its palette does not read."""
        unread = set() if self.format in BITS else {"bits"}
        if self.format not in NUMBERED:
            unread |= {"codes", "packing", "bit_order", "row_align", "invert"}
        if self.format in NUMBERED or not has_device_colours(self.palette):
            unread.add("colours")
        if not isinstance(self.palette, list) or has_device_colours(self.palette):
            unread.add("measured")
        return unread

    def differing(self) -> dict[str, Any]:
        """The canonical form's fields that differ from the defaults, JSON-able, for `parse`."""
        return self.canonical().model_dump(mode="json", exclude_defaults=True)

    def canonical_json(self) -> str:
        """The result of `differing` as JSON: sorted keys, no spaces, ASCII."""
        return json.dumps(self.differing(), sort_keys=True, separators=(",", ":"))

    def digest(self) -> str:
        """SHA-256 of `canonical_json`, 64 hex digits."""
        return hashlib.sha256(self.canonical_json().encode()).hexdigest()


def check_kernel(kernel: Kernel) -> None:
    """Raise EngineError unless ``kernel`` can diffuse an error forward.

    All rows have the same odd length of at most 15. The pixel is the middle of the first row; the
    weights at and before it are 0. Weights are not negative and their sum is above 0.
    """
    width = len(kernel[0]) if kernel else 0
    if not 1 <= len(kernel) <= 8 or width % 2 == 0 or not 1 <= width <= 15:
        raise EngineError("A kernel has 1 to 8 rows of one odd length of at most 15.")
    if any(len(row) != width for row in kernel):
        raise EngineError("All rows of a kernel have the same length.")
    if any(kernel[0][: width // 2 + 1]):
        raise EngineError(
            "A kernel's first row is 0 up to its middle: those pixels are already done."
        )
    flat = [weight for row in kernel for weight in row]
    if min(flat) < 0 or max(flat) > 1_000_000 or sum(flat) <= 0:
        raise EngineError("A kernel's weights are 0 to 1000000 and at least one is above 0.")


def check_matrix(matrix: Matrix) -> None:
    """Raise EngineError unless ``matrix`` has 1 to 64 rows, all of one length from 1 to 64."""
    width = len(matrix[0]) if matrix else 0
    if not 1 <= len(matrix) <= _MAX_MATRIX or not 1 <= width <= _MAX_MATRIX:
        raise EngineError(f"A matrix has 1 to {_MAX_MATRIX} rows of 1 to {_MAX_MATRIX} numbers.")
    if any(len(row) != width for row in matrix):
        raise EngineError("All rows of a matrix have the same length.")


def _adaptive_size(palette: str) -> int:
    digits = palette.removeprefix("adaptive:")
    if not digits.isascii() or not digits.isdigit() or not 2 <= int(digits[:6]) <= MAX_COLOURS:
        raise EngineError(f"{palette[:40]!r}: adaptive:n takes 2 to {MAX_COLOURS} colours.")
    return int(digits)


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    if first["type"] == "value_error":
        return first["msg"].removeprefix("Value error, ")
    field = str(first["loc"][0])[:40]
    if first["type"] == "extra_forbidden":
        return f"There is no option {field!r}: the options are {', '.join(Options.model_fields)}."
    return f"{field} is {ALLOWED[field]}."


def _allowed(schema: dict[str, Any]) -> str:
    """The allowed values of a field, in words."""
    for kind in (schema, *schema.get("anyOf", [])):
        if "enum" in kind:
            return f"one of {', '.join(kind['enum'])}"
        if "minimum" in kind:
            number = "a whole number" if kind["type"] == "integer" else "a number"
            return f"{number} from {kind['minimum']} to {kind['maximum']}"
    return "true or false"


# The allowed values of each field, in words.
ALLOWED = {
    name: _allowed(schema) for name, schema in Options.model_json_schema()["properties"].items()
} | {
    "algorithm": "a name",
    "palette": f"a name, or a list of 2 to {MAX_COLOURS} hex colours",
    "kernel": "rows of weights, as [[0, 0, 7], [3, 5, 1]]",
    "matrix": "rows of numbers, as [[0, 2], [3, 1]]",
    "tone": "auto, or a number from 0 to 1",
    "gamut": "auto, or a number from 0 to 1",
    "exclude": "at most 100 rectangles, as [[0, 0, 200, 40]]",
    "crop": "x,y,w,h in pixels or percent, as 10%,0,80%,100%",
    "background": "a hex colour, as #ffffff",
    "codes": "whole numbers from 0 to 255, as 0,1,2,3,5,6",
    "panel": "the name of a panel",
}
