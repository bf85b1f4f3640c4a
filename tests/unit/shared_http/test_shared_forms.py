"""JSON from outside: an object that a database can keep, or a sentence."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.forms import MAX_JSON_CHARACTERS, MAX_JSON_LEVELS, parse_json_object
from shared.problems import Problem

PLAIN = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\\"), max_size=20)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    # The text of an escaped NUL is refused with the NUL itself.
    | PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PLAIN, inner, max_size=3),
    max_leaves=10,
)


@settings(deadline=None)
@given(st.dictionaries(PLAIN, VALUES, max_size=5))
def test_an_object_is_read_as_it_was_written(value: dict[str, object]) -> None:
    assert parse_json_object("options", json.dumps(value)) == value
    assert parse_json_object("options", json.dumps(value, ensure_ascii=False).encode()) == value


def nested(levels: int) -> str:
    return '{"a": ' + "[" * (levels - 1) + "]" * (levels - 1) + "}"


def test_an_object_may_be_nested_to_a_limit() -> None:
    assert parse_json_object("options", nested(MAX_JSON_LEVELS)).keys() == {"a"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '"text"',
        "7",
        "null",
        "true",
        "{'single': 'quotes'}",
        '{"a": 1} {"b": 2}',
        '{"a": NaN}',
        '{"a": -Infinity}',
        '{"a": 1e999}',
        '{"a": "\\u0000"}',
        '{"\\u0000": "a"}',
        '{"a": ["b", {"c": "\\u0000"}]}',
        '{"a": "\\ud800"}',
        '{"a": ' + "9" * 5000 + "}",
        "[" * 5000,
        nested(MAX_JSON_LEVELS + 1),
        '{"a": ' * 2000 + "1" + "}" * 2000,
        b"\xff\xfe\x00",
        b'{"a": "\xff"}',
        '{"a": "' + "b" * MAX_JSON_CHARACTERS + '"}',
    ],
)
def test_what_no_database_could_keep_is_refused_by_the_field_s_name(text: str | bytes) -> None:
    with pytest.raises(Problem, match=r"^options: a JSON object is expected") as caught:
        parse_json_object("options", text)
    assert caught.value.status == 422
    assert f"{MAX_JSON_CHARACTERS:,} characters and {MAX_JSON_LEVELS} levels" in caught.value.detail
