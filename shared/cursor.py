"""The cursor of a newest-first list: the position where a page ended, as an opaque text."""

import base64
import json
from datetime import UTC, datetime
from uuid import UUID

from shared.problems import Problem


def write_cursor(created_at: datetime, uuid: UUID) -> str:
    place = json.dumps([created_at.isoformat(), uuid.hex], separators=(",", ":"))
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> tuple[datetime, UUID]:
    """Raises ``Problem`` 422 for a text that is not from ``write_cursor``."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        created_at, uuid = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        moment = datetime.fromisoformat(created_at)
        if moment.tzinfo is None:
            raise ValueError
        # In UTC: Python accepts some offsets that Postgres does not.
        return moment.astimezone(UTC), UUID(hex=uuid)
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        raise Problem(422, "cursor: must be a page's next_cursor, unchanged.") from None
