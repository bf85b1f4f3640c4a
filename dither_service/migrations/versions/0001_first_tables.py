"""The dither service's first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "file_removals",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key"),
        schema="dither",
    )
    op.create_index(
        op.f("ix_dither_file_removals_due_at"),
        "file_removals",
        ["due_at"],
        unique=False,
        schema="dither",
    )
    op.create_table(
        "images",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("has_recipient", sa.Boolean(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("uuid"),
        schema="dither",
    )
    op.create_index(
        op.f("ix_dither_images_deleted_at"), "images", ["deleted_at"], unique=False, schema="dither"
    )
    op.create_table(
        "inbox",
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("message_id"),
        schema="dither",
    )
    op.create_index(
        "inbox_received_at",
        "inbox",
        ["received_at"],
        unique=False,
        schema="dither",
        postgresql_using="brin",
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("message_type", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("claimed_by", sa.Uuid(), nullable=True),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        schema="dither",
    )
    op.create_index(
        "outbox_published_at",
        "outbox",
        ["published_at"],
        unique=False,
        schema="dither",
        postgresql_using="brin",
    )
    op.create_index(
        "outbox_unpublished",
        "outbox",
        ["key", "id"],
        unique=False,
        schema="dither",
        postgresql_where=sa.text("published_at IS NULL"),
    )
    op.create_table(
        "dithers",
        sa.Column("dither_id", sa.Uuid(), nullable=False),
        sa.Column("image_uuid", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("channels", sa.Integer(), nullable=False),
        sa.Column("options", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("status", sa.Text(), server_default="queued", nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("content_type", sa.Text(), nullable=True),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "requested_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("requests", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["image_uuid"],
            ["dither.images.uuid"],
        ),
        sa.PrimaryKeyConstraint("dither_id"),
        sa.UniqueConstraint("image_uuid", "digest"),
        schema="dither",
    )
    op.create_index(
        "dithers_newest", "dithers", ["created_at", "dither_id"], unique=False, schema="dither"
    )
    op.create_index(
        "dithers_unfinished",
        "dithers",
        ["requested_at"],
        unique=False,
        schema="dither",
        postgresql_where=sa.text("status = 'queued'"),
    )


def downgrade() -> None:
    op.drop_index(
        "dithers_unfinished",
        table_name="dithers",
        schema="dither",
        postgresql_where=sa.text("status = 'queued'"),
    )
    op.drop_index("dithers_newest", table_name="dithers", schema="dither")
    op.drop_table("dithers", schema="dither")
    op.drop_index(
        "outbox_unpublished",
        table_name="outbox",
        schema="dither",
        postgresql_where=sa.text("published_at IS NULL"),
    )
    op.drop_index("outbox_published_at", table_name="outbox", schema="dither")
    op.drop_table("outbox", schema="dither")
    op.drop_index("inbox_received_at", table_name="inbox", schema="dither")
    op.drop_table("inbox", schema="dither")
    op.drop_index(op.f("ix_dither_images_deleted_at"), table_name="images", schema="dither")
    op.drop_table("images", schema="dither")
    op.drop_index(
        op.f("ix_dither_file_removals_due_at"), table_name="file_removals", schema="dither"
    )
    op.drop_table("file_removals", schema="dither")
