"""File names from uploads, made safe to store, to show and to mail."""

import unicodedata

LONGEST = 200
UNNAMED = "image"


def clean_filename(name: str | None) -> str:
    """The last part of the path, without characters that could deceive a reader or a program.

    Control and format characters are removed (also CR, LF, NUL and the marks that change the
    reading direction), repeated spaces become one, the length is limited. The result is plain text
    and must still be escaped wherever it is shown.
    """
    last = (name or "").replace("\\", "/").rpartition("/")[2]
    harmless = (c for c in last[: 4 * LONGEST] if unicodedata.category(c)[0] != "C" or c == "\t")
    kept = unicodedata.normalize("NFC", "".join(harmless))
    cleaned = " ".join(kept.split()).strip(". ")
    if len(cleaned) > LONGEST:
        stem, dot, extension = cleaned.rpartition(".")
        short = 0 < len(extension) <= 8 and bool(dot)
        cleaned = f"{stem[: LONGEST - 9]}.{extension}" if short else cleaned[:LONGEST].rstrip(". ")
    return cleaned or UNNAMED
