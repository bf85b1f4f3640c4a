"""Whose an image is, when it ends, and which uploads may be repeated."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("images", sa.Column("owner", sa.Text(), nullable=True), schema="upload")
    op.add_column(
        "images",
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        schema="upload",
    )
    op.create_index(
        "images_of_owner",
        "images",
        ["owner", "created_at", "uuid"],
        unique=False,
        schema="upload",
    )
    op.create_index(
        "images_expiring",
        "images",
        ["expires_at"],
        unique=False,
        schema="upload",
        postgresql_where=sa.text("expires_at IS NOT NULL"),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("image_uuid", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["image_uuid"], ["upload.images.uuid"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("owner", "key"),
        schema="upload",
    )
    for column in ("created_at", "image_uuid"):
        op.create_index(
            op.f(f"ix_upload_idempotency_keys_{column}"),
            "idempotency_keys",
            [column],
            unique=False,
            schema="upload",
        )


def downgrade() -> None:
    op.drop_table("idempotency_keys", schema="upload")
    op.drop_index("images_expiring", table_name="images", schema="upload")
    op.drop_index("images_of_owner", table_name="images", schema="upload")
    op.drop_column("images", "expires_at", schema="upload")
    op.drop_column("images", "owner", schema="upload")
