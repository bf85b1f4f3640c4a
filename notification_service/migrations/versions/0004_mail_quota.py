"""How many mails a day the key allows that an image was uploaded with."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "recipients", sa.Column("mails_per_day", sa.Integer(), nullable=True), schema="notification"
    )


def downgrade() -> None:
    op.drop_column("recipients", "mails_per_day", schema="notification")
