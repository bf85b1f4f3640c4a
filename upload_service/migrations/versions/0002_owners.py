"""Whose an image is."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("images", sa.Column("owner", sa.Text(), nullable=True), schema="upload")
    op.create_index(
        "images_of_owner",
        "images",
        ["owner", "created_at", "uuid"],
        unique=False,
        schema="upload",
    )


def downgrade() -> None:
    op.drop_index("images_of_owner", table_name="images", schema="upload")
    op.drop_column("images", "owner", schema="upload")
