"""What a client accepts: the header field ``Accept`` (RFC 9110, 12.5.1)."""

import re

_RANGE = re.compile(r"\s*([\w.+*-]+/[\w.+*-]+)\s*((?:;[^,]*)?)")
_QUALITY = re.compile(r";\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*(?:;|$)", re.IGNORECASE)


def quality(accept: str, media_type: str) -> float:
    """How much a media type is liked, 0 (not accepted) to 1; 1 if ``accept`` is empty.

    The most specific range counts. What cannot be read is ignored.
    """
    if not accept.strip():
        return 1.0
    main = media_type.partition("/")[0]
    ranks = {"*/*": 0, f"{main}/*": 1, media_type: 2}
    best, found = -1, 0.0
    for part in accept.split(","):
        match = _RANGE.fullmatch(part)
        rank = ranks.get(match[1].lower(), -1) if match else -1
        if match and rank > best:
            given = _QUALITY.search(match[2])
            best, found = rank, min(1.0, float(given[1])) if given else 1.0
    return found
