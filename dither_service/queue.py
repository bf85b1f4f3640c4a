"""The queue of dithers: rows of the table ``dithers`` that are ``queued``.

A process claims rows for a while, and extends that until the work is done; the rows of a process
that died become free again. A claim counts as an attempt, before the work begins: perhaps it was
the work that killed the process. So rows that were attempted before are **suspects**, and a process
works on one suspect at a time, or the guilty one would take the innocent ones along each time.

**Fair share.** Rows are worked on in the order of ``turn``, a time that goes on with the work: when
a row is added, it is that of the first row in the queue, or of the last row of the same share (the
owner; without one, the image), and to this the row's own cost is added. So a thousand rows of one
share stand behind each other, and a new row of another share stands near the beginning. Quick and
slow rows are worked on side by side, and have times of their own. Source: S. J. Golestani, "A
self-clocked fair queueing scheme for broadband applications", INFOCOM 1994.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import inf
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, and_, bindparam, func, or_, select, update
from sqlalchemy.orm import Session

from dither_service import models
from dither_service.models import QUEUED
from dither_service.pool import QUICK_SECONDS
from shared.claims import claim

LEASE = timedelta(seconds=10)

_dithers: Any = models.Dither.__table__
_images: Any = models.Image.__table__
_now = func.clock_timestamp()
_free = or_(_dithers.c.claimed_until.is_(None), _dithers.c.claimed_until < _now)
_claimed = {"claimed_until": _now + LEASE, "attempts": _dithers.c.attempts + 1}
_these = _dithers.c.dither_id == func.any(bindparam("ids", type_=ARRAY(Uuid)))
_CLAIM = (
    update(_dithers)
    .where(_these, _dithers.c.status == QUEUED, _dithers.c.attempts == 0, _free)
    .values(_claimed)
    .returning(*_dithers.c)
)
_EXTEND = update(_dithers).where(_these).values(claimed_until=_now + LEASE)
# The work was not begun, or its end had nothing to do with it: the attempt does not count.
_RETURN = (
    update(_dithers)
    .where(_these, _dithers.c.status == QUEUED)
    .values(claimed_until=None, attempts=func.greatest(_dithers.c.attempts - 1, 0))
)
_RELEASE = update(_dithers).where(_these, _dithers.c.status == QUEUED).values(claimed_until=None)
_FIND_IMAGES = select(*_images.c).where(
    _images.c.uuid == func.any(bindparam("uuids", type_=ARRAY(Uuid)))
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Estimated CPU seconds of the queued work: of one share, and of all."""

    own: float
    all: float


def claim_these(session: Session, ids: Collection[UUID]) -> Sequence[Any]:
    """Claim those of the dithers that are queued, free and no suspects; returns their rows."""
    return session.execute(_CLAIM, {"ids": list(ids)}).all() if ids else ()


def claim_next(session: Session, limit: int, *, slow: bool) -> Sequence[Any]:
    """Claim up to ``limit`` quick or slow dithers whose turn is next; returns their rows."""
    of_lane = _dithers.c.cost > QUICK_SECONDS if slow else _dithers.c.cost <= QUICK_SECONDS
    return _claim_first(session, limit, and_(of_lane, _dithers.c.attempts == 0))


def claim_suspect(session: Session) -> Sequence[Any]:
    """Claim the suspect whose turn is next."""
    return _claim_first(session, 1, _dithers.c.attempts > 0)


def _claim_first(session: Session, limit: int, which: Any) -> Sequence[Any]:
    statement = claim(
        _dithers,
        _dithers.c.dither_id,
        due=and_(_dithers.c.status == QUEUED, _free, which),
        order=_dithers.c.turn,
        limit=limit,
        values=_claimed,
    )
    rows = session.execute(statement.returning(*_dithers.c)).all()
    return sorted(rows, key=lambda row: float(row.turn))


def images_of(session: Session, rows: Sequence[Any]) -> dict[UUID, Any]:
    uuids = list({row.image_uuid for row in rows})
    return {image.uuid: image for image in session.execute(_FIND_IMAGES, {"uuids": uuids})}


def extend(session: Session, ids: Collection[UUID]) -> None:
    session.execute(_EXTEND, {"ids": list(ids)})


def give_back(session: Session, ids: Collection[UUID]) -> None:
    """End claims; the attempts do not count."""
    if ids:
        session.execute(_RETURN, {"ids": list(ids)})


def release(session: Session, ids: Collection[UUID]) -> None:
    """End claims after attempts that count."""
    if ids:
        session.execute(_RELEASE, {"ids": list(ids)})


def seconds_until_free(session: Session, but: Collection[UUID]) -> float | None:
    """When the first claim ends that another process has, or has left behind."""
    left = func.extract("epoch", func.min(_dithers.c.claimed_until) - _now)
    query = select(left).where(
        _dithers.c.status == QUEUED,
        _dithers.c.claimed_until.is_not(None),
        ~_dithers.c.dither_id.in_(list(but)),
    )
    seconds = session.scalar(query)
    return None if seconds is None else float(seconds)


def waiting(session: Session, share: str, most_each: float = inf) -> Waiting:
    """How much work is queued; no share counts for more than ``most_each`` in that of all."""
    cost = func.sum(_dithers.c.cost).label("cost")
    each = select(_dithers.c.share, cost).where(_dithers.c.status == QUEUED)
    shares = each.group_by(_dithers.c.share).subquery()
    own = func.coalesce(func.sum(shares.c.cost).filter(shares.c.share == share), 0)
    total = func.coalesce(func.sum(func.least(shares.c.cost, most_each)), 0)
    row = session.execute(select(own, total)).one()
    return Waiting(float(row[0]), float(row[1]))
