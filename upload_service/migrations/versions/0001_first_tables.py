"""The upload service's first tables."""

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
        schema="upload",
    )
    op.create_index(
        op.f("ix_upload_file_removals_due_at"),
        "file_removals",
        ["due_at"],
        unique=False,
        schema="upload",
    )
    op.create_table(
        "images",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column(
            "options", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.Column("status", sa.Text(), server_default="uploaded", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "announced_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("announcements", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("uuid"),
        schema="upload",
    )
    op.create_index(
        "images_newest", "images", ["created_at", "uuid"], unique=False, schema="upload"
    )
    op.create_index(
        "images_unfinished",
        "images",
        ["announced_at"],
        unique=False,
        schema="upload",
        postgresql_where=sa.text("status = 'uploaded'"),
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
        schema="upload",
    )
    op.create_index(
        "inbox_received_at",
        "inbox",
        ["received_at"],
        unique=False,
        schema="upload",
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
        schema="upload",
    )
    op.create_index(
        "outbox_published_at",
        "outbox",
        ["published_at"],
        unique=False,
        schema="upload",
        postgresql_using="brin",
    )
    op.create_index(
        "outbox_unpublished",
        "outbox",
        ["key", "id"],
        unique=False,
        schema="upload",
        postgresql_where=sa.text("published_at IS NULL"),
    )
    op.create_table(
        "dithers",
        sa.Column("dither_id", sa.Uuid(), nullable=False),
        sa.Column("image_uuid", sa.Uuid(), nullable=False),
        sa.Column("channels", sa.Integer(), nullable=True),
        sa.Column(
            "options", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("url_dither", sa.Text(), nullable=True),
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
        sa.ForeignKeyConstraint(["image_uuid"], ["upload.images.uuid"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("dither_id"),
        schema="upload",
    )
    op.create_index(
        op.f("ix_upload_dithers_image_uuid"),
        "dithers",
        ["image_uuid"],
        unique=False,
        schema="upload",
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_upload_dithers_image_uuid"), table_name="dithers", schema="upload")
    op.drop_table("dithers", schema="upload")
    op.drop_index(
        "outbox_unpublished",
        table_name="outbox",
        schema="upload",
        postgresql_where=sa.text("published_at IS NULL"),
    )
    op.drop_index("outbox_published_at", table_name="outbox", schema="upload")
    op.drop_table("outbox", schema="upload")
    op.drop_index("inbox_received_at", table_name="inbox", schema="upload")
    op.drop_table("inbox", schema="upload")
    op.drop_index(
        "images_unfinished",
        table_name="images",
        schema="upload",
        postgresql_where=sa.text("status = 'uploaded'"),
    )
    op.drop_index("images_newest", table_name="images", schema="upload")
    op.drop_table("images", schema="upload")
    op.drop_index(
        op.f("ix_upload_file_removals_due_at"), table_name="file_removals", schema="upload"
    )
    op.drop_table("file_removals", schema="upload")
