"""Dithers that are queued are claimed from their table, in turn."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_QUEUED = sa.text("status = 'queued'")


def upgrade() -> None:
    for name in ("width", "height", "frames"):
        op.add_column("images", sa.Column(name, sa.Integer(), nullable=True), schema="dither")
    for column in (
        sa.Column("cost", sa.Double(), server_default="0", nullable=False),
        sa.Column("share", sa.Text(), server_default="", nullable=False),
        sa.Column("turn", sa.Double(), server_default="0", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
    ):
        op.add_column("dithers", column, schema="dither")
    for name, columns in (("dithers_turn", ["turn"]), ("dithers_share", ["share", "turn"])):
        op.create_index(name, "dithers", columns, schema="dither", postgresql_where=_QUEUED)


def downgrade() -> None:
    for name in ("dithers_share", "dithers_turn"):
        op.drop_index(name, table_name="dithers", schema="dither", postgresql_where=_QUEUED)
    for name in ("claimed_until", "attempts", "turn", "share", "cost"):
        op.drop_column("dithers", name, schema="dither")
    for name in ("frames", "height", "width"):
        op.drop_column("images", name, schema="dither")
