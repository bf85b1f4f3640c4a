"""The notification service's first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
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
        schema="notification",
    )
    op.create_index(
        "inbox_received_at",
        "inbox",
        ["received_at"],
        unique=False,
        schema="notification",
        postgresql_using="brin",
    )
    op.create_table(
        "recent_mails",
        sa.Column("dither_id", sa.Uuid(), nullable=False),
        sa.Column("address_digest", sa.Text(), nullable=False),
        sa.Column(
            "sent_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("dither_id"),
        schema="notification",
    )
    op.create_index(
        op.f("ix_notification_recent_mails_address_digest"),
        "recent_mails",
        ["address_digest"],
        unique=False,
        schema="notification",
    )
    op.create_index(
        op.f("ix_notification_recent_mails_sent_at"),
        "recent_mails",
        ["sent_at"],
        unique=False,
        schema="notification",
    )
    op.create_table(
        "recipients",
        sa.Column("image_uuid", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("filename", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("image_uuid"),
        schema="notification",
    )
    op.create_index(
        op.f("ix_notification_recipients_created_at"),
        "recipients",
        ["created_at"],
        unique=False,
        schema="notification",
    )
    op.create_table(
        "notifications",
        sa.Column("dither_id", sa.Uuid(), nullable=False),
        sa.Column("image_uuid", sa.Uuid(), nullable=False),
        sa.Column("url_dither", sa.Text(), nullable=False),
        sa.Column("channels", sa.Integer(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["image_uuid"], ["notification.recipients.image_uuid"], ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("dither_id"),
        schema="notification",
    )
    op.create_index(
        op.f("ix_notification_notifications_image_uuid"),
        "notifications",
        ["image_uuid"],
        unique=False,
        schema="notification",
    )
    op.create_index(
        "notifications_due",
        "notifications",
        ["due_at"],
        unique=False,
        schema="notification",
        postgresql_where=sa.text("status = 'pending'"),
    )


def downgrade() -> None:
    op.drop_index(
        "notifications_due",
        table_name="notifications",
        schema="notification",
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.drop_index(
        op.f("ix_notification_notifications_image_uuid"),
        table_name="notifications",
        schema="notification",
    )
    op.drop_table("notifications", schema="notification")
    op.drop_index(
        op.f("ix_notification_recipients_created_at"),
        table_name="recipients",
        schema="notification",
    )
    op.drop_table("recipients", schema="notification")
    op.drop_index(
        op.f("ix_notification_recent_mails_sent_at"),
        table_name="recent_mails",
        schema="notification",
    )
    op.drop_index(
        op.f("ix_notification_recent_mails_address_digest"),
        table_name="recent_mails",
        schema="notification",
    )
    op.drop_table("recent_mails", schema="notification")
    op.drop_index("inbox_received_at", table_name="inbox", schema="notification")
    op.drop_table("inbox", schema="notification")
