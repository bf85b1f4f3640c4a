"""Tones: palettes with a single axis from dark to light; the picture becomes one channel.

Greys, two inks, or shades of one hue cannot mix the colours of a picture. If it were dithered in
three channels, the chroma error could never be compensated: it would accumulate until it, and not
the tone, decides every pixel. So the picture is first projected onto the colours that the palette
can mix, where every error can be compensated. Then it is dithered as a grey picture; the palette's
ends are its black and white.

- Colours on one line (in the light that is mixed; two colours always are): each pixel becomes the
  nearest point of the line, channels weighted by luminance. For greys that is luminance itself.
- Colours of one hue, all within a tenth of their range from a line in code values, at most one of
  them a grey, like the Game Boy's greens: each pixel becomes the mixture of its luminance. (The
  nearest points would follow the curve of the palette and not keep tone. With two greys in the
  palette, greys could be mixed.)

Tones beyond an end are clamped to it. The nearest tone is chosen in light, the space of the error,
as for grey levels. Luminance is ITU-R BT.709's of linear light; if code values are mixed, it is
exactly Pillow's luma.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dither_engine.compiled.places import place_rows
from dither_engine.compiled.search import OKLAB_AXES, OKLAB_CONES
from dither_engine.light import (
    WHITE,
    code_of_light,
    in_steps,
    light_of_code,
    srgb_to_linear,
)
from dither_engine.targets import levels
from dither_engine.work import Levels

Colours = NDArray[np.uint8]
Floats = NDArray[np.float64]

_ONE = 1 << 16
# Parts of 65536 of red, green, blue.
LUMINANCE = {"linear": (13933, 46871, 4732), "srgb": (19595, 38470, 7471)}
_STRAIGHT = 1 / 256  # largest distance from the line, in its length: about half a code value
_OFF_HUE = 1 / 10
_COS_HUE = 0.86  # of 30 degrees
_GREY = 0.02  # Oklab chroma below which a colour has no hue


@dataclass(frozen=True)
class Tones:
    """levels: from dark to light, their ends 0 and WHITE. colours: the palette, ``uint8 (n, 3)``.

    order: position in the palette of each level. light: ``linear`` or ``srgb``. A colour's tone
    is the sum of its channels' light (0 to 1) times ``slopes``, minus ``start``, clamped to 0…1.
    shown: the palette as written to the file, if it differs from ``colours``.
    """

    levels: Levels
    colours: Colours
    order: NDArray[np.uint8]
    light: str
    slopes: tuple[float, float, float]
    start: float
    shown: Colours | None = None

    @cached_property
    def codes(self) -> NDArray[np.uint8]:
        """The result of `of_colour` for each level's own colour."""
        code = np.arange(256) / 255
        plain = srgb_to_linear(code) if self.light == "linear" else code
        return self.of_colour(self.colours[self.order][None], plain)[0, :, 0]

    @cached_property
    def lights(self) -> NDArray[np.int16]:
        """The tone, 0 to WHITE, of each code of `of_colour`; exact for the levels' own colours."""
        table = light_of_code(self.light).copy()
        table[self.codes] = self.levels.lights
        return table

    def of_grey(self, adjusted: Floats) -> NDArray[np.int16]:
        """The tone, 0 to WHITE, of grey code values whose light is ``adjusted``, (256,)."""
        grey = np.repeat(adjusted[:, None], 3, axis=1)
        return _places(grey, np.array(self.slopes), self.start)

    def of_colour(self, pixels: NDArray[np.uint8], adjusted: Floats) -> NDArray[np.uint8]:
        """The tones of ``uint8 (H, W, 3)`` as code values, ``uint8 (H, W, 1)``."""
        linear = self.light == "linear"
        codes = code_of_light("linear") if linear else np.arange(256, dtype=np.uint8)
        unit = _ONE * (len(codes) - 1)
        tables = np.stack([np.rint(slope * unit * adjusted) for slope in self.slopes])
        start = _ONE // 2 - round(self.start * unit)
        out = np.empty((*pixels.shape[:2], 1), np.uint8)
        place_rows(pixels, tables.astype(np.int64), start, codes, out)
        return out

    def positions(self, found: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Levels, ``uint8 (H, W)`` or ``(H, W, 1)``, as positions in the palette, ``(H, W)``."""
        flat: NDArray[np.uint8] = found.reshape(found.shape[:2])
        if np.array_equal(self.order, np.arange(len(self.order))):
            return flat
        return np.take(self.order, flat)


def grey_tones(count: int, light: str) -> Tones:
    """``count`` levels of grey."""
    made = levels(count, light)
    colours = np.repeat(made.codes[:, None], 3, axis=1)
    red, green, blue = LUMINANCE[light]
    slopes = (red / _ONE, green / _ONE, blue / _ONE)
    return Tones(made, colours, np.arange(count, dtype=np.uint8), light, slopes, 0.0)


def tones_of(colours: Colours, light: str) -> Tones | None:
    """The tones of a palette with a single axis; None for a palette that can mix colours."""
    codes = colours / 255
    lights = srgb_to_linear(codes) if light == "linear" else codes
    weights = np.array(LUMINANCE[light]) / _ONE
    luma = np.array(LUMINANCE["srgb"]) / _ONE
    if (colours == colours[0]).all():
        return None
    dark, bright = _ends(lights, weights)
    if _off_line(lights, weights) <= _STRAIGHT:
        along = lights[bright] - lights[dark]
    elif _off_line(codes, luma) <= _OFF_HUE and _one_hue(colours):
        along = np.ones(3)
        by_luminance = np.argsort(_sum(lights * weights), kind="stable")
        dark, bright = int(by_luminance[0]), int(by_luminance[-1])
    else:
        return None
    slopes = along * weights / _sum(along * weights * (lights[bright] - lights[dark]))
    start = float(_sum(slopes * lights[dark]))
    places, order = np.unique(_places(lights, slopes, start), return_index=True)
    if len(places) < len(np.unique(colours, axis=0)):
        return None  # different colours would have the same tone
    middles = places[:-1].astype(np.int64) + places[1:]
    choice = np.searchsorted(middles, 2 * np.arange(WHITE + 1), side="right").astype(np.uint8)
    made = Levels(code_of_light(light)[places], places, choice)
    red, green, blue = slopes.tolist()
    tones = Tones(made, colours, order.astype(np.uint8), light, (red, green, blue), start)
    return tones if len(np.unique(tones.codes)) == len(places) else None


def _places(lights: Floats, slopes: Floats, start: float) -> NDArray[np.int16]:
    """The tone, 0 to WHITE, of ``lights`` (…, 3)."""
    return in_steps(np.clip(_sum(slopes * lights) - start, 0, 1))


def _sum(terms: Floats) -> Floats:
    """Sum over the channels, in the same order on every machine."""
    total: Floats = terms[..., 0] + terms[..., 1] + terms[..., 2]
    return total


def _ends(lights: Floats, weights: Floats) -> tuple[int, int]:
    """The two colours farthest apart, the darker one first; ties go to the earlier colour."""
    away = lights[:, None] - lights[None]
    one, other = np.unravel_index(_sum(away * away * weights).argmax(), away.shape[:2])
    luminance = _sum(lights * weights)
    return (int(other), int(one)) if luminance[other] < luminance[one] else (int(one), int(other))


def _off_line(lights: Floats, weights: Floats) -> float:
    """The largest distance of a colour from the line through the `_ends`, in its length."""
    dark, bright = _ends(lights, weights)
    along, away = lights[bright] - lights[dark], lights - lights[dark]
    length = _sum(along * along * weights)
    off = away - (_sum(away * along * weights) / length)[:, None] * along
    return float(np.sqrt(_sum(off * off * weights).max() / length))


def _one_hue(colours: Colours) -> bool:
    """Whether all colours have one hue, except at most one grey: two greys can mix greys."""
    lms = np.cbrt(srgb_to_linear(colours / 255) @ OKLAB_CONES.T)
    chroma = (lms @ OKLAB_AXES.T)[:, 1:]
    size = np.hypot(chroma[:, 0], chroma[:, 1])
    hues = chroma[size > _GREY] / size[size > _GREY, None]
    mean = hues.sum(axis=0)
    near = hues @ mean >= _COS_HUE * np.hypot(mean[0], mean[1])
    return len(hues) >= len(np.unique(colours, axis=0)) - 1 and bool(near.all())
