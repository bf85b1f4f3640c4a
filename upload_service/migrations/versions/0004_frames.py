"""How many frames an image has: it tells how long a dither takes."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("images", sa.Column("frames", sa.Integer(), nullable=True), schema="upload")


def downgrade() -> None:
    op.drop_column("images", "frames", schema="upload")
