"""Whose an image is."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("recipients", sa.Column("owner", sa.Text(), nullable=True), schema="notification")


def downgrade() -> None:
    op.drop_column("recipients", "owner", schema="notification")
