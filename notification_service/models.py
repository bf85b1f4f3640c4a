"""The notification service's tables."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Index, Integer, MetaData, Text, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.inbox import inbox_table

# A dither that was heard of before its image waits for the address, if there is to be one.
WAITING, PENDING, SENT, FAILED = "waiting", "pending", "sent", "failed"

metadata = MetaData(schema="notification")


class Base(DeclarativeBase):
    metadata = metadata


class Recipient(Base):
    """Who wants mail about an image.

    ``email`` is empty while only a dither of the image was heard of; ``deleted_at`` stays, so that
    a message overtaken by the delete finds that out.
    """

    __tablename__ = "recipients"

    image_uuid: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str | None] = mapped_column(Text)
    filename: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), index=True
    )
    deleted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Notification(Base):
    """A mail about a dither: one a dither, since an image has one recipient at most."""

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
    """That a mail went to somebody within the last hour; not to whom, only the address's digest."""

    __tablename__ = "recent_mails"

    dither_id: Mapped[UUID] = mapped_column(primary_key=True)
    address_digest: Mapped[str] = mapped_column(Text, index=True)
    sent_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), index=True
    )


inbox = inbox_table(metadata)
