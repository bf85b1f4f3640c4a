"""What asked for a dither, and the place in a trace of what a message tells of."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_COLUMNS = (("outbox", "traceparent"), ("dithers", "request_id"), ("dithers", "traceparent"))


def upgrade() -> None:
    for table, name in _COLUMNS:
        op.add_column(table, sa.Column(name, sa.Text(), nullable=True), schema="dither")


def downgrade() -> None:
    for table, name in _COLUMNS:
        op.drop_column(table, name, schema="dither")
