"""Remembering results, in memory that no client can make large."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

LONGEST = 256

Text = TypeVar("Text", str, bytes)
Result = TypeVar("Result")


def remembers(entries: int) -> Callable[[Callable[[Text], Result]], Callable[[Text], Result]]:
    """``lru_cache`` for functions of what clients send; what is long is worked out each time."""

    def decorate(function: Callable[[Text], Result]) -> Callable[[Text], Result]:
        remembered = lru_cache(entries)(function)

        @wraps(function)
        def call(text: Text) -> Result:
            return remembered(text) if len(text) <= LONGEST else function(text)

        return call

    return decorate
