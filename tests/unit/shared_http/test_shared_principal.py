"""What the gateway says of a caller reaches the services unchanged, or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.principal import EVERYBODY, NOBODY, SCOPES, Principal, Principals
from shared.settings import AccessSettings

SECRET = "a secret of thirty-two characters"


def settings(**values: object) -> AccessSettings:
    return AccessSettings.model_validate({"access": "owned", "principal_secret": SECRET, **values})


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


ADA = Principal("anon:ada", frozenset({"read", "write"}))
OWNERS = st.none() | st.from_regex(r"(key|anon):[A-Za-z0-9_-]{1,40}", fullmatch=True)
QUOTAS = st.lists(st.tuples(st.sampled_from(["images", "bytes"]), st.integers(0))).map(tuple)
PRINCIPALS = st.builds(
    Principal, OWNERS, st.frozensets(st.sampled_from(sorted(SCOPES))), st.booleans(), QUOTAS
)


@given(principal=PRINCIPALS)
def test_a_service_reads_what_the_gateway_wrote(principal: Principal) -> None:
    assert Principals(settings()).verify(Principals(settings()).sign(principal)) == principal


def test_a_caller_without_a_principal_is_nobody() -> None:
    assert Principals(settings()).verify(None) == NOBODY
    assert NOBODY.is_nobody


@given(place=st.integers(0, 200), character=st.sampled_from("AZaz09-_."))
def test_a_changed_principal_is_nobody(place: int, character: str) -> None:
    header = Principals(settings()).sign(ADA)
    place %= len(header)
    changed = header[:place] + character + header[place + 1 :]
    # The last character of base64 has bits without meaning.
    expected = {NOBODY, ADA} if place == len(header) - 1 else {NOBODY}
    assert changed == header or Principals(settings()).verify(changed) in expected


@given(text=st.text(max_size=80))
def test_any_other_text_is_nobody(text: str) -> None:
    assert Principals(settings()).verify(text) == NOBODY


def test_a_principal_signed_with_another_secret_is_nobody() -> None:
    other = Principals(settings(principal_secret=SECRET[::-1]))
    assert Principals(settings()).verify(other.sign(ADA)) == NOBODY


def test_a_principal_is_valid_for_a_minute(clock: Clock) -> None:
    principals = Principals(settings(), clock=clock)
    header = principals.sign(ADA)
    clock.now += 20
    assert principals.verify(header) == ADA
    clock.now += 100
    assert principals.verify(header) == NOBODY
    assert principals.verify(principals.sign(ADA)) == ADA


def test_a_principal_of_the_far_future_is_nobody(clock: Clock) -> None:
    principals = Principals(settings(), clock=clock)
    clock.now += 1000
    header = principals.sign(ADA)
    clock.now -= 1000
    assert principals.verify(header) == NOBODY


def test_with_open_access_everybody_may_do_everything() -> None:
    principals = Principals(settings(access="open", principal_secret=""))
    assert principals.verify(None) == principals.verify("forged") == EVERYBODY
    assert EVERYBODY.owns(None)
    assert EVERYBODY.owns("anon:ada")


def test_an_owner_owns_what_is_theirs() -> None:
    assert ADA.owns("anon:ada")
    assert not ADA.owns("anon:bob")
    assert not ADA.owns(None), "what has no owner belongs to nobody"
    assert not NOBODY.owns(None)
    assert Principal("key:ops", frozenset({"operate"})).owns("anon:bob")


@pytest.mark.parametrize(
    ("host", "public_url", "mode"),
    [
        ("127.0.0.1", "http://localhost:8000", "open"),
        ("::1", "http://[::1]:8000", "open"),
        ("0.0.0.0", "http://localhost:8000", "owned"),
        ("127.0.0.1", "https://dither.example.org", "owned"),
        ("10.1.2.3", "http://10.1.2.3", "owned"),
    ],
)
def test_access_is_open_by_default_only_on_this_machine(
    host: str, public_url: str, mode: str
) -> None:
    assert settings(access=None, host=host, public_url=public_url).access_mode == mode


def test_access_other_than_open_needs_a_secret() -> None:
    with pytest.raises(ValidationError, match="PRINCIPAL_SECRET must have 32 characters"):
        settings(principal_secret="short")
    with pytest.raises(ValidationError, match="PRINCIPAL_SECRET must have 32 characters"):
        settings(access=None, host="0.0.0.0", principal_secret="")
