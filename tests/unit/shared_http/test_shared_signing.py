"""Tokens and links are worth nothing when they are changed, ended, or for another purpose."""

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.signing import DAY, Identities, Links

SECRET = "a secret of thirty-two characters"
PATH = "/files/images/0f8fad5b-d9cb-469f-a165-70867728950e.png"
HOUR = 3600


class Clock:
    now = 10.0 * DAY

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_token_is_known_again_with_its_age(clock: Clock) -> None:
    identities = Identities(SECRET, clock=clock)
    token = identities.issue("anon:ada")
    clock.now += 40 * DAY
    assert identities.read(token) == ("anon:ada", 40)


@given(place=st.integers(0, 200), character=st.sampled_from("AZaz09-_."))
def test_a_changed_token_is_not_ours(place: int, character: str) -> None:
    token = Identities(SECRET).issue("anon:ada")
    place %= len(token) - 1  # the last character of base64 has bits without meaning
    changed = token[:place] + character + token[place + 1 :]
    assert changed == token or Identities(SECRET).read(changed) is None


def test_a_token_of_another_secret_is_not_ours() -> None:
    assert Identities(SECRET).read(Identities(SECRET[::-1]).issue("anon:ada")) is None


def test_a_link_ends(clock: Clock) -> None:
    links = Links(SECRET, clock=clock)
    query = urlsplit(links.sign(PATH, HOUR)).query
    clock.now += HOUR - 1
    assert links.is_valid(PATH, query)
    clock.now += HOUR + 1
    assert not links.is_valid(PATH, query)


def test_a_link_stays_the_same_for_a_while_so_that_it_is_cached(clock: Clock) -> None:
    links = Links(SECRET, clock=clock)
    first = links.sign(PATH, HOUR)
    clock.now += HOUR / 2
    assert links.sign(PATH, HOUR) == first
    clock.now += HOUR
    assert links.sign(PATH, HOUR) != first


def test_a_link_is_for_one_file(clock: Clock) -> None:
    links = Links(SECRET, clock=clock)
    query = urlsplit(links.sign(PATH, HOUR)).query
    assert not links.is_valid(PATH.replace("0f8f", "0f8e"), query)


def test_a_link_cannot_be_made_longer(clock: Clock) -> None:
    links = Links(SECRET, clock=clock)
    query = parse_qs(urlsplit(links.sign(PATH, HOUR)).query)
    later = int(query["expires"][0]) + HOUR
    assert not links.is_valid(PATH, f"expires={later}&signature={query['signature'][0]}")


@given(query=st.text(max_size=80))
def test_any_other_query_is_no_signature(query: str) -> None:
    assert not Links(SECRET).is_valid(PATH, query)


def test_so_many_fields_are_no_signature() -> None:
    assert not Links(SECRET).is_valid(PATH, "a=1&" * 100)


def test_a_link_of_another_secret_is_not_ours() -> None:
    query = urlsplit(Links(SECRET[::-1]).sign(PATH, HOUR)).query
    assert not Links(SECRET).is_valid(PATH, query)
