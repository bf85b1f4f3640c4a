"""Queries about mailboxes: what they want, and how many mails may still be sent to whom."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, delete, func, select, text, true
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from notification_service.models import CONFIRMATION, Mailbox, Notification, RecentMail, Secret

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ASKED_AGAIN = timedelta(days=7)  # who does not answer is asked again after this at the soonest
CONFIRMED = timedelta(days=365)  # after this a mailbox is asked again


def find(session: Session, digest: str) -> Mailbox:
    """What the mailbox wants; an empty one if it is not known."""
    return session.get(Mailbox, digest) or Mailbox(digest=digest)


def note(session: Session, digest: str, **when: Any) -> None:
    """Set times of the mailbox: ``asked_at``, ``confirmed_at``, ``unsubscribed_at``."""
    given = insert(Mailbox).values(digest=digest, **when)
    session.execute(given.on_conflict_do_update(index_elements=[Mailbox.digest], set_=when))


def may_be_asked(session: Session, digest: str) -> bool:
    recently = Mailbox.asked_at > func.now() - ASKED_AGAIN
    query = select(Mailbox.digest).where(Mailbox.digest == digest, recently)
    return session.scalar(query) is None


def forget_old(session: Session) -> None:
    """Forget who was asked or confirmed long ago. Who unsubscribed is remembered for good."""
    last = func.greatest(Mailbox.asked_at + ASKED_AGAIN, Mailbox.confirmed_at + CONFIRMED)
    old = and_(Mailbox.unsubscribed_at.is_(None), last < func.now())
    session.execute(delete(Mailbox).where(old))
    session.execute(delete(RecentMail).where(RecentMail.sent_at < func.now() - DAY))


def secret(session: Session) -> bytes:
    """The key kept in the database; made by whoever asks first."""
    made = {"name": "mail", "value": secrets.token_bytes(32)}
    session.execute(insert(Secret).values(made).on_conflict_do_nothing())
    return session.scalars(select(Secret.value).where(Secret.name == "mail")).one()


@dataclass(frozen=True, slots=True)
class Limits:
    """Most mails: an hour in all and for one mailbox, a day for one account (0: no limit)."""

    in_all: int
    for_mailbox: int
    for_account: int


@dataclass(frozen=True, slots=True)
class _Rule:
    """At most ``most`` mails in ``period`` of those that are ``like`` this one."""

    most: int
    period: timedelta
    counted: Any  # which of RecentMail
    held: Any  # which of Notification


def lock(session: Session) -> None:
    """Let one transaction decide at a time. To be taken before any row is locked.

    So several senders together keep the limits, and no mail is put aside for an answer that comes
    in the same moment.
    """
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('mails'))"))


def blocking(session: Session, limits: Limits, mail: Notification) -> tuple[float, Any] | None:
    """If a limit is reached: in how many seconds it is not, and which mails it concerns.

    An earlier attempt at the same mail does not count against it.
    """
    for rule in _rules(limits, mail):
        seconds = _seconds(session, rule, mail.dither_id)
        if seconds > 0:
            return seconds, rule.held
    return None


def _rules(limits: Limits, mail: Notification) -> list[_Rule]:
    n, r = Notification, RecentMail
    digest, account = mail.address_digest, mail.account
    rules = [
        _Rule(limits.in_all, HOUR, true(), true()),
        _Rule(limits.for_mailbox, HOUR, r.address_digest == digest, n.address_digest == digest),
    ]
    if limits.for_account:
        rules.append(_Rule(limits.for_account, DAY, r.account == account, n.account == account))
    if mail.kind == CONFIRMATION:
        # Strangers' addresses never take more than half of what may be sent.
        asks = max(1, limits.in_all // 2)
        rules.append(_Rule(asks, HOUR, r.kind == CONFIRMATION, n.kind == CONFIRMATION))
    return rules


def _seconds(session: Session, rule: _Rule, dither_id: UUID) -> float:
    recent = (
        select(RecentMail.sent_at)
        .where(
            rule.counted,
            RecentMail.sent_at > func.now() - rule.period,
            RecentMail.dither_id != dither_id,
        )
        .order_by(RecentMail.sent_at.desc())
        .offset(rule.most - 1)
        .limit(1)
    ).scalar_subquery()
    seconds = session.scalar(select(func.extract("epoch", recent + rule.period - func.now())))
    return 0.0 if seconds is None else max(0.0, float(seconds))


def count(session: Session, mail: Notification) -> None:
    """Count the mail. A retried mail counts once, at the time of its last attempt."""
    values = {
        name: getattr(mail, name) for name in ("dither_id", "kind", "account", "address_digest")
    }
    session.execute(
        insert(RecentMail)
        .values(values)
        .on_conflict_do_update(index_elements=[RecentMail.dither_id], set_={"sent_at": func.now()})
    )
