"""The dither service's queries. Each works in the caller's transaction."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Double,
    Result,
    Uuid,
    and_,
    bindparam,
    delete,
    func,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session

from dither_service.models import QUEUED, Dither, Image
from dither_service.pool import QUICK_SECONDS
from shared.claims import claim, due_again, seconds_until
from shared.database import recordset
from shared.messages import ImageUploaded


def note_images(session: Session, announced: Sequence[ImageUploaded]) -> dict[UUID, Any]:
    """The rows of announced images, inserted if missing; locked until the transaction ends."""
    # When an image is announced again, perhaps in the same batch, its address may be forgotten.
    wanted = {body.uuid for body in announced if body.wants_mail}
    rows = {
        body.uuid: {
            "uuid": body.uuid,
            "url": body.url,
            "has_recipient": body.uuid in wanted,
            "width": body.width,
            "height": body.height,
            "frames": body.frames,
            "owner": body.owner,
        }
        for body in announced
    }
    return _by_uuid(session.execute(_NOTE_IMAGES, {"rows": list(rows.values())}))


def lock_images(session: Session, uuids: Collection[UUID]) -> dict[UUID, Any]:
    """The rows of the images that are known; locked until the transaction ends."""
    return _by_uuid(session.execute(_LOCK_IMAGES, {"uuids": list(uuids)}))


def note_original(session: Session, uuid: UUID, url: str, owner: str | None) -> None:
    """Insert an image that was not announced yet, with its URL and owner, or set these."""
    known = {"url": url, "owner": owner}
    statement = insert(Image).values(uuid=uuid, **known)
    session.execute(statement.on_conflict_do_update(index_elements=[Image.uuid], set_=known))


def mark_deleted(session: Session, uuids: Collection[UUID]) -> None:
    """Record these images as deleted, also those that were not known before."""
    session.execute(_MARK_DELETED, {"rows": [{"uuid": uuid} for uuid in uuids]})


def _by_uuid(rows: Result[Any]) -> dict[UUID, Any]:
    return {row.uuid: row for row in rows}


def find_image(session: Session, uuid: UUID) -> Image | None:
    return session.get(Image, uuid)


def find_dither(session: Session, dither_id: UUID) -> Dither | None:
    return session.get(Dither, dither_id)


def find_dithers(session: Session, ids: Collection[UUID]) -> dict[UUID, Any]:
    rows = session.execute(_FIND_DITHERS, {"ids": list(ids)}) if ids else ()
    return {row.dither_id: row for row in rows}


def add_dithers(session: Session, rows: Sequence[dict[str, Any]]) -> set[UUID]:
    """Insert dithers; returns the ids of the new ones. Others existed already."""
    return set(session.scalars(_ADD_DITHERS, {"rows": rows}))


def bytes_of_owner(session: Session, owner: str) -> int:
    """The bytes of all dithers that an owner asked for."""
    query = select(func.coalesce(func.sum(Dither.bytes), 0)).where(Dither.owner == owner)
    return int(session.scalars(query).one() or 0)


def count_dithers(session: Session, uuid: UUID) -> int:
    query = select(func.count()).where(Dither.image_uuid == uuid)
    return session.scalars(query).one()


def finish(session: Session, rows: Sequence[dict[str, Any]]) -> Sequence[Any]:
    """Set the outcome of queued dithers; returns the rows that this call has changed."""
    return session.execute(_FINISH, {"rows": rows}).all()


def owned_keys(session: Session, keys: Sequence[str]) -> set[str]:
    """Those of the keys whose file belongs to a dither."""
    query = select(Dither.key).where(Dither.key.in_(keys))
    return {key for key in session.scalars(query) if key is not None}


def dithers_of(session: Session, uuid: UUID) -> Sequence[Dither]:
    query = select(Dither).where(Dither.image_uuid == uuid)
    return session.scalars(query.order_by(Dither.created_at, Dither.dither_id)).all()


def newest(
    session: Session, limit: int, before: tuple[datetime, UUID] | None, owner: str | None
) -> Sequence[Dither]:
    """``limit`` dithers, newest first, beginning after the one at ``before``.

    ``owner``: who asked for them; None: anybody.
    """
    query = select(Dither).order_by(Dither.created_at.desc(), Dither.dither_id.desc()).limit(limit)
    if owner is not None:
        query = query.where(Dither.owner == owner)
    if before is not None:
        query = query.where(tuple_(Dither.created_at, Dither.dither_id) < tuple_(*before))
    return session.scalars(query).all()


def delete_dithers(session: Session, uuids: Collection[UUID]) -> list[str]:
    """Delete all dithers of images; returns the keys of their files."""
    statement = delete(Dither).where(Dither.image_uuid.in_(uuids)).returning(Dither.key)
    return [key for key in session.scalars(statement) if key is not None]


def claim_unfinished(session: Session, after_seconds: float, limit: int) -> Sequence[Dither]:
    """Claim dithers that have been queued for too long, and count the new request."""
    statement = claim(
        Dither,
        Dither.dither_id,
        due=and_(Dither.status == QUEUED, _due(after_seconds) < func.now()),
        order=Dither.requested_at,
        limit=limit,
        values={"requested_at": func.now(), "requests": Dither.requests + 1},
    )
    return session.scalars(statement.returning(Dither)).all()


def seconds_until_unfinished(session: Session, after_seconds: float) -> float | None:
    """When ``claim_unfinished`` may find something next; None if nothing is queued."""
    return seconds_until(session, _due(after_seconds), Dither.status == QUEUED)


def _due(after_seconds: float) -> Any:
    """When a dither is requested again."""
    return due_again(Dither.requested_at, Dither.requests, after_seconds)


def forget_deleted(session: Session, after: timedelta) -> None:
    """Drop images deleted so long ago that none of their messages can still be in Kafka."""
    session.execute(delete(Image).where(Image.deleted_at < func.now() - after))


# Built once, because they run for every batch. All lock images in the same order.


def _any(name: str) -> Any:
    return func.any(bindparam(name, type_=ARRAY(Uuid)))


def _note_images() -> Any:
    names = ["uuid", "url", "has_recipient", "width", "height", "frames", "owner"]
    given = recordset(**{name: _images.c[name].type for name in names})
    statement = insert(_images).from_select(
        names, select(*(given.c[name] for name in names)).order_by(given.c.uuid)
    )
    told = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=[_images.c.uuid],
        set_={
            "url": told.url,
            "owner": func.coalesce(told.owner, _images.c.owner),
            "has_recipient": func.coalesce(_images.c.has_recipient, False) | told.has_recipient,
            **{
                name: func.coalesce(told[name], _images.c[name])
                for name in ("width", "height", "frames")
            },
        },
    ).returning(*_images.c)


def _mark_deleted() -> Any:
    given = recordset(uuid=Uuid)
    rows = select(given.c.uuid, func.now()).order_by(given.c.uuid)
    statement = insert(_images).from_select(["uuid", "deleted_at"], rows)
    return statement.on_conflict_do_update(
        index_elements=[_images.c.uuid],
        set_={"deleted_at": func.coalesce(_images.c.deleted_at, func.now())},
    )


def _add_dithers() -> Any:
    names = ["dither_id", "image_uuid", "digest", "channels", "options", "owner", "cost", "share"]
    names += ["request_id", "traceparent"]
    given = recordset(**{name: _dithers.c[name].type for name in names}, ahead=Double)
    rows = select(*(given.c[name] for name in names), _turn(given)).order_by(given.c.dither_id)
    return (
        insert(_dithers)
        .from_select([*names, "turn"], rows)
        .on_conflict_do_nothing()
        .returning(_dithers.c.dither_id)
    )


def _turn(given: Any) -> Any:
    """After all queued work of the same share, and not before what is worked on: ``queue.py``."""
    others = _dithers.alias()
    same_lane = and_(
        others.c.status == QUEUED, (others.c.cost > QUICK_SECONDS) == (given.c.cost > QUICK_SECONDS)
    )
    first = select(func.min(others.c.turn)).where(same_lane).scalar_subquery()
    last = (
        select(func.max(others.c.turn))
        .where(same_lane, others.c.share == given.c.share)
        .scalar_subquery()
    )
    return func.coalesce(last, first, 0) + given.c.ahead


def _finish() -> Any:
    names = ["status", "key", "url", "content_type", "width", "height", "bytes", "reason"]
    given = recordset(dither_id=Uuid, **{name: _dithers.c[name].type for name in names})
    return (
        update(_dithers)
        .where(_dithers.c.dither_id == given.c.dither_id, _dithers.c.status == QUEUED)
        .values(finished_at=func.clock_timestamp(), **{name: given.c[name] for name in names})
        .returning(*_dithers.c)
    )


_images: Any = Image.__table__
_dithers: Any = Dither.__table__
_NOTE_IMAGES = _note_images()
_MARK_DELETED = _mark_deleted()
_LOCK_IMAGES = (
    select(*_images.c)
    .where(_images.c.uuid == _any("uuids"))
    .order_by(_images.c.uuid)
    .with_for_update()
)
_ADD_DITHERS = _add_dithers()
_FIND_DITHERS = select(*_dithers.c).where(_dithers.c.dither_id == _any("ids"))
_FINISH = _finish()
