"""Links in mails: only those that we signed, for what they were signed, as long as they last."""

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import TimestampSigner

from notification_service.addresses import digest, mailbox
from notification_service.links import LIFETIMES, Action, BadLink, Links
from notification_service.look import fragment, in_words
from shared.settings import HttpSettings

SECRET = b"a secret of thirty-two characters"
LINKS = Links(HttpSettings(public_url="https://pictures.example.org/app"), SECRET)
SUBJECT = digest("ada@example.org", SECRET)


@pytest.mark.parametrize("action", LIFETIMES)
def test_a_link_is_read_back_by_its_own_action_only(action: Action) -> None:
    url = LINKS.url(action, SUBJECT)
    assert url.startswith(f"https://pictures.example.org/app/mail/{action}/")
    token = url.rpartition("/")[2]
    assert LINKS.read(action, token) == SUBJECT
    for other in LIFETIMES.keys() - {action}:
        with pytest.raises(BadLink):
            LINKS.read(other, token)


@given(st.text(max_size=99) | st.integers(0, 50).map(lambda n: LINKS.token("delete", "x")[:n]))
def test_what_we_did_not_sign_is_refused(token: str) -> None:
    with pytest.raises(BadLink):
        LINKS.read("delete", token)


def test_another_secret_is_refused() -> None:
    token = Links(HttpSettings(), b"another").token("confirm", SUBJECT)
    with pytest.raises(BadLink):
        LINKS.read("confirm", token)


@pytest.mark.parametrize(
    ("action", "days", "works"),
    [
        ("confirm", 6, True),
        ("confirm", 8, False),
        ("delete", 29, True),
        ("delete", 31, False),
        ("unsubscribe", 3650, True),
    ],
)
def test_links_end_except_those_that_unsubscribe(
    monkeypatch: pytest.MonkeyPatch, action: Action, days: int, works: bool
) -> None:
    token = LINKS.token(action, SUBJECT)
    now = TimestampSigner(b"x").get_timestamp()
    later = now + int(timedelta(days=days).total_seconds())
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _: later)
    if works:
        assert LINKS.read(action, token) == SUBJECT
    else:
        with pytest.raises(BadLink):
            LINKS.read(action, token)


@pytest.mark.parametrize(
    ("address", "same"),
    [
        ("Bob@Example.ORG", "bob@example.org"),
        ("bob+1@example.org", "bob@example.org"),
        ("b.o.b+x+y@gmail.com", "bob@gmail.com"),
        ("bob@googlemail.com", "bob@gmail.com"),
        ("b.ob@example.org", "b.ob@example.org"),
        ("+1@example.org", "+1@example.org"),
    ],
)
def test_which_addresses_are_one_mailbox(address: str, same: str) -> None:
    assert mailbox(address) == same
    assert digest(address, SECRET) == digest(same, SECRET)
    assert digest(address, b"other") != digest(same, SECRET)


def test_a_link_to_dither_again_has_the_picture_and_the_options() -> None:
    options = {
        "palette": ["#ff0000", "#000000"],
        "algorithm": "bayer-8",
        "channels": [5, 6, 5],
        "serpentine": True,
        "background": "#ffffff",
    }
    assert LINKS.again(UUID(int=1), options) == (
        "https://pictures.example.org/app/#image=00000000-0000-0000-0000-000000000001"
        "&palette=ff0000,000000&algorithm=bayer-8&channels=%5B5,%206,%205%5D"
        "&serpentine=true&background=ffffff"
    )
    assert fragment(UUID(int=1), {"name": "a&b=c"}).endswith("&name=a%26b%3Dc")


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        (
            {"channels": 2},
            ["Algorithm: floyd-steinberg", "Colours: 2 levels of red, green and blue"],
        ),
        ({"channels": 4, "palette": "gray"}, ["Algorithm: floyd-steinberg", "Colours: 4 greys"]),
        (
            {"palette": "gameboy", "channels": 2, "serpentine": True, "width": 300},
            ["Algorithm: floyd-steinberg", "Colours: gameboy", "Serpentine: yes", "Width: 300"],
        ),
        (
            {"algorithm": "knoll", "palette": "adaptive:16"},
            ["Algorithm: knoll", "Colours: 16 made from the picture"],
        ),
        (
            {"palette": ["#000000", "#ffffff"]},
            ["Algorithm: floyd-steinberg", "Colours: 2 that you chose"],
        ),
    ],
)
def test_options_in_words(options: dict[str, object], lines: list[str]) -> None:
    assert in_words(options) == lines


def test_a_long_value_is_cut() -> None:
    [*_, line] = in_words({"matrix": [list(range(64))] * 64})
    assert len(line) < 80
    assert line.endswith("…")
