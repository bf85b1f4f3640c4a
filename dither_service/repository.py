"""The dither service's queries. Each works in the caller's transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from dither_service.models import QUEUED, Dither, Image


def lock_image(session: Session, uuid: UUID) -> Image:
    """The image's row, made if need be; nobody else's to change until the transaction ends."""
    session.execute(insert(Image).values(uuid=uuid).on_conflict_do_nothing())
    query = select(Image).where(Image.uuid == uuid).with_for_update()
    return session.scalars(query, execution_options={"populate_existing": True}).one()


def find_image(session: Session, uuid: UUID) -> Image | None:
    return session.get(Image, uuid)


def find_dither(session: Session, dither_id: UUID) -> Dither | None:
    return session.get(Dither, dither_id)


def add_dither(session: Session, values: dict[str, Any]) -> bool:
    """True when it is new; equal options of the same image are there already."""
    statement = insert(Dither).values(**values).on_conflict_do_nothing()
    return session.scalar(statement.returning(Dither.dither_id)) is not None


def count_dithers(session: Session, uuid: UUID) -> int:
    query = select(func.count()).where(Dither.image_uuid == uuid)
    return session.scalars(query).one()


def finish(session: Session, dither_id: UUID, values: dict[str, Any]) -> Dither | None:
    """Settle a queued dither; None when there is none (any more)."""
    statement = (
        update(Dither)
        .where(Dither.dither_id == dither_id, Dither.status == QUEUED)
        .values(finished_at=func.clock_timestamp(), **values)
        .returning(Dither)
    )
    return session.scalar(statement, execution_options={"populate_existing": True})


def owns_file(session: Session, dither_id: UUID, key: str) -> bool:
    query = select(Dither.dither_id).where(Dither.dither_id == dither_id, Dither.key == key)
    return session.scalar(query) is not None


def dithers_of(session: Session, uuid: UUID) -> Sequence[Dither]:
    query = select(Dither).where(Dither.image_uuid == uuid)
    return session.scalars(query.order_by(Dither.created_at, Dither.dither_id)).all()


def newest(session: Session, limit: int, before: tuple[datetime, UUID] | None) -> Sequence[Dither]:
    """``limit`` dithers, newest first, from behind the one at ``before``."""
    query = select(Dither).order_by(Dither.created_at.desc(), Dither.dither_id.desc()).limit(limit)
    if before is not None:
        query = query.where(tuple_(Dither.created_at, Dither.dither_id) < tuple_(*before))
    return session.scalars(query).all()


def delete_dithers(session: Session, uuid: UUID) -> list[str]:
    """Delete all dithers of an image; returns the keys of their files."""
    keys = session.scalars(delete(Dither).where(Dither.image_uuid == uuid).returning(Dither.key))
    return [key for key in keys if key is not None]


def claim_unfinished(session: Session, after_seconds: float, limit: int) -> Sequence[Dither]:
    """Dithers that were queued too long ago, counted as handed out once more.

    Each time a dither waits twice as long as before, up to a day.
    """
    doublings = func.least(Dither.requests - 1, 16)  # unbounded, the power overflows one day
    wait = func.least(after_seconds * func.power(2, doublings), 86_400)
    due = (
        select(Dither.dither_id)
        .where(
            Dither.status == QUEUED,
            Dither.requested_at < func.now() - wait * text("interval '1 second'"),
        )
        .order_by(Dither.requested_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    claim = (
        update(Dither)
        .where(Dither.dither_id.in_(due))
        .values(requested_at=func.now(), requests=Dither.requests + 1)
        .returning(Dither)
    )
    return session.scalars(claim).all()


def forget_deleted(session: Session, after: timedelta) -> None:
    """Images deleted so long ago that no message of theirs can still be on its way."""
    session.execute(delete(Image).where(Image.deleted_at < func.now() - after))
