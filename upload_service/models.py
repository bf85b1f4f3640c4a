"""The upload service's tables."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Text,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from shared.inbox import inbox_table
from shared.outbox import outbox_table
from shared.storage.removals import file_removals_table

UPLOADED, DITHERED, FAILED = "uploaded", "dithered", "failed"
QUEUED, DONE = "queued", "done"

metadata = MetaData(schema="upload")


class Base(DeclarativeBase):
    metadata = metadata


class Image(Base):
    """An uploaded file. ``version`` grows with each change that a client could see."""

    __tablename__ = "images"

    uuid: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(Text)
    url: Mapped[str] = mapped_column(Text)
    filename: Mapped[str] = mapped_column(Text)
    # Whose it is (see shared/principal.py); NULL: stored while ACCESS was open.
    owner: Mapped[str | None] = mapped_column(Text)
    content_type: Mapped[str] = mapped_column(Text)
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    frames: Mapped[int | None] = mapped_column(Integer)
    bytes: Mapped[int] = mapped_column(BigInteger)
    options: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    # Who gets mails. It is in no message; the notification service asks for it, once or again.
    email: Mapped[str | None] = mapped_column(Text)
    mails_per_day: Mapped[int | None] = mapped_column(Integer)
    email_told_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    status: Mapped[str] = mapped_column(Text, server_default=UPLOADED)
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    created_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.clock_timestamp()
    )
    # When it is deleted; NULL: when somebody deletes it.
    expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # When it was last announced, and how often: an unfinished image is announced again.
    announced_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )
    announcements: Mapped[int] = mapped_column(Integer, server_default="1")

    # The newest ones, oldest first; filled by the repository, which also says if there are others.
    dithers: Mapped[list["Dither"]] = relationship(lazy="raise", viewonly=True)
    has_more_dithers = False

    __table_args__ = (
        Index("images_newest", "created_at", "uuid"),
        Index("images_of_owner", "owner", "created_at", "uuid"),
        Index("images_unfinished", "announced_at", postgresql_where=status == UPLOADED),
        Index("images_with_email", "created_at", postgresql_where=email.is_not(None)),
        Index("images_expiring", "expires_at", postgresql_where=expires_at.is_not(None)),
    )


class Dither(Base):
    """A dither, with what the dither service's messages said about it."""

    __tablename__ = "dithers"

    dither_id: Mapped[UUID] = mapped_column(primary_key=True)
    image_uuid: Mapped[UUID] = mapped_column(ForeignKey(Image.uuid, ondelete="CASCADE"), index=True)
    channels: Mapped[int | None] = mapped_column(Integer)
    options: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    status: Mapped[str] = mapped_column(Text)
    url_dither: Mapped[str | None] = mapped_column(Text)
    width: Mapped[int | None] = mapped_column(Integer)
    height: Mapped[int | None] = mapped_column(Integer)
    bytes: Mapped[int | None] = mapped_column(BigInteger)
    reason: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.clock_timestamp()
    )


class IdempotencyKey(Base):
    """An upload that a client may repeat: the same key of the same owner is the same image."""

    __tablename__ = "idempotency_keys"

    owner: Mapped[str] = mapped_column(Text, primary_key=True)  # empty: everybody's
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    digest: Mapped[str] = mapped_column(Text)  # of what was sent
    image_uuid: Mapped[UUID] = mapped_column(ForeignKey(Image.uuid, ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), index=True
    )


outbox = outbox_table(metadata)
inbox = inbox_table(metadata)
file_removals = file_removals_table(metadata)
