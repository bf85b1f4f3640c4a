"""A cursor is read back as it was written; anything else is the client's mistake."""

import base64
import json
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.cursor import read_cursor, write_cursor
from shared.problems import Problem

MOMENTS = st.datetimes(min_value=datetime(2000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - made UTC

SOMEWHERE = UUID("7f8f4d4c-52c1-4c8b-9d0e-6d9e3c2f1a10")


def written(*place: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


@settings(deadline=None)
@given(MOMENTS, st.uuids())
def test_a_place_is_read_as_it_was_written(moment: datetime, uuid: UUID) -> None:
    cursor = write_cursor(moment, uuid)
    assert read_cursor(cursor) == (moment, uuid)
    assert cursor.replace("-", "").replace("_", "").isalnum(), "it needs no escaping in a URL"


def test_a_place_is_in_utc_wherever_it_was_written() -> None:
    here = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=-7)))
    moment, _ = read_cursor(write_cursor(here, uuid4()))
    assert moment == here
    assert moment.utcoffset() == timedelta(0)


@settings(deadline=None)
@given(st.text(max_size=200) | st.binary(max_size=90).map(lambda b: base64.b64encode(b).decode()))
def test_garbage_is_refused_with_a_sentence(cursor: str) -> None:
    with pytest.raises(Problem, match="next_cursor") as caught:
        read_cursor(cursor)
    assert caught.value.status == 422


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        written(),
        written("2026-01-01T00:00:00+00:00"),
        written("2026-01-01T00:00:00", str(SOMEWHERE)),
        written("2026-01-01T00:00:00+00:00", "no uuid"),
        written("2026-01-01T00:00:00+00:00", 7),
        written(1767225600, str(SOMEWHERE)),
        written(None, None),
        written("0001-01-01T00:00:00+23:59", str(SOMEWHERE)),
        written({"a": 1}, ["b"]),
        base64.urlsafe_b64encode(b"[" * 150).decode(),
        write_cursor(datetime(2026, 1, 1, tzinfo=UTC), SOMEWHERE) + "!",
    ],
)
def test_what_looks_like_a_cursor_but_is_none(cursor: str) -> None:
    with pytest.raises(Problem) as caught:
        read_cursor(cursor)
    assert caught.value.status == 422
