"""The rules of RFC 9111, and the store's bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_gateway import caching
from api_gateway.cache import ENTRY_OVERHEAD_BYTES, Store
from api_gateway.caching import Entry, make_entry, may_store, may_use
from api_gateway.headers import Headers, combine

DATE = (b"date", b"Thu, 01 Jan 2026 00:00:00 GMT")
LATER = (b"expires", b"Thu, 01 Jan 2026 00:01:00 GMT")


def says(value: bytes, *more: tuple[bytes, bytes]) -> Headers:
    return [(b"cache-control", value), *more]


@pytest.mark.parametrize(
    ("status", "headers", "stored"),
    [
        (200, says(b"max-age=60"), True),
        (200, says(b"public, max-age=31536000, immutable"), True),
        (200, says(b"no-cache", (b"etag", b'"a"')), True),
        (200, says(b"max-age=0, s-maxage=60"), True),
        (200, [DATE, LATER], True),
        (200, says(b"no-cache"), False),
        (200, says(b"max-age=0"), False),
        (200, says(b"max-age=nonsense"), False),
        (200, [], False),
        (200, [(b"last-modified", DATE[1])], False),
        (200, says(b"no-store, max-age=60"), False),
        (200, says(b"private, max-age=60"), False),
        (200, says(b"PRIVATE, max-age=60"), False),
        (200, says(b"max-age=60", (b"set-cookie", b"a=b")), False),
        (200, says(b"max-age=60", (b"vary", b"*")), False),
        (206, says(b"max-age=60"), False),
        (404, says(b"max-age=60"), False),
        (500, says(b"max-age=60"), False),
    ],
)
def test_what_may_be_stored(status: int, headers: Headers, stored: bool) -> None:
    assert may_store(status, combine(headers)) is stored


@pytest.mark.parametrize(
    ("headers", "asked", "age", "fresh"),
    [
        (says(b"max-age=60"), b"", 59, True),
        (says(b"max-age=60"), b"", 60, False),
        (says(b"max-age=60", (b"age", b"50")), b"", 9, True),
        (says(b"max-age=60", (b"age", b"50")), b"", 10, False),
        (says(b"max-age=60, s-maxage=10"), b"", 11, False),
        (says(b"max-age=60"), b"max-age=5", 6, False),
        (says(b"max-age=60"), b"min-fresh=30", 31, False),
        (says(b"max-age=60"), b"no-cache", 0, False),
        (says(b"no-cache, max-age=60"), b"", 0, False),
        ([DATE, LATER], b"", 59, True),
        ([DATE, LATER], b"", 61, False),
        (says(b"max-age=31536000"), b"", caching.MAX_LIFETIME_SECONDS + 1, False),
    ],
)
def test_how_long_it_is_fresh(headers: Headers, asked: bytes, age: int, fresh: bool) -> None:
    entry = make_entry({}, headers, b"", now=1000)
    assert entry.is_fresh(1000 + age, caching.parse_directives(asked)) is fresh


def test_age_counts_what_others_have_kept_it() -> None:
    entry = make_entry({}, says(b"max-age=60", (b"age", b"7")), b"", now=1000)
    assert entry.age(1003.9) == 10
    assert b"age" not in dict(entry.headers)


def test_an_answer_is_for_those_who_ask_alike() -> None:
    headers = says(b"max-age=60", (b"vary", b"Accept, Accept-Language"))
    asked = [(b"accept", b"image/png"), (b"accept-language", b"de")]
    entry = make_entry(dict(asked), headers, b"", now=0)
    assert entry.answers(dict([*asked, (b"user-agent", b"a")]))
    assert not entry.answers(dict([(b"accept", b"image/webp"), asked[1]]))
    assert not entry.answers(dict([asked[0]]))


def test_a_304_refreshes_what_is_stored() -> None:
    old = says(b"max-age=10", (b"etag", b'"a"'), (b"content-type", b"image/png"))
    entry = make_entry({}, old, b"abc", now=0)
    entry.refresh(says(b"max-age=20", (b"content-type", b"text/html"), (b"age", b"1")), now=100)
    assert entry.is_fresh(118, {})
    assert not entry.is_fresh(119, {})
    assert (b"content-type", b"image/png") in entry.headers


@pytest.mark.parametrize(
    ("field", "matches"),
    [
        ((b"if-none-match", b'"a"'), True),
        ((b"if-none-match", b'W/"a"'), True),
        ((b"if-none-match", b'"b", W/"a"'), True),
        ((b"if-none-match", b"*"), True),
        ((b"if-none-match", b'"b"'), False),
        ((b"if-modified-since", DATE[1]), True),
        ((b"if-modified-since", LATER[1]), True),
        ((b"if-modified-since", b"Wed, 31 Dec 2025 23:59:59 GMT"), False),
        ((b"if-modified-since", b"yesterday"), False),
    ],
)
def test_who_has_it_already(field: tuple[bytes, bytes], matches: bool) -> None:
    entry = make_entry({}, [(b"etag", b'"a"'), (b"last-modified", DATE[1])], b"", now=0)
    assert entry.matches(dict([field])) is matches


def test_a_tag_goes_before_a_date() -> None:
    entry = make_entry({}, [(b"etag", b'"a"'), (b"last-modified", DATE[1])], b"", now=0)
    assert not entry.matches({b"if-none-match": b'"b"', b"if-modified-since": LATER[1]})


def test_whose_requests_the_cache_may_answer() -> None:
    assert may_use({b"accept": b"*/*"}, {})
    assert not may_use({}, caching.parse_directives(b"no-store"))
    for name in (b"range", b"authorization", b"if-match", b"if-unmodified-since"):
        assert not may_use({name: b"a"}, {})


def an_entry(size: int) -> Entry:
    return make_entry({}, says(b"max-age=60"), b"a" * size, now=0)


UUIDS = [f"{i:08x}-0000-4000-8000-000000000000" for i in range(4)]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["put", "put", "get", "remove", "invalidate", "delete"]),
            st.sampled_from([f"upload/files/{u}/{n}" for u in UUIDS for n in "ab"] + ["upload/o"]),
            st.integers(0, 5000),
        ),
        max_size=60,
    )
)
def test_the_store_keeps_its_bound_and_its_books(steps: list[tuple[str, str, int]]) -> None:
    store, deleted = Store(20_000), set()
    for action, key, size in steps:
        if action == "put":
            store.put(key, an_entry(size))
        elif action == "get":
            store.get(key)
        elif action == "remove":
            store.remove(key)
        else:
            store.invalidate(key, deleted=action == "delete")
            group = next((u for u in UUIDS if u in key), None)
            deleted |= {group} if action == "delete" and group else set()
        assert store.bytes <= 20_000
        entries = store._entries.items()
        assert store.bytes == sum(
            len(key) + len(entry.body) + ENTRY_OVERHEAD_BYTES for key, entry in entries
        )
        assert {k for keys in store._groups.values() for k in keys} == set(store._entries)
        assert not [k for k in store._entries for u in deleted if u in k]


def test_the_least_recently_used_goes_first() -> None:
    store = Store(3 * (len("a") + 10 + ENTRY_OVERHEAD_BYTES))
    for key in "abc":
        store.put(key, an_entry(10))
    store.get("a")
    store.put("d", an_entry(10))
    assert [key for key in "abcd" if store.get(key)] == ["a", "c", "d"]


def test_what_does_not_fit_is_not_kept() -> None:
    store = Store(10_000)
    store.put("a", an_entry(10_000))
    assert len(store) == store.bytes == 0
