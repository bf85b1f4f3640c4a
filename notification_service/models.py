"""The notification service's tables."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Index, Integer, MetaData, Text, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.inbox import inbox_table

# waiting: the dither's message came before its image's, so the address is not known yet.
WAITING, PENDING, SENT, FAILED = "waiting", "pending", "sent", "failed"

metadata = MetaData(schema="notification")


class Base(DeclarativeBase):
    metadata = metadata


class Recipient(Base):
    """Who wants mail about an image.

    ``email`` is NULL while only a message about a dither has arrived. The row of a deleted image is
    kept, with ``deleted_at``: a message that arrives after the delete is recognised by it.
    """

    __tablename__ = "recipients"

    image_uuid: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str | None] = mapped_column(Text)
    filename: Mapped[str | None] = mapped_column(Text)
    # Whose the image is (see shared/principal.py); NULL: stored while ACCESS was open.
    owner: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), index=True
    )
    deleted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Notification(Base):
    """A mail about a dither: at most one for each, because an image has at most one recipient."""

    __tablename__ = "notifications"

    dither_id: Mapped[UUID] = mapped_column(primary_key=True)
    image_uuid: Mapped[UUID] = mapped_column(
        ForeignKey(Recipient.image_uuid, ondelete="CASCADE"), index=True
    )
    url_dither: Mapped[str] = mapped_column(Text)
    channels: Mapped[int | None] = mapped_column(Integer)
    status: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    reason: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.clock_timestamp()
    )
    due_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    __table_args__ = (Index("notifications_due", "due_at", postgresql_where=status == PENDING),)


class RecentMail(Base):
    """A mail of the last hour. It has only a digest of the address, not the address itself."""

    __tablename__ = "recent_mails"

    dither_id: Mapped[UUID] = mapped_column(primary_key=True)
    address_digest: Mapped[str] = mapped_column(Text, index=True)
    sent_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), index=True
    )


inbox = inbox_table(metadata)
