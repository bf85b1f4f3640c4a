"""What ``auto`` and the value ``auto`` of ``tone`` and ``gamut`` mean for a picture and a palette.

A look (``auto``) sets the options of `_LOOKS` that are at their defaults; what the user has set
stays. All measures are taken from sample pixels of all frames, without padding and transparency:

- tone: the picture's range is stretched, at most as many times as the look says. If that is less
  than a twentieth, it stays.
- shadows: lifted where more than half of the stretched picture is dark: few inks show dark tones
  well.
- gamut: completely from a fiftieth of the pixels outside the palette's gamut on; less for fewer.

The values chosen are rounded to hundredths, and give the same picture when they are set by hand.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import ImageEnhance

from dither_engine.colour_management import image_of, pixels_of
from dither_engine.decode import Frame
from dither_engine.gamut_compression import Compression, compression_of, reach_of
from dither_engine.light import code_of_light, in_steps, linear_to_srgb, srgb_to_linear
from dither_engine.options import Options
from dither_engine.tone_curve import WHOLE, Range, adjusted, range_of, strength_for, stretched

Pixels = NDArray[np.uint8]

_SIDE = 256  # samples down and across
_STRETCH = 1.2  # of tone=auto
_WORTH = 1.05
_DARK = 0.4  # median code value below which shadows are lifted
_LIFT = 1.5  # for each code value (0 to 1) below that
_MOST_LIFTED = 0.6
_STRONG = 0.02  # share of pixels outside the gamut from which gamut=auto is 1
_GAMUT_SAMPLES = 4096
NO_SAMPLES: Pixels = np.zeros((0, 3), np.uint8)
_LUMINANCE = (0.2126, 0.7152, 0.0722)


@dataclass(frozen=True)
class Look:
    """most: how many times the picture's range may be stretched. gamut: times that of
    gamut=auto. shadows: added to what lifts dark pictures. The rest are the options themselves.
    """

    most: float
    gamut: float
    shadows: float = 0.0
    highlights: float = 0.0
    saturation: float = 1.0
    sharpen: float = 0.0


_LOOKS = {
    "natural": Look(most=_STRETCH, gamut=1.0),
    "vivid": Look(most=1.5, gamut=0.5, shadows=-0.2, highlights=0.2, saturation=1.25, sharpen=0.3),
    "readable": Look(most=2.0, gamut=1.0, shadows=-0.6, highlights=0.6, sharpen=0.8),
}


@dataclass(frozen=True)
class Settled:
    """options: without ``auto``. ends: see `adjusted`. chosen: what was chosen, by option."""

    options: Options
    ends: Range
    chosen: dict[str, float]


def measures(options: Options) -> bool:
    """Whether the options need samples of the picture."""
    return options.auto != "off" or options.tone != 0 or options.gamut != 0


def samples_of(frames: Iterable[Frame], count: int) -> Pixels:
    """Sample pixels of ``count`` frames, ``uint8 (n, 3)``, on an even grid."""
    found = [NO_SAMPLES]
    side = max(_SIDE // int(np.sqrt(count)), 8)
    for frame in frames:
        height, width = frame.pixels.shape[:2]
        left, top, wide, high = frame.place or (0, 0, width, height)
        down, across = -(-high // side), -(-wide // side)
        rows = slice(top + down // 2, top + high, down)
        columns = slice(left + across // 2, left + wide, across)
        pixels = frame.pixels[rows, columns].reshape(-1, frame.pixels.shape[2])
        if frame.mask.size:
            pixels = pixels[frame.mask[rows, columns].ravel() >= 128]
        found.append(np.broadcast_to(pixels, (len(pixels), 3)))
    return np.concatenate(found)


def settle(options: Options, samples: Pixels) -> Settled:
    """Choose all but gamut compression."""
    found = range_of(samples)
    look = _LOOKS.get(options.auto)
    chosen: dict[str, float] = {}
    if options.tone == "auto" or (look and options.tone == 0):
        chosen["tone"] = round(_tone(found, look.most if look else _STRETCH), 2)
    tone = chosen.get("tone", options.tone)
    assert tone != "auto"
    ends = stretched(found, tone) if tone else WHOLE
    if look:
        wanted = {
            "shadows": _lift(samples, ends) + look.shadows,
            "highlights": look.highlights,
            "saturation": look.saturation,
            "sharpen": look.sharpen,
        }
        chosen |= {name: round(v, 2) for name, v in wanted.items() if _is_default(options, name)}
    return Settled(options.model_copy(update=chosen), ends, chosen)


def settle_gamut(
    settled: Settled, samples: Pixels, colours: Pixels
) -> tuple[Compression | None, dict[str, float]]:
    """The gamut compression for a palette, and what was chosen for it.

    colours: as used for mixing, ``uint8 (n, 3)``.
    """
    options = settled.options
    automatic = options.gamut == "auto" or (options.auto != "off" and options.gamut == 0)
    if len(samples) == 0 or not (automatic or options.gamut):
        return None, {}
    reach = reach_of(np.unique(colours, axis=0).tobytes(), options.light)
    if reach is None:
        return None, {}
    seen = code_of_light(options.light)[in_steps(adjusted(options, settled.ends))]
    some = samples[:: -(-len(samples) // _GAMUT_SAMPLES)][None]
    strong = pixels_of(ImageEnhance.Color(image_of(some)).enhance(options.saturation))[0]
    _, _, out = reach.parts(seen[strong] / 255)
    strength = 0.0 if options.gamut == "auto" else options.gamut
    if automatic:
        part = _LOOKS[options.auto].gamut if options.auto != "off" else 1.0
        strength = round(part * min(float(np.mean(out > 1)) / _STRONG, 1), 2)
    chosen = {"gamut": strength} if automatic else {}
    if strength == 0:
        return None, chosen
    return compression_of(reach, float(np.quantile(out, 0.99)), strength), chosen


def _tone(found: Range, most: float) -> float:
    if (found[1] - found[0]) * _WORTH > 1:
        return 0.0
    return strength_for(found, most)


def _lift(samples: Pixels, ends: Range) -> float:
    if len(samples) == 0:
        return 0.0
    codes = np.clip((samples / 255 - ends[0]) / (ends[1] - ends[0]), 0, 1)
    luminance = linear_to_srgb(srgb_to_linear(codes) @ _LUMINANCE)
    return float(np.clip(_LIFT * (_DARK - np.median(luminance)), 0, _MOST_LIFTED))


def _is_default(options: Options, name: str) -> bool:
    return bool(getattr(options, name) == Options.model_fields[name].default)
