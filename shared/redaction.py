"""What people who only have a link are not shown of an image's dithers."""

from typing import Any

_MAX_CHARACTERS = 40


def without_own_values(options: dict[str, Any]) -> dict[str, Any]:
    """Options without texts and lists that an owner has written, such as a palette."""
    return {name: value for name, value in options.items() if _is_common(value)}


def _is_common(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= _MAX_CHARACTERS and value.isprintable()
    return value is None or isinstance(value, bool | int | float)
