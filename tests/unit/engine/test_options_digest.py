"""Digests of options: one meaning, one digest, and no digest ever changes."""

from typing import Any

import pytest

from dither_engine import Options
from dither_engine.algorithms import ALGORITHMS

Fields = dict[str, Any]

# The defaults and the digests that dithers are known by. A new option adds a line to the first and
# to the second; no line is ever changed.
DEFAULTS: Fields = {
    "algorithm": "floyd-steinberg",
    "palette": "channels",
    "channels": 2,
    "kernel": None,
    "matrix": None,
    "serpentine": False,
    "strength": 1.0,
    "light": "linear",
    "distance": "oklab",
    "brightness": 1.0,
    "contrast": 1.0,
    "saturation": 1.0,
    "gamma": 1.0,
    "sharpen": 0.0,
    "exposure": 0.0,
    "shadows": 0.0,
    "highlights": 0.0,
    "tone": 0.0,
    "gamut": 0.0,
    "auto": "off",
    "width": None,
    "height": None,
    "fit": "stretch",
    "gravity": "center",
    "rotate": "0",
    "crop": None,
    "scale": 1,
    "angle": 45.0,
    "cell": 6.0,
    "candidates": 16,
    "seed": 0,
    "resample": "lanczos",
    "alpha": "keep",
    "alpha_level": 128,
    "background": "#ffffff",
    "exclude": None,
    "format": "png",
    "colours": "measured",
    "measured": False,
    "bits": None,
    "codes": None,
    "packing": "rows",
    "bit_order": "msb",
    "row_align": 1,
    "invert": False,
    "panel": None,
}
GOLDEN: list[tuple[Fields, str]] = [
    ({}, "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"),
    ({"channels": 4}, "a3e1ed98f9b2035f723a69029f72910b658ce38bc3aeb906c6b60f5ff35ad54c"),
    (
        {"palette": "gray", "channels": 16},
        "f11e77da5182cc73a87b8366cd3d38a7d1386d04ba8f2def8a6e2ca70786f9fd",
    ),
    (
        {"algorithm": "blue-noise", "palette": "pico-8", "distance": "ciede2000"},
        "fccdef58f8884e8ee43f7a6c36b57dde2a8e4fba716346b68f8b7f845794a152",
    ),
    (
        {"algorithm": "atkinson", "serpentine": True, "strength": 0.5, "light": "srgb"},
        "4b81dd8f01f8272a0f2b5463c79b9841abc90698f8e55a6d7bd631e329d1f308",
    ),
    (
        {
            "palette": ["#000000", "#ff0000", "#ffffff"],
            "brightness": 1.1,
            "contrast": 0.9,
            "saturation": 1.5,
            "gamma": 2.2,
        },
        "c9af3ed40fb9def6e58ef9d1c0cfc9019b9b3ab75798b571b0f33b95fef00400",
    ),
    (
        {
            "algorithm": "halftone",
            "angle": 15.0,
            "cell": 8.5,
            "width": 640,
            "height": 480,
            "scale": 2,
        },
        "4b7ee1218ef9e02574f44871814ce01ee6afbf3fe91ee075fcf65edd6377f11f",
    ),
    (
        {"algorithm": "knoll", "palette": "adaptive:16", "candidates": 8, "format": "gif"},
        "4fc5a4f1234d1ca4cd2891e16987833fb73c1f4488481077ccb65fd6d2bf6064",
    ),
    (
        {"algorithm": "white-noise", "seed": 7, "alpha": "flatten", "background": "#123456"},
        "71cf4a4e2cc92f4fa8d4787dc4f0ce3208f1d9df55f3a46735407631535f9eb4",
    ),
    (
        {"algorithm": "custom", "kernel": [[0, 0, 7], [3, 5, 1]]},
        "143d4759d8b668e9448cb99f7cb6eea0ff464b75e39ed5579f271c07cdf9ec85",
    ),
    ({"channels": [5, 6, 5]}, "8e0226ad825295b3bc2d52b77725f8c8111a9dd4b66da658a1565ae35cf7a0d4"),
    (
        {"algorithm": "custom-matrix", "matrix": [[0, 2], [3, 1]], "strength": 1.5},
        "3d2de446ad95139ac6689d0f08b9364d3efc9a1453bdcdacfa710dca5122b30a",
    ),
    (
        {"alpha": "threshold", "alpha_level": 40, "resample": "nearest", "width": 32},
        "f3118bc6eb89456dc6f5a3fbbd704d3352a28fc0751e697591452b66286bbf8e",
    ),
    ({"alpha": "dither"}, "6b151320d615bb64b2f96a4dc883342186557123d6c47f28ee08d6b296611b55"),
    (
        {"palette": "1a1c2c\n5d275d\n"},
        "b75882450dda370118adae56010412778a1d3ba830d8062d59251c6b92fff9a6",
    ),
    (
        {
            "width": 800,
            "height": 480,
            "fit": "cover",
            "gravity": "north",
            "rotate": 90,
            "crop": "10%,0,80%,100%",
            "sharpen": 0.5,
        },
        "6b9b00d75853bb4e32dfc65b113e9551f34b33e3988d15a5477a8fca95b9b9a2",
    ),
    (
        {"palette": "#1a0d23=#000,#b9cacd=#fff", "colours": "device"},
        "aa2ea94d4d67dd4d3349b79be07af0a167c2e75a0f1453d504cd2998e8b182ec",
    ),
    (
        {"palette": ["#050505", "#dcdcdc"], "measured": True},
        "1503520a790168de5c8b029aadd0e256469d86433d353c474c32143a78a479fe",
    ),
    (
        {
            "palette": "4-colour",
            "format": "raw",
            "bits": 4,
            "codes": [3, 2, 1, 0],
            "packing": "rows",
            "bit_order": "lsb",
            "row_align": 4,
            "invert": True,
        },
        "93326216b18a9c7c1edcb605b4e2e14be4c75d182f63dbc368b7be17ee429b1f",
    ),
    (
        {"panel": "waveshare-2.9-red"},
        "26ca636859d6c4f6b950bda8b3b31698a267559aafcf295ba5cabe18594d66f5",
    ),
    (
        {
            "palette": "spectra-6",
            "exposure": 0.5,
            "shadows": -0.2,
            "highlights": 0.25,
            "tone": "auto",
            "gamut": 0.5,
            "auto": "vivid",
            "exclude": [[0, 0, 200, 40]],
        },
        "e0dbda0417f20935e68e801cc1d393ea28906280cdd35d480304fb470220d413",
    ),
]


def test_the_defaults_never_change() -> None:
    assert {name: field.default for name, field in Options.model_fields.items()} == DEFAULTS


@pytest.mark.parametrize(("fields", "digest"), GOLDEN)
def test_the_digests_never_change(fields: Fields, digest: str) -> None:
    assert Options.parse(fields).digest() == digest


def test_the_digests_cover_every_option() -> None:
    assert {name for fields, _ in GOLDEN for name in fields} == set(DEFAULTS)


def test_the_canonical_form_is_what_differs_from_the_defaults() -> None:
    assert Options().canonical_json() == "{}"
    options = Options(width=9, palette="#FFF,#000", strength=0.5, seed=3, channels=4)
    assert options.canonical_json() == (
        '{"palette":["#ffffff","#000000"],"strength":0.5,"width":9}'
    )
    assert Options.parse(options.differing()).digest() == options.digest()
    assert Options().digest() == Options.parse({"channels": "2", "serpentine": "false"}).digest()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"seed": 5}, {}),
        ({"angle": 15.0, "cell": 9}, {}),
        ({"distance": "srgb"}, {}),
        ({"palette": "gameboy", "channels": 9}, {"palette": "gameboy"}),
        ({"palette": "#FFF,000000"}, {"palette": ["#ffffff", "#000"]}),
        ({"background": "#123456"}, {}),
        ({"algorithm": "none", "strength": 0.5}, {"algorithm": "none"}),
        ({"palette": "adaptive:016"}, {"palette": "adaptive:16"}),
        ({"channels": [5, 5, 5]}, {"channels": 5}),
        ({"channels": "5,6,5"}, {"channels": [5, 6, 5]}),
        ({"channels": [5, 6, 5], "palette": "gameboy"}, {"palette": "gameboy"}),
        ({"alpha_level": 9}, {}),
        ({"alpha_level": 9, "alpha": "dither"}, {"alpha": "dither"}),
        ({"matrix": [[1, 2]]}, {}),
        ({"strength": 1.5}, {}),
        ({"bits": 4, "codes": [1, 0], "packing": "planes", "invert": True}, {}),
        ({"colours": "device", "measured": True}, {}),
        ({"palette": "spectra-6", "measured": True}, {"palette": "spectra-6"}),
        (
            {"palette": "spectra-6", "format": "raw", "colours": "device"},
            {"palette": "spectra-6", "format": "raw"},
        ),
        ({"palette": "#000=#000,#eee=#fff", "measured": True}, {"palette": "#000=#000,#eee=#fff"}),
        ({"format": "raw", "codes": "0,3"}, {"format": "raw", "codes": [0, 3]}),
    ],
)
def test_options_that_mean_the_same_have_one_digest(one: Fields, other: Fields) -> None:
    assert Options.parse(one).digest() == Options.parse(other).digest()


@pytest.mark.parametrize(
    "fields",
    [
        {"channels": 3},
        {"serpentine": True},
        {"light": "srgb"},
        {"strength": 0.5},
        {"palette": "gameboy"},
        {"algorithm": "white-noise"},
        {"width": 10},
        {"format": "gif"},
        {"channels": [2, 2, 3]},
        {"resample": "nearest"},
        {"alpha": "threshold"},
        {"alpha": "threshold", "alpha_level": 9},
        {"algorithm": "bayer-8", "strength": 1.5},
        {"format": "raw"},
        {"format": "bmp", "bits": 8},
        {"rotate": "180"},
        {"crop": "0,0,9,9"},
        {"width": 9, "height": 9, "fit": "pad", "background": "#000000"},
        {"exposure": -1},
        {"tone": "auto"},
        {"palette": "spectra-6", "gamut": 1},
        {"auto": "natural"},
        {"exclude": "0,0,9,9"},
    ],
)
def test_options_that_mean_something_else_have_another(fields: Fields) -> None:
    assert Options.parse(fields).digest() != Options().digest()


def test_a_seed_counts_where_it_is_read() -> None:
    for name, row in ALGORITHMS.items():
        one, other = Options(algorithm=name, seed=1), Options(algorithm=name, seed=2)
        assert (one.digest() != other.digest()) is ("seed" in row.controls)
