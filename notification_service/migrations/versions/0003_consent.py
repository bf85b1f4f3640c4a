"""Owners, consent and limits of mails."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCHEMA = "notification"
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "mailboxes",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("asked_at", _TIME, nullable=True),
        sa.Column("confirmed_at", _TIME, nullable=True),
        sa.Column("unsubscribed_at", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("digest"),
        schema=SCHEMA,
    )
    op.create_table(
        "secrets",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        schema=SCHEMA,
    )
    for name in ("ends_at", "forgotten_at"):
        op.add_column("recipients", sa.Column(name, _TIME, nullable=True), schema=SCHEMA)
    _add("notifications", sa.Column("kind", sa.Text(), server_default="dithered", nullable=False))
    _add("notifications", sa.Column("owner", sa.Text(), nullable=True))
    _add("notifications", sa.Column("address_digest", sa.Text(), nullable=True), index=True)
    account = sa.Computed("coalesce(owner, address_digest)", persisted=True)
    _add("notifications", sa.Column("account", sa.Text(), account, nullable=True))
    options = postgresql.JSONB(none_as_null=True, astext_type=sa.Text())
    _add("notifications", sa.Column("options", options, nullable=True))
    op.create_index(
        "notifications_unsettled",
        "notifications",
        ["account"],
        unique=False,
        schema=SCHEMA,
        postgresql_where=sa.text("status IN ('waiting', 'pending', 'unconfirmed')"),
    )
    op.alter_column("notifications", "url_dither", nullable=True, schema=SCHEMA)
    _add("recent_mails", sa.Column("kind", sa.Text(), server_default="dithered", nullable=False))
    _add("recent_mails", sa.Column("account", sa.Text(), nullable=True), index=True)


def downgrade() -> None:
    for table, names in {
        "recent_mails": ("account", "kind"),
        "notifications": ("options", "account", "address_digest", "owner", "kind"),
        "recipients": ("forgotten_at", "ends_at"),
    }.items():
        for name in names:
            op.drop_column(table, name, schema=SCHEMA)
    op.drop_table("secrets", schema=SCHEMA)
    op.drop_table("mailboxes", schema=SCHEMA)


def _add(table: str, column: "sa.Column[object]", *, index: bool = False) -> None:
    op.add_column(table, column, schema=SCHEMA)
    if index:
        name = op.f(f"ix_{SCHEMA}_{table}_{column.name}")
        op.create_index(name, table, [column.name], unique=False, schema=SCHEMA)
