"""The notification service's queries. Each works in the caller's transaction."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, case, delete, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from notification_service.models import (
    CONFIRMATION,
    DITHERED,
    FAILED,
    PENDING,
    SENT,
    UNCONFIRMED,
    UNSETTLED,
    WAITING,
    Notification,
    RecentMail,
    Recipient,
)
from shared.claims import seconds_until

_HOUR = timedelta(hours=1)


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


def count_waiting(session: Session, account: str | None, most: int) -> int:
    """How many mails wait, of one account or of all; counts no further than ``most``."""
    waiting = select(Notification.dither_id).where(Notification.status.in_(UNSETTLED))
    if account is not None:
        waiting = waiting.where(Notification.account == account)
    counted = select(func.count()).select_from(waiting.limit(most).subquery())
    return session.scalar(counted) or 0


def release_waiting(session: Session, uuid: UUID, owner: str | None, digest: str) -> None:
    """Make the waiting mails of an image due: its recipient is known now.

    Those about somebody else's dithers are deleted.
    """
    waiting = and_(Notification.image_uuid == uuid, Notification.status == WAITING)
    if owner is not None:
        session.execute(delete(Notification).where(waiting, Notification.owner != owner))
    values = {"status": PENDING, "owner": owner, "address_digest": digest}
    session.execute(update(Notification).where(waiting).values(values))


def delete_notifications(session: Session, uuid: UUID) -> None:
    """Delete an image's mails.

    If its confirmation was among them, another image's mail that waits for that asks again.
    """
    gone = delete(Notification).where(Notification.image_uuid == uuid)
    digests = session.scalars(gone.returning(Notification.address_digest)).all()
    judge_again(session, {digest for digest in digests if digest is not None})


def judge_again(session: Session, digests: set[str]) -> None:
    """Make the mails due that wait for the confirmation of these mailboxes."""
    held = and_(Notification.address_digest.in_(digests), Notification.status == UNCONFIRMED)
    session.execute(update(Notification).where(held).values(status=PENDING, due_at=func.now()))


def notifications_of(session: Session, uuid: UUID) -> Sequence[Notification]:
    query = select(Notification).where(
        Notification.image_uuid == uuid,
        Notification.kind == DITHERED,
        Notification.status != WAITING,
    )
    return session.scalars(query.order_by(Notification.created_at, Notification.dither_id)).all()


def claim_due(session: Session, for_time: timedelta) -> Notification | None:
    """Claim the next due mail for the time ``for_time``.

    Mails to confirmed addresses come first; then the account that was sent the fewest in the last
    hour, so that nobody waits behind somebody's thousand; then the mail that has been due longest.
    """
    recent = (
        select(RecentMail.account, func.count().label("mails"))
        .where(RecentMail.sent_at > func.now() - _HOUR)
        .group_by(RecentMail.account)
        .subquery()
    )
    chosen = (
        select(Notification.dither_id)
        .outerjoin(recent, recent.c.account == Notification.account)
        .where(Notification.status == PENDING, Notification.due_at <= func.now())
        .order_by(
            case((Notification.kind == CONFIRMATION, 1), else_=0),
            func.coalesce(recent.c.mails, 0),
            Notification.due_at,
            Notification.created_at,
        )
        .limit(1)
        .with_for_update(of=Notification, skip_locked=True)
        .cte("chosen")
    )
    claimed = (
        update(Notification)
        .where(Notification.dither_id.in_(select(chosen.c.dither_id)))
        .values(due_at=func.now() + for_time)
    )
    return session.scalars(claimed.returning(Notification)).first()


def seconds_until_due(session: Session) -> float | None:
    """Seconds until the next mail is due; None if there is none."""
    seconds = seconds_until(session, Notification.due_at, Notification.status == PENDING)
    return None if seconds is None else max(0.0, seconds)


def hold(session: Session, dither_id: UUID) -> None:
    """Let the mail wait until its address is confirmed."""
    session.execute(_pending(dither_id).values(status=UNCONFIRMED, due_at=func.now()))


def is_being_asked(session: Session, digest: str) -> bool:
    """Whether a confirmation waits to be sent to this mailbox."""
    waits = and_(
        Notification.address_digest == digest,
        Notification.kind == CONFIRMATION,
        Notification.status == PENDING,
    )
    return bool(session.scalar(select(exists().where(waits))))


def postpone(session: Session, dither_id: UUID, seconds: float, reason: str | None) -> None:
    due_at = func.now() + timedelta(seconds=seconds)
    session.execute(_pending(dither_id).values(due_at=due_at, reason=reason))


def postpone_all(session: Session, which: Any, seconds: float, reason: str) -> None:
    """Postpone all pending mails that are ``which``, unless they are due later anyway."""
    due_at = func.now() + timedelta(seconds=seconds)
    earlier = and_(Notification.status == PENDING, Notification.due_at < due_at, which)
    session.execute(update(Notification).where(earlier).values(due_at=due_at, reason=reason))


def settle(session: Session, dither_id: UUID, status: str, reason: str | None = None) -> None:
    sent_at = func.now() if status == SENT else None
    session.execute(
        _pending(dither_id).values(status=status, reason=reason, sent_at=sent_at, due_at=func.now())
    )


def _pending(dither_id: UUID) -> Any:
    return update(Notification).where(
        Notification.dither_id == dither_id, Notification.status == PENDING
    )


def give_up_unconfirmed(session: Session, after: timedelta) -> None:
    """Fail the mails whose address has not been confirmed in this time."""
    late = and_(Notification.status == UNCONFIRMED, Notification.created_at < func.now() - after)
    values = {"status": FAILED, "reason": "the address was not confirmed", "due_at": func.now()}
    session.execute(update(Notification).where(late).values(values))


def forget_addresses(session: Session, served: timedelta, unserved: timedelta) -> None:
    """Forget the addresses whose last mail was settled ``served`` ago, or that came so long ago."""
    session.execute(
        update(Recipient)
        .where(Recipient.email.is_not(None), _forgotten_from(served, unserved) <= func.now())
        .values(email=None, filename=None, forgotten_at=func.now())
    )


def seconds_until_forgotten(
    session: Session, served: timedelta, unserved: timedelta
) -> float | None:
    """When ``forget_addresses`` finds something next; None if there is no address."""
    return seconds_until(session, _forgotten_from(served, unserved), Recipient.email.is_not(None))


def _forgotten_from(served: timedelta, unserved: timedelta) -> Any:
    of_image = Notification.image_uuid == Recipient.image_uuid
    last = select(func.max(Notification.due_at)).where(of_image).scalar_subquery()
    waits = exists().where(of_image, Notification.status.in_(UNSETTLED))
    most = Recipient.created_at + unserved
    return func.least(most, case((waits, most), else_=func.coalesce(last + served, most)))


def forget_rows(session: Session, after: timedelta, deleted_after: timedelta) -> None:
    """Delete the rows of images that were told of, or deleted, long ago."""
    old = or_(
        Recipient.created_at < func.now() - after,
        Recipient.deleted_at < func.now() - deleted_after,
    )
    session.execute(delete(Recipient).where(old))
