"""File names: as clients send them, made safe to keep, and sent back.

Sources: RFC 6266 (``Content-Disposition``), RFC 7578 (forms), RFC 8187 (``filename*``), RFC 2047
(encoded words, sent by .NET), WHATWG, "HTML", 4.10.21.8 (browsers encode three characters), the
Unicode Standard, 23.2 (joiners).
"""

import re
import unicodedata
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import collapse_rfc2231_value
from typing import Any
from urllib.parse import quote

LONGEST = 200
UNNAMED = "image"
# Zero-width joiner and non-joiner: they shape emoji and the words of some scripts.
_JOINERS = "\u200c\u200d"
_JOINABLE = frozenset({"Lo", "Mn", "Mc", "So", "Sk"})  # letters without case, marks, emoji
_OF_BROWSERS = {"%22": '"', "%0D": "\r", "%0A": "\n"}
_ENCODED_WORDS = re.compile(r"(=\?[^?\s]+\?[bBqQ]\?[^?\s]*\?=\s*)+")


def clean_filename(name: str | None) -> str:
    """The last part of the path, without characters that could deceive a reader or a program.

    Control and format characters are removed (also CR, LF, NUL and the marks that change the
    reading direction), except joiners inside a word; repeated spaces become one, the length is
    limited. The result is plain text and must still be escaped wherever it is shown.
    """
    last = (name or "").replace("\\", "/").rpartition("/")[2][: 4 * LONGEST]
    cleaned = _cleaned(last)
    while cleaned != last:  # what is removed may bring characters together that belong apart
        last, cleaned = cleaned, _cleaned(cleaned)
    return cleaned or UNNAMED


def _cleaned(name: str) -> str:
    harmless = (c for c in name if unicodedata.category(c)[0] != "C" or c in "\t" + _JOINERS)
    kept = _joined(unicodedata.normalize("NFC", "".join(harmless)))
    cleaned = " ".join(kept.split()).strip(". ")
    if len(cleaned) > LONGEST:
        stem, dot, extension = cleaned.rpartition(".")
        short = 0 < len(extension) <= 8 and bool(dot)
        cleaned = f"{stem[: LONGEST - 9]}.{extension}" if short else cleaned[:LONGEST].rstrip(". ")
    return cleaned


def _joined(name: str) -> str:
    """``name`` without the joiners that join nothing."""
    around = zip(" " + name, name, name[1:] + " ", strict=False)
    return "".join(
        c
        for before, c, after in around
        if c not in _JOINERS
        or (unicodedata.category(before) in _JOINABLE and unicodedata.category(after) in _JOINABLE)
    )


def sent_filename(plain: str, disposition: str) -> str:
    """The name that a client means with the part's header field ``Content-Disposition``.

    plain: its parameter ``filename``, without quotes.
    """
    if (extended := extended_filename(disposition)) is not None:
        return extended
    if _ENCODED_WORDS.fullmatch(plain):
        try:
            return str(make_header(decode_header(plain)))
        except (HeaderParseError, LookupError, ValueError):
            return plain
    for encoded, character in _OF_BROWSERS.items():
        plain = plain.replace(encoded, character)
    return plain


def extended_filename(disposition: str) -> str | None:
    """The parameter ``filename*`` of a header field, decoded; None if there is none."""
    if "*" not in disposition:
        return None
    field = Message()
    field["content-disposition"] = disposition
    value: Any  # a tuple if it was extended
    for name, value in field.get_params([], header="content-disposition"):
        if name.lower() == "filename" and isinstance(value, tuple):
            return collapse_rfc2231_value(value)
    return None


def content_disposition(name: str, kind: str = "inline") -> str:
    """The header field's value for a cleaned name: in ASCII, and exact for who reads UTF-8."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = re.sub(r'["\\%]', "_", plain).strip() or UNNAMED
    if plain == name:
        return f'{kind}; filename="{name}"'
    if plain.startswith("."):  # only the extension is ASCII
        plain = UNNAMED + plain
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def with_extension(name: str, extension: str) -> str:
    """``photo.jpg`` → ``photo.png``. An end of more than five letters is no extension."""
    stem, dot, end = name.rpartition(".")
    return f"{stem if dot and len(end) <= 5 else name}.{extension}"
