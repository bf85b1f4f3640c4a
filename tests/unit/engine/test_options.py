"""Options: what makes no sense is refused with a sentence; the catalogue names every choice."""

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
from dither_engine.algorithms import NAMES

Fields = dict[str, Any]


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
