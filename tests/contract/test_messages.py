"""docs/asyncapi.yaml is what shared/messages.py says, and versions understand each other."""

import json
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError, create_model

from shared.context import Origin
from shared.kafka.codec import decode, encode_headers
from shared.messages import BODIES, Body
from tests.support import asyncapi
from tests.support.asyncapi_document import DOCUMENT, generate
from tests.support.kafka_fakes import record

TYPES = sorted(BODIES)
EXAMPLES = [
    (message_type, example["payload"])
    for message_type, message in sorted(asyncapi.messages().items())
    for example in message["examples"]
]


def accepts(message_type: str, body: object) -> bool:
    try:
        BODIES[message_type].model_validate_json(json.dumps(body))
    except ValidationError:
        return False
    return True


def test_the_document_is_what_the_classes_make() -> None:
    assert DOCUMENT.read_text() == generate(), "run `make docs`"


def test_each_type_is_in_one_channel() -> None:
    channels = asyncapi.document()["channels"]
    found = [name for channel in channels.values() for name in channel["messages"]]
    assert sorted(found) == sorted(asyncapi.document()["components"]["messages"])


@pytest.mark.parametrize(("message_type", "body"), EXAMPLES)
def test_the_examples_of_the_document_are_valid_for_both(message_type: str, body: object) -> None:
    assert asyncapi.body_errors(message_type, body) == []
    assert accepts(message_type, body)


WRONG: list[Any] = [None, [], {}, 1.5, "", "x", "x" * 3000, "a\nb", -1, 0, 257, "http://x y", "@"]


def wrong_variants(message_type: str, body: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """What is against the document: each required field missing, each field as it must not be."""
    required = asyncapi.schema(message_type)["required"]
    variants = [
        (f"without {name}", {k: v for k, v in body.items() if k != name}) for name in required
    ]
    for name in body:
        variants += [(f"{name}={value!r:.20}", {**body, name: value}) for value in WRONG]
    # An optional field may be null for a reader: some writers spell "not there" like that.
    return [
        (what, variant)
        for what, variant in variants
        if asyncapi.body_errors(message_type, variant)
        and not any(variant.get(k, "") is None for k in body if k not in required)
    ]


@pytest.mark.parametrize(("message_type", "body"), EXAMPLES)
def test_what_the_document_forbids_is_not_accepted(message_type: str, body: dict[str, Any]) -> None:
    wrong = wrong_variants(message_type, body)
    assert wrong
    assert [what for what, variant in wrong if accepts(message_type, variant)] == []


URLS = st.from_regex(r"https?://[a-z.]{1,20}/[a-zA-Z0-9/_-]{0,40}", fullmatch=True)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "uuid": st.uuids(),
    "dither_id": st.uuids(),
    "url": URLS,
    "url_dither": URLS,
    "filename": st.text(
        st.characters(exclude_characters="\x7f", exclude_categories=["Cs", "Cc"]), max_size=255
    ),
    "email": st.emails().filter(lambda address: len(address) <= 254),
    "content_type": st.sampled_from(["image/png", "image/jpeg"]),
    "reason": st.text(max_size=50),
    "options": st.dictionaries(st.text(max_size=9), st.integers() | st.text(max_size=9)),
    "channels": st.integers(2, 256),
    "owner": st.from_regex(r"(key|anon):[A-Za-z0-9_-]{1,40}", fullmatch=True),
    "has_recipient": st.booleans(),
}


@st.composite
def bodies(draw: st.DrawFn) -> Body:
    """Anything that a service may send."""
    body_class = BODIES[draw(st.sampled_from(TYPES))]
    values = {
        name: draw(FIELDS.get(name, st.integers(0, 10**9)))
        for name, field in body_class.model_fields.items()
        if field.is_required() or draw(st.booleans())
    }
    return body_class.model_validate(values)


@settings(deadline=None)
@given(body=bodies())
def test_what_is_sent_is_as_the_document_says_and_read_as_it_was(body: Body) -> None:
    headers = encode_headers(body.message_type, uuid4(), Origin("request-1"))
    encoded = body.model_dump_json(exclude_none=True).encode()
    assert asyncapi.header_errors({name: value.decode() for name, value in headers}) == []
    assert asyncapi.body_errors(body.message_type, json.loads(encoded)) == []
    assert decode(record(encoded, headers=[*headers])).body == body


@pytest.mark.parametrize(("message_type", "body"), EXAMPLES)
def test_a_message_of_version_1_2_0_is_read_today(message_type: str, body: dict[str, Any]) -> None:
    newer = {**body, "camera": "box", "more": {"of": ["it"]}}
    assert asyncapi.body_errors(message_type, newer) == []
    received = decode(
        record(
            json.dumps(newer).encode(),
            headers=[("message_type", message_type.encode()), ("version", b"1.2.0")],
        )
    )
    assert received.body == BODIES[message_type].model_validate(body)


@pytest.mark.parametrize(("message_type", "body"), EXAMPLES)
def test_a_message_of_today_is_read_by_version_1_2_0(
    message_type: str, body: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a consumer that knows a field more."""
    newer = create_model("Newer", __base__=BODIES[message_type], camera=(str | None, None))
    monkeypatch.setattr(newer, "message_type", message_type)
    monkeypatch.setitem(BODIES, message_type, newer)
    headers = encode_headers(message_type, uuid4())
    received = decode(record(json.dumps(body).encode(), headers=[*headers]))
    assert received.body.model_dump(mode="json", include=set(body)) == body
    assert vars(received.body)["camera"] is None
    assert asyncapi.header_errors({name: value.decode() for name, value in headers}) == []
