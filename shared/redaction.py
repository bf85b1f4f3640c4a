"""What is hidden: from people who only have a link, and from logs and traces."""

import re
from typing import Any

_MAX_CHARACTERS = 40
MAX_SHOWN_PATH = 200
_EMAIL = re.compile(r"[^/\s]+(?:@|%40)[^/\s]+", re.IGNORECASE)
# As itsdangerous writes them: a payload and its signature. A link in a mail has one.
_SIGNED = re.compile(r"(?<=/)[\w.-]+\.[\w-]{27,}(?=/|$)")


def without_own_values(options: dict[str, Any]) -> dict[str, Any]:
    """Options without texts and lists that an owner has written, such as a palette."""
    return {name: value for name, value in options.items() if _is_common(value)}


def _is_common(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= _MAX_CHARACTERS and value.isprintable()
    return value is None or isinstance(value, bool | int | float)


def shown_path(path: str) -> str:
    """A path for logs and traces: shortened, without email addresses and signed parts.

    Query strings are never shown.
    """
    if "@" in path or "%40" in path:
        path = _EMAIL.sub("[email]", path)
    return _SIGNED.sub("[signed]", path)[:MAX_SHOWN_PATH]
