"""The notification service's queries. Each works in the caller's transaction."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from notification_service.models import (
    PENDING,
    SENT,
    WAITING,
    Notification,
    RecentMail,
    Recipient,
)
from shared.claims import claim

HOUR = timedelta(hours=1)


def lock_recipient(session: Session, uuid: UUID) -> Recipient:
    """The image's row, inserted if missing; locked until the transaction ends."""
    session.execute(insert(Recipient).values(image_uuid=uuid).on_conflict_do_nothing())
    query = select(Recipient).where(Recipient.image_uuid == uuid).with_for_update()
    return session.scalars(query, execution_options={"populate_existing": True}).one()


def find_recipient(session: Session, uuid: UUID) -> Recipient | None:
    return session.get(Recipient, uuid)


def add_notification(session: Session, values: dict[str, Any]) -> None:
    """Insert a mail, at most one for each dither: a repeated message inserts nothing."""
    session.execute(insert(Notification).values(**values).on_conflict_do_nothing())


def release_waiting(session: Session, uuid: UUID) -> None:
    """Make the waiting mails of an image due: its recipient is known now."""
    waiting = and_(Notification.image_uuid == uuid, Notification.status == WAITING)
    session.execute(update(Notification).where(waiting).values(status=PENDING))


def delete_notifications(session: Session, uuid: UUID) -> None:
    session.execute(delete(Notification).where(Notification.image_uuid == uuid))


def notifications_of(session: Session, uuid: UUID) -> Sequence[Notification]:
    query = select(Notification).where(
        Notification.image_uuid == uuid, Notification.status != WAITING
    )
    return session.scalars(query.order_by(Notification.created_at, Notification.dither_id)).all()


def claim_due(session: Session, for_time: timedelta) -> tuple[Notification, Recipient] | None:
    """Claim the mail that has been due longest, for the time ``for_time``."""
    statement = claim(
        Notification,
        Notification.dither_id,
        due=and_(Notification.status == PENDING, Notification.due_at <= func.now()),
        order=Notification.due_at,
        limit=1,
        values={"due_at": func.now() + for_time},
    )
    notification = session.scalars(statement.returning(Notification)).first()
    if notification is None:
        return None
    return notification, session.get_one(Recipient, notification.image_uuid)


def seconds_until_due(session: Session) -> float | None:
    """Seconds until the next mail is due; None if there is none."""
    left = func.extract("epoch", func.min(Notification.due_at) - func.now())
    seconds = session.scalar(select(left).where(Notification.status == PENDING))
    return None if seconds is None else max(0.0, float(seconds))


def seconds_until_allowed(
    session: Session, dither_id: UUID, address_digest: str, per_hour: int
) -> float:
    """0 if the mail may be sent to the address now. Locks the address against other senders.

    An earlier attempt at the same mail does not count against it.
    """
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:d))"), {"d": address_digest})
    recent = (
        select(RecentMail.sent_at)
        .where(
            RecentMail.address_digest == address_digest,
            RecentMail.sent_at > func.now() - HOUR,
            RecentMail.dither_id != dither_id,
        )
        .order_by(RecentMail.sent_at.desc())
        .offset(per_hour - 1)
        .limit(1)
    )
    blocking = recent.scalar_subquery()
    seconds = session.scalar(select(func.extract("epoch", blocking + HOUR - func.now())))
    return 0.0 if seconds is None else max(0.0, float(seconds))


def count_mail(session: Session, dither_id: UUID, address_digest: str) -> None:
    """Count the mail. A retried mail counts once, at the time of its last attempt."""
    values = {"dither_id": dither_id, "address_digest": address_digest}
    statement = insert(RecentMail).values(**values)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[RecentMail.dither_id], set_={"sent_at": func.now()}
        )
    )


def postpone(session: Session, dither_id: UUID, seconds: float, reason: str | None) -> None:
    session.execute(
        update(Notification)
        .where(Notification.dither_id == dither_id, Notification.status == PENDING)
        .values(due_at=func.now() + timedelta(seconds=seconds), reason=reason)
    )


def settle(session: Session, dither_id: UUID, status: str, reason: str | None = None) -> None:
    sent_at = func.now() if status == SENT else None
    session.execute(
        update(Notification)
        .where(Notification.dither_id == dither_id, Notification.status == PENDING)
        .values(status=status, reason=reason, sent_at=sent_at)
    )


def forget(session: Session, addresses_after: timedelta, deleted_after: timedelta) -> None:
    """Delete old addresses with their mails, rows of images deleted long ago, and old counts."""
    session.execute(
        delete(Recipient).where(
            or_(
                Recipient.created_at < func.now() - addresses_after,
                Recipient.deleted_at < func.now() - deleted_after,
            )
        )
    )
    session.execute(delete(RecentMail).where(RecentMail.sent_at < func.now() - HOUR))
