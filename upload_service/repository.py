"""The upload service's queries. Each works in the caller's transaction."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    DateTime,
    Integer,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    exists,
    func,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy import delete as sql_delete
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.types import TypeEngine

from shared.claims import claim, due_again, seconds_until
from shared.database import recordset
from upload_service.models import DITHERED, DONE, FAILED, QUEUED, UPLOADED, Dither, Image

# An image may have many dithers: they are loaded only by the queries that need them.
# So many dithers of an image are shown with it: in a list, and alone.
DITHERS_IN_LIST, DITHERS_OF_ONE = 20, 100


def add_all(session: Session, rows: Sequence[dict[str, Any]]) -> dict[UUID, datetime]:
    """Insert images; returns their time of creation, by uuid."""
    return dict(session.execute(_ADD_ALL, {"rows": rows}).all())


def find(session: Session, uuid: UUID) -> Image | None:
    """The image and its newest dithers."""
    image = session.get(Image, uuid)
    if image is not None:
        _fill_dithers(session, [image], DITHERS_OF_ONE)
    return image


def lock(session: Session, uuid: UUID) -> Image | None:
    """The image without its dithers; locked until the transaction ends."""
    return session.get(Image, uuid, with_for_update=True, populate_existing=True)


def newest(
    session: Session, limit: int, before: tuple[datetime, UUID] | None, owner: str | None
) -> Sequence[Image]:
    """``limit`` images with some dithers, newest first, beginning after the one at ``before``.

    ``owner``: whose; None: everybody's.
    """
    query = select(Image).order_by(Image.created_at.desc(), Image.uuid.desc()).limit(limit)
    if owner is not None:
        query = query.where(Image.owner == owner)
    if before is not None:
        query = query.where(tuple_(Image.created_at, Image.uuid) < tuple_(*before))
    images = session.scalars(query).all()
    _fill_dithers(session, images, DITHERS_IN_LIST)
    return images


def _fill_dithers(session: Session, images: Sequence[Image], most: int) -> None:
    """Give each image its newest ``most`` dithers."""
    newest_first = (Dither.created_at.desc(), Dither.dither_id.desc())
    number = func.row_number().over(partition_by=Dither.image_uuid, order_by=newest_first)
    numbered = (
        select(Dither.dither_id, number.label("number"))
        .where(Dither.image_uuid.in_([image.uuid for image in images]))
        .subquery()
    )
    found = (
        select(Dither)
        .join(numbered, Dither.dither_id == numbered.c.dither_id)
        .where(numbered.c.number <= most + 1)
        .order_by(Dither.created_at, Dither.dither_id)
    )
    by_image: dict[UUID, list[Dither]] = defaultdict(list)
    for dither in session.scalars(found) if images else ():
        by_image[dither.image_uuid].append(dither)
    for image in images:
        shown = by_image[image.uuid]
        image.has_more_dithers = len(shown) > most
        set_committed_value(image, "dithers", shown[-most:])


def versions(session: Session, uuids: Collection[UUID]) -> dict[UUID, int]:
    """The version of each of the images that exist."""
    query = select(Image.uuid, Image.version).where(Image.uuid.in_(uuids))
    return dict(session.execute(query).all())


def delete(session: Session, image: Image) -> None:
    """Delete the image and, through their foreign key, its dithers."""
    session.execute(sql_delete(Image).where(Image.uuid == image.uuid))


def lock_expired(session: Session, limit: int) -> Sequence[Image]:
    """Images whose time is over; locked until the transaction ends."""
    query = select(Image).where(Image.expires_at <= func.now()).order_by(Image.expires_at)
    return session.scalars(query.limit(limit).with_for_update(skip_locked=True)).all()


def seconds_until_expired(session: Session) -> float | None:
    """When ``lock_expired`` may find something next; None if no image ever expires."""
    return seconds_until(session, Image.expires_at, Image.expires_at.is_not(None))


def lock_all(session: Session, uuids: Collection[UUID]) -> set[UUID]:
    """The uuids of the images that exist; their rows are locked until the transaction ends."""
    return set(session.scalars(_LOCK_ALL, {"uuids": list(uuids)}))


def record_dithers(session: Session, rows: Sequence[dict[str, Any]]) -> set[UUID]:
    """Add or finish dithers of existing images, one row each; returns the images that changed.

    A settled dither never becomes queued again, and a done one stays done: messages that arrive
    late, twice or in another order lead to the same state.
    """
    return set(session.scalars(_RECORD_DITHERS, {"rows": rows}))


def refresh(session: Session, uuids: Collection[UUID]) -> None:
    """Derive the images' status from their dithers, and increment their versions."""
    session.execute(_REFRESH, {"uuids": list(uuids)})


def tell_email(session: Session, uuid: UUID) -> Image | None:
    """An image whose address is not forgotten; notes when it was first told."""
    told = (
        update(Image)
        .where(Image.uuid == uuid, Image.email.is_not(None))
        .values(email_told_at=func.coalesce(Image.email_told_at, func.now()))
    )
    return session.scalars(told.returning(Image)).first()


def forget_emails(session: Session, told: timedelta, untold: timedelta) -> None:
    """Forget the addresses that were told so long ago, or not at all for so long."""
    session.execute(
        update(Image)
        .where(Image.email.is_not(None), _email_until(told, untold) <= func.now())
        .values(email=None)
    )


def seconds_until_forgotten(session: Session, told: timedelta, untold: timedelta) -> float | None:
    """When ``forget_emails`` finds something next; None if there is no address."""
    return seconds_until(session, _email_until(told, untold), Image.email.is_not(None))


def _email_until(told: timedelta, untold: timedelta) -> Any:
    return func.least(Image.email_told_at + told, Image.created_at + untold)


def claim_unfinished(session: Session, after_seconds: float, limit: int) -> Sequence[Image]:
    """Claim images that have been unfinished for too long, and count the new announcement."""
    statement = claim(
        Image,
        Image.uuid,
        due=and_(Image.status == UPLOADED, _due(after_seconds) < func.now()),
        order=Image.announced_at,
        limit=limit,
        values={"announced_at": func.now(), "announcements": Image.announcements + 1},
    )
    return session.scalars(statement.returning(Image)).all()


def seconds_until_unfinished(session: Session, after_seconds: float) -> float | None:
    """When ``claim_unfinished`` may find something next; None if nothing is unfinished."""
    return seconds_until(session, _due(after_seconds), Image.status == UPLOADED)


def _due(after_seconds: float) -> Any:
    """When an image is announced again."""
    return due_again(Image.announced_at, Image.announcements, after_seconds)


def _any(name: str) -> Any:
    return func.any(bindparam(name, type_=ARRAY(Uuid)))


_images: Any = Image.__table__
_dithers: Any = Dither.__table__


def _add_all() -> Any:
    texts = dict.fromkeys(("key", "url", "filename", "owner", "content_type", "email"), Text)
    numbers: dict[str, type[TypeEngine[Any]]] = {
        "width": Integer,
        "height": Integer,
        "frames": Integer,
        "bytes": BigInteger,
        "mails_per_day": Integer,
    }
    times = {"expires_at": DateTime(timezone=True)}
    given = recordset(uuid=Uuid, **texts, **numbers, options=JSONB, **times)
    statement = insert(_images).from_select(list(given.c.keys()), select(*given.c))
    return statement.returning(_images.c.uuid, _images.c.created_at)


def _record_dithers() -> Any:
    names = [column.name for column in _dithers.c if column.name != "created_at"]
    given = recordset(**{name: _dithers.c[name].type for name in names})
    # In a fixed order, so that two transactions never deadlock.
    rows = select(*(given.c[name] for name in names)).order_by(given.c.dither_id)
    statement = insert(_dithers).from_select(names, rows)
    told, status = statement.excluded, _dithers.c.status
    return statement.on_conflict_do_update(
        index_elements=[_dithers.c.dither_id],
        set_={name: told[name] for name in names if name != "dither_id"},
        where=or_(
            and_(status == QUEUED, told.status != QUEUED),
            and_(status == FAILED, told.status == DONE),
        ),
    ).returning(_dithers.c.image_uuid)


def _has(status: str) -> Any:
    return exists().where(_dithers.c.image_uuid == _images.c.uuid, _dithers.c.status == status)


# Built once, because they run for every batch.
_ADD_ALL = _add_all()
_LOCK_ALL = (
    select(_images.c.uuid)
    .where(_images.c.uuid == _any("uuids"))
    .order_by(_images.c.uuid)
    .with_for_update()
)
_RECORD_DITHERS = _record_dithers()
_REFRESH = (
    update(_images)
    .where(_images.c.uuid == _any("uuids"))
    .values(
        status=case((_has(DONE), DITHERED), (_has(FAILED), FAILED), else_=_images.c.status),
        version=_images.c.version + 1,
    )
)
