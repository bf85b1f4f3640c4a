"""The place in a trace of what a message tells of."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("traceparent", sa.Text(), nullable=True), schema="upload")


def downgrade() -> None:
    op.drop_column("outbox", "traceparent", schema="upload")
