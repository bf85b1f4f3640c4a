"""The dither service's tables."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.inbox import inbox_table
from shared.outbox import outbox_table
from shared.storage.removals import file_removals_table

QUEUED, DONE, FAILED = "queued", "done", "failed"

metadata = MetaData(schema="dither")


class Base(DeclarativeBase):
    metadata = metadata


class Image(Base):
    """An original that this service knows from a message.

    Every change of an image's dithers first locks the image's row, so that a delete and the end of
    a dither never run at the same time. The row of a deleted image is kept, with ``deleted_at``: a
    message that arrives after the delete is recognised by it.
    """

    __tablename__ = "images"

    uuid: Mapped[UUID] = mapped_column(primary_key=True)
    url: Mapped[str | None] = mapped_column(Text)
    # Whether an email address was given; NULL until the image's message has arrived.
    has_recipient: Mapped[bool | None] = mapped_column(Boolean)
    # In pixels; NULL if the message did not say it.
    width: Mapped[int | None] = mapped_column(Integer)
    height: Mapped[int | None] = mapped_column(Integer)
    frames: Mapped[int | None] = mapped_column(Integer)
    # Whose it is (see shared/principal.py); NULL: stored while ACCESS was open, or not known yet.
    owner: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    deleted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), index=True)


class Dither(Base):
    """A dithered version, requested or finished. Equal options of one image are one dither."""

    __tablename__ = "dithers"

    dither_id: Mapped[UUID] = mapped_column(primary_key=True)
    image_uuid: Mapped[UUID] = mapped_column(ForeignKey(Image.uuid))
    digest: Mapped[str] = mapped_column(Text)
    channels: Mapped[int] = mapped_column(Integer)
    options: Mapped[dict[str, Any]] = mapped_column(JSONB)
    owner: Mapped[str | None] = mapped_column(Text)  # who asked for it
    status: Mapped[str] = mapped_column(Text, server_default=QUEUED)
    key: Mapped[str | None] = mapped_column(Text)
    url: Mapped[str | None] = mapped_column(Text)
    content_type: Mapped[str | None] = mapped_column(Text)
    width: Mapped[int | None] = mapped_column(Integer)
    height: Mapped[int | None] = mapped_column(Integer)
    bytes: Mapped[int | None] = mapped_column(BigInteger)
    reason: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.clock_timestamp()
    )
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # When the dither was last requested, and how often: an unfinished one is requested again.
    requested_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )
    requests: Mapped[int] = mapped_column(Integer, server_default="1")
    # The queue, see ``queue.py``. CPU seconds that the work is estimated to take; who shares the
    # processors; the place in the order of work; how often the work was begun; and until when a
    # process has it, which that process extends.
    cost: Mapped[float] = mapped_column(Double, server_default="0")
    share: Mapped[str] = mapped_column(Text, server_default="")
    turn: Mapped[float] = mapped_column(Double, server_default="0")
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    claimed_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # What asked for it, see shared/context.py: it is worked on later, perhaps by another process.
    request_id: Mapped[str | None] = mapped_column(Text)
    traceparent: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        UniqueConstraint("image_uuid", "digest"),
        Index("dithers_newest", "created_at", "dither_id"),
        Index("dithers_of_owner", "owner", "created_at", "dither_id"),
        Index("dithers_unfinished", "requested_at", postgresql_where=status == QUEUED),
        Index("dithers_turn", "turn", postgresql_where=status == QUEUED),
        Index("dithers_share", "share", "turn", postgresql_where=status == QUEUED),
    )


outbox = outbox_table(metadata)
inbox = inbox_table(metadata)
file_removals = file_removals_table(metadata)
