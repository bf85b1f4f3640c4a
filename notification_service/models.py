"""The notification service's tables."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Computed,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Text,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.inbox import inbox_table

# waiting: the dither's message came before its image's, so the address is not known yet.
# unconfirmed: the mail goes out once the address has said that it wants mails.
WAITING, PENDING, UNCONFIRMED, SENT, FAILED = "waiting", "pending", "unconfirmed", "sent", "failed"
UNSETTLED = (WAITING, PENDING, UNCONFIRMED)
DITHERED, CONFIRMATION = "dithered", "confirmation"

metadata = MetaData(schema="notification")


class Base(DeclarativeBase):
    metadata = metadata


class Recipient(Base):
    """Who wants mail about an image.

    ``email`` is NULL while only a message about a dither has arrived, and again once the address is
    forgotten. The row of a deleted image is kept, with ``deleted_at``: a message that arrives after
    the delete is recognised by it.
    """

    __tablename__ = "recipients"

    image_uuid: Mapped[UUID] = mapped_column(primary_key=True)
    # Whose the image is (see shared/principal.py); NULL: stored while ACCESS was open.
    owner: Mapped[str | None] = mapped_column(Text)
    email: Mapped[str | None] = mapped_column(Text)
    filename: Mapped[str | None] = mapped_column(Text)
    ends_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # The owner's own bound instead of the settings', 0 for none.
    mails_per_day: Mapped[int | None] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), index=True
    )
    forgotten_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    deleted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Notification(Base):
    """A mail about a dither, at most one for each; or one that asks to confirm an address.

    ``account`` is who the mail is counted for: the owner, or without owners the mailbox.
    """

    __tablename__ = "notifications"

    dither_id: Mapped[UUID] = mapped_column(primary_key=True)
    image_uuid: Mapped[UUID] = mapped_column(
        ForeignKey(Recipient.image_uuid, ondelete="CASCADE"), index=True
    )
    kind: Mapped[str] = mapped_column(Text, server_default=DITHERED)
    owner: Mapped[str | None] = mapped_column(Text)
    address_digest: Mapped[str | None] = mapped_column(Text, index=True)
    account: Mapped[str | None] = mapped_column(
        Text, Computed("coalesce(owner, address_digest)", persisted=True)
    )
    # What led to it, see shared/context.py: it is sent later, perhaps by another process.
    request_id: Mapped[str | None] = mapped_column(Text)
    traceparent: Mapped[str | None] = mapped_column(Text)
    url_dither: Mapped[str | None] = mapped_column(Text)
    channels: Mapped[int | None] = mapped_column(Integer)
    options: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    status: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    reason: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.clock_timestamp()
    )
    # Of a settled mail: when it was settled.
    due_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    __table_args__ = (
        Index("notifications_due", "due_at", postgresql_where=status == PENDING),
        Index("notifications_unsettled", "account", postgresql_where=status.in_(UNSETTLED)),
    )


class RecentMail(Base):
    """A mail of the last day. It has only a digest of the address, not the address itself."""

    __tablename__ = "recent_mails"

    dither_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Text, server_default=DITHERED)
    account: Mapped[str | None] = mapped_column(Text, index=True)
    address_digest: Mapped[str] = mapped_column(Text, index=True)
    sent_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), index=True
    )


class Mailbox(Base):
    """What somebody wants, known by the digest of the address only."""

    __tablename__ = "mailboxes"

    digest: Mapped[str] = mapped_column(Text, primary_key=True)
    asked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    confirmed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    unsubscribed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Secret(Base):
    """The one key of the digests and links, unless ``MAIL_SECRET`` is set."""

    __tablename__ = "secrets"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[bytes] = mapped_column(LargeBinary)


inbox = inbox_table(metadata)
