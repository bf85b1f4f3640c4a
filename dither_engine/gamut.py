"""Gamut mapping: colours outside the palette's convex hull are projected onto it.

No mixture of palette colours reaches such a colour, so its quantization error could never be
compensated: the error would accumulate until it chooses colours that have nothing to do with the
picture. Colours inside the hull stay unchanged. See `compiled.gamut_mapping`.
"""

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from dither_engine.compiled.gamut_mapping import CELLS, EXACT, fit_rows
from dither_engine.compiled.hull import ROOTS, find_faces, to_oklab
from dither_engine.light import WHITE, code_of_light, light_of_code, srgb_to_linear
from dither_engine.memory import reusable

Floats = NDArray[np.float64]
Pixels = NDArray[np.uint8]

_CODES = np.arange(256, dtype=np.uint8)
_MOST_FACES = 8192
_MOST_SEEN = 4096
_FARTHEST = 32
_WELL_WITHIN = 1e-3  # faces too small for `find_faces` are smaller than this
_PARTS = 6  # parts of a face's edge, shorter near its ends, where it may be dark


@dataclass(frozen=True)
class Gamut:
    """planes: of the faces, facing outwards, (F, 4). faces: light of their corners, 0 to 1,
    (F, 3, 3).

    flat: whether all colours lie in one plane. seen: sample points of the faces in Oklab, (S, 3);
    places: each point's face, and its weights of the face's second and third corner, (S, 3). nodes,
    cells: cache of `fit_rows`.
    """

    colours: Pixels
    light: str
    planes: Floats
    faces: Floats
    flat: bool
    linear: Floats
    seen: Floats
    places: Floats
    nodes: NDArray[np.int64]
    cells: NDArray[np.int32]

    def fit(self, pixels: Pixels, light: NDArray[np.int16] | None = None) -> Pixels:
        """``uint8 (H, W, 3)`` codes → the same, projected onto the hull where outside.

        ``light``: of each code value after the tone controls, as in `Work`; None without tone
        controls.
        """
        code = code_of_light(self.light)
        out = reusable(pixels.shape, np.uint8)
        fit_rows(
            pixels,
            _CODES if light is None else code[light],
            light_of_code(self.light) / WHITE,
            code,
            self.colours,
            self.planes,
            self.faces,
            self.flat,
            self.linear,
            _roots(),
            self.seen,
            self.places,
            self.nodes,
            self.cells,
            out,
        )
        return out


def gamut_of(colours: Pixels, light: str) -> Gamut | None:
    """The gamut of ``uint8 (n, 3)`` colours; None if it is the whole cube or has no faces."""
    return _gamut(np.unique(colours, axis=0).tobytes(), light)


@lru_cache(16)
def _gamut(codes: bytes, light: str) -> Gamut | None:
    colours = np.frombuffer(codes, np.uint8).reshape(-1, 3)
    if np.isin(colours, (0, 255)).all(axis=1).sum() == 8:
        return None
    steps = np.arange(WHITE + 1) / WHITE
    linear = srgb_to_linear(steps) if light == "srgb" else steps
    faces, planes, flat = _faces(_outer(light_of_code(light)[colours] / WHITE))
    if len(faces) == 0:
        return None
    points_of, places = _surface(faces)
    seen = np.empty_like(points_of)
    to_oklab(points_of, linear, _roots(), seen)
    return Gamut(
        colours,
        light,
        np.unique(planes.round(9), axis=0),
        faces,
        flat,
        linear,
        seen,
        places,
        np.full(2 * EXACT, -1, np.int64),
        np.zeros(CELLS**3, np.int32),
    )


def _outer(points: Floats) -> Floats:
    """Points without some that cannot be corners, since `find_faces` needs at least cubic time."""
    away = ((points - points.mean(axis=0)) ** 2).sum(axis=1)
    farthest = np.sort(np.argsort(away, kind="stable")[-_FARTHEST:])
    _, planes, flat = _faces(points[farthest])
    if flat:
        return points
    off = points @ planes[:, :3].T - planes[:, 3]
    return points[(off > -_WELL_WITHIN).any(axis=1)]


def _faces(points: Floats) -> tuple[Floats, Floats, bool]:
    """Planes, faces and flat of `Gamut`; one plane for each face."""
    corners, planes = np.empty((_MOST_FACES, 3), np.int64), np.empty((_MOST_FACES, 4))
    count = np.zeros(2, np.int64)
    find_faces(points, corners, planes, count)
    return points[corners[: count[0]]], planes[: count[0]], bool(count[1])


def _surface(faces: Floats) -> tuple[Floats, Floats]:
    """Sample points of all faces, each once, and their places; see `Gamut`."""
    parts = [(u, v) for u in range(_PARTS + 1) for v in range(_PARTS + 1 - u)]
    shares = np.array([[_PARTS - u - v, u, v] for u, v in parts]) ** 2.0
    shares /= shares.sum(axis=1, keepdims=True)
    points = np.clip(shares @ faces, 0, 1).reshape(-1, 3)
    number = np.repeat(np.arange(len(faces), dtype=np.float64), len(parts))
    places = np.column_stack([number, np.tile(shares[:, 1:], (len(faces), 1))])
    _, once = np.unique(points.round(4), axis=0, return_index=True)
    once = once[:: -(-len(once) // _MOST_SEEN)]
    return points[once], places[once]


@cache
def _roots() -> Floats:
    """Cube roots of 0 to 1, in steps of `ROOTS`."""
    return np.cbrt(np.arange(ROOTS + 1) / ROOTS)
