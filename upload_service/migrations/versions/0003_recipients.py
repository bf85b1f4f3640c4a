"""Who gets mails about an image: addresses are no longer in messages."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCHEMA = "upload"


def upgrade() -> None:
    op.add_column("images", sa.Column("email", sa.Text(), nullable=True), schema=SCHEMA)
    told_at = sa.Column("email_told_at", sa.DateTime(timezone=True), nullable=True)
    op.add_column("images", told_at, schema=SCHEMA)
    op.create_index(
        "images_with_email",
        "images",
        ["created_at"],
        unique=False,
        schema=SCHEMA,
        postgresql_where=sa.text("email IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("images_with_email", table_name="images", schema=SCHEMA)
    op.drop_column("images", "email_told_at", schema=SCHEMA)
    op.drop_column("images", "email", schema=SCHEMA)
