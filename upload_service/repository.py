"""The upload service's queries. Each works in the caller's transaction."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, exists, func, or_, select, text, tuple_, update
from sqlalchemy import delete as sql_delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, selectinload

from upload_service.models import DITHERED, DONE, FAILED, QUEUED, UPLOADED, Dither, Image

# An image may have many dithers: they are loaded for those who look at them, and for nobody else.
_WITH_DITHERS = selectinload(Image.dithers)


def add(session: Session, image: Image) -> None:
    """From then on it has what the database gave it."""
    session.add(image)
    session.flush()
    session.get(Image, image.uuid, options=[_WITH_DITHERS], populate_existing=True)


def find(session: Session, uuid: UUID) -> Image | None:
    """The image and its dithers."""
    return session.get(Image, uuid, options=[_WITH_DITHERS])


def lock(session: Session, uuid: UUID) -> Image | None:
    """The image without its dithers, nobody else's to change until the transaction ends."""
    return session.get(Image, uuid, with_for_update=True, populate_existing=True)


def newest(session: Session, limit: int, before: tuple[datetime, UUID] | None) -> Sequence[Image]:
    """``limit`` images, newest first, from behind the one at ``before``, with their dithers."""
    query = select(Image).options(_WITH_DITHERS)
    query = query.order_by(Image.created_at.desc(), Image.uuid.desc()).limit(limit)
    if before is not None:
        query = query.where(tuple_(Image.created_at, Image.uuid) < tuple_(*before))
    return session.scalars(query).all()


def versions(session: Session, uuids: Collection[UUID]) -> dict[UUID, int]:
    """The version of each of the images that exist."""
    query = select(Image.uuid, Image.version).where(Image.uuid.in_(uuids))
    return dict(session.execute(query).all())


def delete(session: Session, image: Image) -> None:
    """The image and, by their foreign key, its dithers."""
    session.execute(sql_delete(Image).where(Image.uuid == image.uuid))


def record_dither(session: Session, image: Image, values: dict[str, Any]) -> bool:
    """Add or finish a dither; True when that changed anything.

    What is settled is not queued again, and what is done stays done: messages that come late,
    twice or in another order end in the same state.
    """
    statement = insert(Dither).values(image_uuid=image.uuid, **values)
    told = statement.excluded.status
    changed = session.scalar(
        statement.on_conflict_do_update(
            index_elements=[Dither.dither_id],
            set_={name: statement.excluded[name] for name in values if name != "dither_id"},
            where=or_(
                and_(Dither.status == QUEUED, told != QUEUED),
                and_(Dither.status == FAILED, told == DONE),
            ),
        ).returning(Dither.dither_id)
    )
    return changed is not None


def refresh(session: Session, image: Image) -> None:
    """Draw the image's status from its dithers, and count the change."""
    if _has(session, image, DONE):
        image.status = DITHERED
    elif _has(session, image, FAILED):
        image.status = FAILED
    image.version = image.version + 1
    session.flush()


def _has(session: Session, image: Image, status: str) -> bool:
    """Whether one of the image's dithers is in this state."""
    found = exists().where(Dither.image_uuid == image.uuid, Dither.status == status)
    return bool(session.scalar(select(found)))


def claim_unfinished(session: Session, after_seconds: float, limit: int) -> Sequence[Image]:
    """Images that nothing was heard of for too long, counted as announced once more.

    Each time an image waits twice as long as before, up to a day.
    """
    doublings = func.least(Image.announcements - 1, 16)  # unbounded, the power overflows one day
    wait = func.least(after_seconds * func.power(2, doublings), 86_400)
    due = (
        select(Image.uuid)
        .where(
            Image.status == UPLOADED,
            Image.announced_at < func.now() - wait * text("interval '1 second'"),
        )
        .order_by(Image.announced_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    claim = (
        update(Image)
        .where(Image.uuid.in_(due))
        .values(announced_at=func.now(), announcements=Image.announcements + 1)
        .returning(Image)
    )
    return session.scalars(claim).all()
