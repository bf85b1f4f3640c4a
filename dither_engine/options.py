"""The one options model: REST bodies, messages, the command line and the web page share it.

The canonical JSON form contains only the fields that differ from the defaults, keys sorted; fields
that the chosen algorithm and palette do not read are reset to their defaults first. So options with
the same meaning have the same digest, and a new option changes no digest. A dither is identified by
that digest, so a default never changes once it is published.
"""

import hashlib
import json
from typing import TYPE_CHECKING, Any, Self

from pydantic import ValidationError, field_validator, model_validator

from dither_engine.algorithms import CUSTOM, CUSTOM_MATRIX, NAMES, controls_of, strengthens
from dither_engine.areas import normal_crop, rectangles
from dither_engine.errors import EngineError
from dither_engine.formats import BITS, FORMATS, NUMBERED
from dither_engine.matrices import check_kernel, check_matrix
from dither_engine.option_fields import OptionFields
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


class Options(OptionFields):
    """What to do with an image: the fields, their rules, and the canonical form."""

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
