"""Options: one meaning, one digest; what makes no sense is refused with a sentence."""

import json
import pickle
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dither_engine import EngineError, Options, catalogue
from dither_engine.algorithms import ALGORITHMS, NAMES

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


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"algorithm": "floyd"}, "choose one of floyd-steinberg"),
        ({"palette": "rainbow"}, "There is no palette 'rainbow'"),
        ({"palette": []}, "2 to 256 colours"),
        ({"palette": ["#000"]}, "2 to 256 colours"),
        ({"palette": ["#000"] * 257}, "2 to 256 colours"),
        ({"palette": ["#000", "red"]}, "'red' is not a colour"),
        ({"palette": "adaptive:1"}, "2 to 256"),
        ({"palette": "adaptive:"}, "2 to 256"),
        ({"palette": "adaptive:1e2"}, "2 to 256"),
        ({"channels": 1}, "channels"),
        ({"channels": 257}, "channels"),
        ({"channels": 2.5}, "channels"),
        ({"channels": [2, 3]}, "or three, as 5,6,5"),
        ({"channels": [2, 3, 4, 5]}, "or three, as 5,6,5"),
        ({"channels": [2, 3, 257]}, "or three, as 5,6,5"),
        ({"channels": "2,3,x"}, "or three, as 5,6,5"),
        ({"channels": [2, 3, 4], "palette": "gray"}, "channels is one number"),
        ({"palette": "#000\nred\n"}, "one hex colour a line"),
        ({"palette": "000000\n"}, "2 to 256 colours"),
        ({"algorithm": "custom-matrix"}, "needs a matrix"),
        ({"matrix": [[1, 2], [3]]}, "same length"),
        ({"alpha_level": 0}, "alpha_level"),
        ({"strength": 2.1}, "strength"),
        ({"strength": float("nan")}, "strength"),
        ({"light": "dark"}, "light"),
        ({"width": 0}, "width"),
        ({"scale": 33}, "scale"),
        ({"kernel": [[0, 0, -1]], "algorithm": "custom"}, "weights"),
        ({"kernel": [[0, 1, 1]], "algorithm": "custom"}, "already done"),
        ({"kernel": [[0, 0, 1], [1]], "algorithm": "custom"}, "same length"),
        ({"kernel": [[0, 1]], "algorithm": "custom"}, "odd length"),
        ({"kernel": [], "algorithm": "custom"}, "rows"),
        ({"kernel": [[0, 0, 0]], "algorithm": "custom"}, "above 0"),
        ({"algorithm": "custom"}, "needs a kernel"),
        ({"size": 3}, "There is no option 'size'"),
        ({"background": "blue"}, "not a colour"),
        ({"palette": ["#000=#000", "#fff"]}, "for all colours or for none"),
        ({"palette": ["#000=black", "#fff=#fff"]}, "'black' is not a colour"),
        ({"format": "bmp", "bits": 2}, "bits of the format bmp is 1, 4, 8 or 24, not 2"),
        ({"bits": 25}, "bits is a whole number from 1 to 24"),
        ({"codes": [0, 256]}, "codes is whole numbers from 0 to 255"),
        ({"codes": "0,x"}, "codes is whole numbers from 0 to 255"),
        ({"panel": "kindle"}, "There is no panel 'kindle'"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(fields: Fields, said: str) -> None:
    with pytest.raises(EngineError, match=said) as caught:
        Options.parse(fields)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("name", Options.model_fields)
def test_a_value_of_the_wrong_kind_is_told_what_is_allowed(name: str) -> None:
    with pytest.raises(EngineError, match=rf"^{name} is .*[^.]\.$"):
        Options.parse({name: {"a": 1}})


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"palette": ["#000", 5]}, "palette is a name, or a list of 2 to 256 hex colours."),
        ({"palette": 5}, "palette is a name, or a list of 2 to 256 hex colours."),
        ({"kernel": [[0, 0, "a"]]}, "kernel is rows of weights, as [[0, 0, 7], [3, 5, 1]]."),
        ({"background": 7}, "background is a hex colour, as #ffffff."),
    ],
)
def test_of_a_list_it_says_what_the_whole_may_be(fields: Fields, said: str) -> None:
    with pytest.raises(EngineError) as caught:
        Options.parse(fields)
    assert str(caught.value) == said


def test_options_made_by_name_are_refused_by_the_same_exception() -> None:
    with pytest.raises(EngineError, match=r"^channels is a whole number from 2 to 256\.$"):
        Options(channels=1)
    with pytest.raises(EngineError, match=r"^There is no algorithm 'floyd'"):
        Options(algorithm="floyd")
    with pytest.raises(EngineError, match=r"^There is no option 'self'"):
        Options(**{"self": 1})
    with pytest.raises(ValidationError, match="whole number from 2 to 256"):
        Options.model_validate({"channels": 1})
    assert Options.model_validate({"channels": "4"}) == Options(channels=4)
    assert pickle.loads(pickle.dumps(Options(channels=4))) == Options(channels=4)


VALUES = (
    st.none()
    | st.integers()
    | st.floats()
    | st.text(max_size=9)
    | st.lists(st.text(max_size=3), max_size=3)
)


@given(st.dictionaries(st.sampled_from([*Options.model_fields, "other"]), VALUES, max_size=4))
def test_any_fields_are_options_or_refused(fields: Fields) -> None:
    try:
        options = Options.parse(fields)
    except EngineError:
        return
    assert Options.parse(json.loads(options.canonical_json())).digest() == options.digest()


def test_options_are_validated_without_the_compiler() -> None:
    code = "import sys, dither_engine.options as o; o.Options(); print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_catalogue_is_json_and_names_every_choice() -> None:
    found = json.loads(json.dumps(catalogue()))
    assert [row["name"] for row in found["algorithms"]] == list(NAMES)
    assert set(found["options"]) == set(Options.model_fields)
    for row in found["algorithms"]:
        assert set(row["controls"]) <= set(Options.model_fields)
        assert row["description"]
        assert row["source"]
    for name, field in found["options"].items():
        assert field["default"] == Options.model_fields[name].default
        assert field["description"]


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("bayer 8x8", "bayer-8"),
        ("bluenoise", "blue-noise"),
        ("fs", "floyd-steinberg"),
        ("newsprint", "halftone"),
    ],
)
def test_an_algorithm_is_found_by_what_people_call_it(typed: str, name: str) -> None:
    (row,) = (row for row in catalogue()["algorithms"] if row["name"] == name)
    assert all(word in row["search"] for word in typed.split())
