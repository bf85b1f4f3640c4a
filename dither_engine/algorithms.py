"""The table of algorithms: name, publication, and the controls that each reads.

Error diffusion with fixed weights takes its rows from `kernels`.
This module imports no Numba, so options can be validated without loading a compiler.
"""

from dataclasses import dataclass

from dither_engine.kernels import KERNELS
from dither_engine.masks.threshold_maps import MAPS, ThresholdMap

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
    """Algorithms that share their code: the module in ``methods``, and the options it reads."""

    module: str
    controls: frozenset[str]


_DISTANCE = frozenset({"distance"})
# A family of methods is one line here and one module.
_FAMILIES: dict[str, Family] = {
    DIFFUSION: Family("diffusion", frozenset({"distance", "strength", "serpentine"})),
    ORDERED: Family("ordered", frozenset({"distance", "strength"})),
    NOISE: Family("ordered", frozenset({"distance", "strength"})),
    SCREEN: Family("ordered", frozenset({"distance", "strength"})),
    MAP: Family("ordered", frozenset({"distance", "strength"})),
    PATTERN: Family("patterns", frozenset({"candidates"})),
    CURVE: Family("riemersma", frozenset({"distance", "strength"})),
    CELL: Family("dot_diffusion", frozenset({"distance", "strength"})),
    SEARCH: Family("binary_search", _DISTANCE),
    VARIABLE: Family("variable", frozenset({"distance", "strength", "serpentine"})),
    NEAREST: Family("nearest", _DISTANCE),
}

CUSTOM, CUSTOM_MATRIX = "custom", "custom-matrix"
CUSTOM_CONTROLS = _FAMILIES[DIFFUSION].controls | {"kernel"}
MATRIX_CONTROLS = _FAMILIES[ORDERED].controls | {"matrix"}


@dataclass(frozen=True)
class Algorithm:
    """One entry of the table.

    ``controls`` are the option fields the algorithm reads beyond those every algorithm reads, and
    ``distance`` only with a palette that is a list of colours; ``keeps_tone`` says whether flat
    areas keep their mean light.
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


def _dots(entry: ThresholdMap) -> str:
    """The pattern of a threshold map, from the end of its title."""
    return {
        "(non-dither)": "One threshold",
        "(dither)": "A checkerboard",
        "(dispersed)": "Dispersed dots",
        "(angled)": "Clustered dots at 45°",
        "(orthogonal)": "Clustered dots in rows",
        "(black)": "Black circles",
        "(white)": "White circles",
    }[entry.title.rpartition(" ")[2]]


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
        "ostromoukhov",
        VARIABLE,
        "Ostromoukhov",
        "Weights that follow the tone: no worms, even texture in light and dark.",
        "V. Ostromoukhov, “A simple and efficient error-diffusion algorithm”, SIGGRAPH 2001",
    ),
    Algorithm(
        "zhou-fang",
        VARIABLE,
        "Zhou–Fang",
        "Ostromoukhov's idea with a modulated threshold: the most even mid-tones.",
        "B. Zhou, X. Fang, “Improving mid-tone quality of variable-coefficient error diffusion"
        " using threshold modulation”, SIGGRAPH 2003",
        extra=frozenset({"seed"}),
    ),
    *(
        Algorithm(
            f"bayer-{size}",
            ORDERED,
            f"Bayer {size}×{size}",
            f"Crosshatch of {size * size + 1} tones; fast, and still in animations.",
            "B. E. Bayer, IEEE Int. Conf. on Communications, 1973",
            keeps_tone=size >= 16,
        )
        for size in (2, 4, 8, 16, 32)
    ),
    Algorithm(
        "blue-noise",
        NOISE,
        "Blue noise",
        "Even grain without a pattern; fast, and still in animations.",
        "R. Ulichney, Proc. SPIE 1913, 1993 (void-and-cluster)",
    ),
    Algorithm(
        "interleaved-gradient-noise",
        NOISE,
        "Interleaved gradient noise",
        "Fine diagonal weave computed for each pixel, known from games.",
        "J. Jimenez, SIGGRAPH 2014",
    ),
    Algorithm(
        "white-noise",
        NOISE,
        "White noise",
        "Random thresholds: grainy, like a mezzotint.",
        "L. G. Roberts, IRE Trans. Information Theory 8(2), 1962",
        extra=frozenset({"seed"}),
    ),
    Algorithm(
        "clustered-dot",
        SCREEN,
        "Clustered dot",
        "The newspaper's dots: a fixed screen at 45°, dots 5.7 pixels apart.",
        "R. Ulichney, Digital Halftoning, MIT Press 1987, ch. 5",
    ),
    *(
        Algorithm(
            name,
            SCREEN,
            title,
            description,
            "Adobe, PostScript Language Reference, 3rd ed. 1999, 7.4",
            extra=frozenset({"angle", "cell"}),
        )
        for name, title, description in (
            ("halftone", "Halftone, dots", "Round dots at an angle, in cells of a size."),
            ("halftone-diamond", "Halftone, diamonds", "Diamonds: a smoother middle tone."),
            ("halftone-line", "Halftone, lines", "Lines that grow in width, as in engravings."),
        )
    ),
    *(
        Algorithm(
            entry.name,
            MAP,
            entry.title,
            f"{_dots(entry)}, {entry.divisor} tones: map {number} of Cloudinary's"
            " e_ordered_dither.",
            "ImageMagick, thresholds.xml",
            keeps_tone=False,
        )
        for number, entry in enumerate(MAPS.values())
    ),
    Algorithm(
        "knoll",
        PATTERN,
        "Knoll",
        "Photoshop's pattern dithering: mixes as many palette colours as it takes.",
        "T. Knoll, US patent 6,606,166, 1999 (expired)",
        extra=frozenset({"distance", "strength"}),
        keeps_tone=False,
    ),
    *(
        Algorithm(
            name,
            PATTERN,
            title,
            description,
            "J. Yliluoma, Arbitrary-palette positional dithering algorithm, 2011",
            extra=extra,
            keeps_tone=False,
        )
        for name, title, description, extra in (
            ("yliluoma-1", "Yliluoma 1", "The best pair of colours: regular, calm.", _DISTANCE),
            # It only compares mixtures, by its author's own measure.
            ("yliluoma-2", "Yliluoma 2", "Grows the best mixture colour by colour.", frozenset()),
            (
                "yliluoma-3",
                "Yliluoma 3",
                "Splits colours as long as it helps: careful, slow.",
                _DISTANCE,
            ),
        )
    ),
    Algorithm(
        "n-closest",
        PATTERN,
        "N closest",
        "Mixes the four nearest palette colours by their distance: soft, fast.",
        "M. Louis, Ordered dithering of arbitrary or irregular colour palettes, 2023",
        extra=_DISTANCE,
        keeps_tone=False,
    ),
    Algorithm(
        "riemersma",
        CURVE,
        "Riemersma",
        "Error diffusion along a Hilbert curve: no direction shows.",
        "T. Riemersma, A balanced dithering technique, C/C++ Users Journal, 1998",
    ),
    Algorithm(
        "knuth-dot-diffusion",
        CELL,
        "Knuth's dot diffusion",
        "Error diffusion inside cells of 8×8: between error diffusion and ordered dithering.",
        "D. E. Knuth, Digital halftones by dot diffusion, ACM Trans. Graphics 6(4), 1987",
        keeps_tone=False,
    ),
    Algorithm(
        "direct-binary-search",
        SEARCH,
        "Direct binary search",
        "Tries every change that the eye would like: the best picture, slowly.",
        "M. Analoui, J. P. Allebach, Proc. SPIE 1666, 1992",
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


NAMES = (*ALGORITHMS, CUSTOM, CUSTOM_MATRIX)

# Other names under which people look for an algorithm.
ALSO_CALLED = {
    "floyd-steinberg": "fs",
    "jarvis-judice-ninke": "jjn minimized average error",
    "direct-binary-search": "dbs",
    "blue-noise": "void and cluster",
    "white-noise": "random",
    "clustered-dot": "newspaper newsprint halftone",
    "halftone": "newspaper newsprint dots",
    "interleaved-gradient-noise": "ign",
    "riemersma": "hilbert",
    "knoll": "photoshop",
    "none": "posterize quantize",
}


def controls_of(algorithm: str) -> frozenset[str]:
    """The option fields that an algorithm of `NAMES` reads; see `Algorithm`."""
    own = {CUSTOM: CUSTOM_CONTROLS, CUSTOM_MATRIX: MATRIX_CONTROLS}
    return own[algorithm] if algorithm in own else ALGORITHMS[algorithm].controls


def module_of(algorithm: str) -> str:
    """The module in ``methods`` that runs an algorithm."""
    own = {CUSTOM: DIFFUSION, CUSTOM_MATRIX: ORDERED}
    return _FAMILIES[own.get(algorithm) or ALGORITHMS[algorithm].family].module


def strengthens(algorithm: str) -> bool:
    """Whether ``strength`` may be above 1: thresholds can be spread further apart.

    Error diffusion cannot pass on more than the whole error, or errors would grow without bound.
    """
    return module_of(algorithm) == "ordered"
