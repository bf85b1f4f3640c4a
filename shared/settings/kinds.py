"""Kinds of values that several settings have, each with the sentence that says what is allowed."""

import re
from typing import Annotated

from pydantic import AfterValidator


def matching(pattern: str, allowed: str) -> AfterValidator:
    """A check for texts; ``allowed`` completes the sentence "<VARIABLE> must be …"."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"must be {allowed}")
        return value

    return AfterValidator(check)


def split_list(value: str) -> list[str]:
    """The parts of a list with commas."""
    return [part.strip() for part in value.split(",") if part.strip()]


_ORIGIN = r"https?://[^/?#@,\s]+"

Addresses = Annotated[
    str,
    matching(
        rf"{_ORIGIN}/?(\s*,\s*{_ORIGIN}/?)*",
        "an address such as http://127.0.0.1:8001, or several with commas",
    ),
]
BaseAddress = Annotated[
    str, matching(rf"{_ORIGIN}(/[^?#\s]*)?", "an address such as https://example.org")
]
