"""Gamut compression: strong colours move towards grey until the palette can mix them; hue is kept.

What lies outside the palette's gamut is projected onto it anyway (`gamut`), and then shades of one
strong colour become equal. Compression keeps them apart: the outer fifth of the gamut also takes
what lies outside, up to the strongest colours of the picture. Weak colours and greys stay.

Each colour moves along a line in Oklab, towards a grey: for weak colours the grey of the same
lightness, for strong ones that of the lightness at which the palette is most colourful in that hue.
So a light orange becomes a darker orange rather than a pale one.

Sources: J. Morovič, M. R. Luo, "The fundamentals of gamut mapping", J. Imaging Science and
Technology 45(3), 2001 (towards the cusp); Academy of Motion Picture Arts and Sciences, ACES
Reference Gamut Compression, 2021 (the curve, with its power 1.2).
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from dither_engine.compiled.cube import BIAS, LANE, NODES, PARTS, SHIFT, change_rows
from dither_engine.compiled.search import OKLAB_AXES, OKLAB_CONES
from dither_engine.gamut import gamut_of
from dither_engine.light import linear_to_srgb, srgb_to_linear
from dither_engine.memory import reusable

Floats = NDArray[np.float64]
Pixels = NDArray[np.uint8]

_KNEE = 0.8  # of the way from grey to the surface; below it nothing changes
_POWER = 1.2
_FARTHEST = 2.0  # lengths of the way to the surface; what is farther out is taken as this far
_HUES, _LIGHTNESSES = 72, 32
_HALVINGS = 12
_STRONGEST = 0.5  # Oklab chroma, above that of all sRGB colours
_SLACK = 0.01  # outside a plane, light; as in ``compiled.hull``
_TO_CONES, _TO_LINEAR = np.linalg.inv(OKLAB_AXES), np.linalg.inv(OKLAB_CONES)


@dataclass(frozen=True)
class Reach:
    """How far a palette's colours reach.

    planes: of its hull, (F, 4). light: ``linear`` or ``srgb``, of the planes. cusps: lightness and
    chroma of the most colourful point for each of `_HUES` hues, (2, _HUES).
    """

    planes: Floats
    light: str
    cusps: Floats

    def parts(self, codes: Floats) -> tuple[Floats, Floats, Floats]:
        """For sRGB code values 0 to 1, (n, 3): their Oklab, the grey that each moves to, (n, 3)
        each, and how far out they are, (n,): 1 on the surface, 0 where less than `_KNEE`.
        """
        lab = _oklab(srgb_to_linear(codes))
        chroma = np.hypot(lab[:, 1], lab[:, 2])
        hue = np.arctan2(lab[:, 2], lab[:, 1]) % (2 * np.pi) * _HUES / (2 * np.pi)
        lightness, most = (np.interp(hue, np.arange(_HUES + 1), [*c, c[0]]) for c in self.cusps)
        grey = np.zeros_like(lab)
        strong = np.minimum(chroma / np.maximum(most, 1e-6), 1)
        grey[:, 0] = lab[:, 0] + (lightness - lab[:, 0]) * strong * 0.5
        out = np.zeros(len(lab))
        far = ~self.within(grey + (lab - grey) / _KNEE) & self.within(grey) & (chroma > 1e-4)
        out[far] = np.minimum(1 / self.surface(grey[far], lab[far], 1 / _KNEE), _FARTHEST)
        return lab, grey, out

    @cached_property
    def nodes(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Code values of the cube's nodes, (n, 3), and their `parts`."""
        axis = np.minimum(np.arange(NODES) << SHIFT, 255) / 255
        codes = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
        return codes, *self.parts(codes)

    def surface(self, grey: Floats, lab: Floats, most: float) -> Floats:
        """Where the way from grey to a colour leaves the hull, in its length: at most ``most``."""
        low, high = np.full(len(lab), 1e-6), np.full(len(lab), most)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            inside = self.within(grey + (lab - grey) * middle[:, None])
            low, high = np.where(inside, middle, low), np.where(inside, high, middle)
        return low

    def within(self, lab: Floats) -> NDArray[np.bool_]:
        light = _linear(lab)
        if self.light == "srgb":
            light = linear_to_srgb(np.maximum(light, 0))
        inside = np.ones(len(lab), bool)
        for x, y, z, start in self.planes:
            inside &= light[:, 0] * x + light[:, 1] * y + light[:, 2] * z <= start + _SLACK
        return inside


@dataclass(frozen=True)
class Compression:
    """changes: see `change_rows`."""

    changes: NDArray[np.int64]

    def compressed(self, pixels: Pixels, adjusted: Pixels) -> Pixels:
        """``uint8 (H, W, 3)``; adjusted: each code value after the tone controls, (256,)."""
        out = reusable(pixels.shape, np.uint8)
        change_rows(pixels, adjusted, self.changes, out)
        return out


def compression_of(reach: Reach, farthest: float, strength: float) -> Compression:
    """farthest: how far out the colour is that comes to lie on the surface; see `Reach.parts`.

    strength: 0 changes nothing, 1 compresses completely.
    """
    codes, lab, grey, out = reach.nodes
    part = np.where(out > 0, 1 + strength * (_curve(out, farthest) / np.maximum(out, 1e-6) - 1), 1)
    moved = linear_to_srgb(np.clip(_linear(grey + (lab - grey) * part[:, None]), 0, 1))
    changes = np.where(out[:, None] > 0, (moved - codes) * 255 * PARTS, 0)
    red, green, blue = np.rint(changes).astype(np.int64).T + BIAS
    return Compression((red << (2 * LANE)) | (green << LANE) | blue)


def _curve(out: Floats, farthest: float) -> Floats:
    """ACES's curve: unchanged up to `_KNEE`, ``farthest`` becomes 1, with a smooth start."""
    beyond = np.maximum(out - _KNEE, 0)
    room, whole = 1 - _KNEE, max(farthest, 1.001) - _KNEE
    scale = whole / ((room / whole) ** -_POWER - 1) ** (1 / _POWER)
    curve: Floats = np.minimum(out, _KNEE) + beyond / (1 + (beyond / scale) ** _POWER) ** (
        1 / _POWER
    )
    return curve


@lru_cache(16)
def reach_of(codes: bytes, light: str) -> Reach | None:
    """The reach of a palette, ``uint8 (n, 3)`` as bytes; None if it mixes all or no colours."""
    colours = np.frombuffer(codes, np.uint8).reshape(-1, 3)
    gamut = gamut_of(colours, light)
    if gamut is None or gamut.flat:
        return None
    plain = Reach(gamut.planes, light, np.zeros((2, _HUES)))
    angle = np.repeat(np.arange(_HUES), _LIGHTNESSES) * 2 * np.pi / _HUES
    lightness = np.tile((np.arange(_LIGHTNESSES) + 0.5) / _LIGHTNESSES, _HUES)
    grey = np.stack([lightness, 0 * angle, 0 * angle], axis=1)
    farthest = grey + np.stack([0 * angle, np.cos(angle), np.sin(angle)], axis=1) * _STRONGEST
    chroma = np.where(plain.within(grey), plain.surface(grey, farthest, 1.0) * _STRONGEST, 0)
    chroma = chroma.reshape(_HUES, _LIGHTNESSES)
    best = chroma.argmax(axis=1)
    return Reach(
        gamut.planes,
        light,
        np.stack([(best + 0.5) / _LIGHTNESSES, chroma[np.arange(_HUES), best]]),
    )


def _oklab(linear: Floats) -> Floats:
    lab: Floats = np.cbrt(linear @ OKLAB_CONES.T) @ OKLAB_AXES.T
    return lab


def _linear(lab: Floats) -> Floats:
    linear: Floats = (lab @ _TO_CONES.T) ** 3 @ _TO_LINEAR.T
    return linear
