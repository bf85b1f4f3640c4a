"""How many mails a day the key allows that an image was uploaded with."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "images", sa.Column("mails_per_day", sa.Integer(), nullable=True), schema="upload"
    )


def downgrade() -> None:
    op.drop_column("images", "mails_per_day", schema="upload")
