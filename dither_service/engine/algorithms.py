"""The table of algorithms: what each is called, where it was published, which controls it reads.

Error diffusion with fixed weights takes its rows from `kernels`.
This module imports no Numba, so options can be validated without loading a compiler.
"""

from dataclasses import dataclass

from dither_service.engine.kernels import KERNELS

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


@dataclass(frozen=True)
class Family:
    """Algorithms that share their code: the module in ``methods``, and what options it reads."""

    module: str
    controls: frozenset[str]


# A family of methods is one line here and one module.
_FAMILIES: dict[str, Family] = {
    DIFFUSION: Family("diffusion", frozenset({"strength", "serpentine"})),
    NEAREST: Family("nearest", frozenset()),
}

CUSTOM = "custom"
CUSTOM_CONTROLS = _FAMILIES[DIFFUSION].controls | {"kernel"}


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
        return _FAMILIES[self.family].controls | self.extra


def _table(*rows: Algorithm) -> dict[str, Algorithm]:
    return {row.name: row for row in rows}


ALGORITHMS: dict[str, Algorithm] = _table(
    *(
        Algorithm(
            kernel.name,
            DIFFUSION,
            kernel.title,
            kernel.description,
            kernel.source,
            keeps_tone=kernel.keeps_tone,
        )
        for kernel in KERNELS.values()
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


def module_of(algorithm: str) -> str:
    """The module in ``methods`` that runs an algorithm."""
    family = DIFFUSION if algorithm == CUSTOM else ALGORITHMS[algorithm].family
    return _FAMILIES[family].module
