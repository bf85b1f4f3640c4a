"""What a client accepts, as RFC 9110 reads it; what cannot be read never breaks the answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.accept import quality


@pytest.mark.parametrize(
    ("accept", "liked"),
    [
        ("", 1),
        ("*/*", 1),
        ("image/*", 1),
        ("image/png", 1),
        ("IMAGE/PNG", 1),
        ("text/html", 0),
        ("image/png;q=0", 0),
        ("image/png; q=0.25", 0.25),
        ("image/png;level=1;q=0.5", 0.5),
        ("*/*;q=0.1, image/png;q=0.7, image/*;q=0.9", 0.7),
        ("image/*, */*;q=0.1", 1),
        ("image/png;q=0, */*", 0),
        ("image/pngs, png", 0),
        ("image/png;q=nonsense", 1),
    ],
)
def test_how_much_a_type_is_liked(accept: str, liked: float) -> None:
    assert quality(accept, "image/png") == liked


@given(st.text(alphabet='image/png*q=;,. 01"'))
def test_any_text_is_read(accept: str) -> None:
    assert 0 <= quality(accept, "image/png") <= 1
