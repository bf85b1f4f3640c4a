"""What led to a mail."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_NAMES = ("request_id", "traceparent")


def upgrade() -> None:
    for name in _NAMES:
        column = sa.Column(name, sa.Text(), nullable=True)
        op.add_column("notifications", column, schema="notification")


def downgrade() -> None:
    for name in _NAMES:
        op.drop_column("notifications", name, schema="notification")
