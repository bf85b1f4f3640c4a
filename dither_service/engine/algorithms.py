"""The table of algorithms: what each is called, where it was published, which controls it reads.

Adding an error-diffusion kernel is one line here and one in `kernels`; nothing else names them.
This module imports no Numba, so options can be validated without loading a compiler.
"""

from dataclasses import dataclass

DIFFUSION = "error-diffusion"
VARIABLE = "variable-diffusion"
ORDERED = "ordered"
SCREEN = "halftone-screen"
MAP = "threshold-map"
NOISE = "noise"
PATTERN = "palette-pattern"
CURVE = "curve"
CELL = "cell"
SEARCH = "search"
NEAREST = "nearest"

_CONTROLS: dict[str, frozenset[str]] = {
    DIFFUSION: frozenset({"strength", "serpentine"}),
    VARIABLE: frozenset({"strength", "serpentine"}),
    NEAREST: frozenset(),
}


@dataclass(frozen=True)
class Algorithm:
    """One entry of the table.

    ``controls`` are the option fields the algorithm reads beyond those every algorithm reads;
    ``keeps_tone`` says whether flat areas keep their mean light.
    """

    name: str
    family: str
    title: str
    description: str
    source: str
    extra: frozenset[str] = frozenset()
    keeps_tone: bool = True

    @property
    def controls(self) -> frozenset[str]:
        return _CONTROLS[self.family] | self.extra


def _table(*rows: Algorithm) -> dict[str, Algorithm]:
    return {row.name: row for row in rows}


ALGORITHMS: dict[str, Algorithm] = _table(
    Algorithm(
        "floyd-steinberg",
        DIFFUSION,
        "Floyd–Steinberg",
        "The classic: four neighbours, sharp and fast.",
        "R. W. Floyd, L. Steinberg, Proc. SID 17(2), 1976",
    ),
    Algorithm(
        "none",
        NEAREST,
        "None",
        "Nearest colour, no dithering.",
        "—",
        keeps_tone=False,
    ),
)
