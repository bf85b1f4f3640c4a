"""Whose an image is, and who asked for a dither."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("images", sa.Column("owner", sa.Text(), nullable=True), schema="dither")
    op.add_column("dithers", sa.Column("owner", sa.Text(), nullable=True), schema="dither")
    op.create_index(
        "dithers_of_owner",
        "dithers",
        ["owner", "created_at", "dither_id"],
        unique=False,
        schema="dither",
    )


def downgrade() -> None:
    op.drop_index("dithers_of_owner", table_name="dithers", schema="dither")
    op.drop_column("dithers", "owner", schema="dither")
    op.drop_column("images", "owner", schema="dither")
