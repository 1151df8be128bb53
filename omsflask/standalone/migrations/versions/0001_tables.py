"""Channels, customers and tokens.

A database that was made before there were revisions has these tables, and keeps them.
"""

import sqlalchemy as sa
from alembic import op
from alembic.autogenerate import produce_migrations
from alembic.migration import MigrationContext
from alembic.operations.ops import ModifyTableOps

from omsflask.tables.create import MigrationError

revision = "0001"
down_revision = None

metadata = sa.MetaData()
key = sa.BigInteger().with_variant(sa.Integer, "sqlite")
moment = sa.DateTime(timezone=True)

channels = sa.Table(
    "channels",
    metadata,
    sa.Column("id", key, primary_key=True),
    sa.Column("name", sa.String(255), nullable=False),
)

customers = sa.Table(
    "customers",
    metadata,
    sa.Column("id", key, primary_key=True),
    sa.Column("created_date", moment, nullable=False),
    sa.Column("modified_date", moment, nullable=False),
    sa.Column("omnitron_id", sa.Integer, nullable=False),
    sa.Column("email", sa.String(254), nullable=False),
    sa.Column("first_name", sa.String(255)),
    sa.Column("last_name", sa.String(255)),
    sa.Column("phone_number", sa.String(128)),
    sa.Column("erp_code", sa.String(64)),
    sa.Column("channel_id", key, sa.ForeignKey("channels.id")),
    sa.Index("ix_customers_email", "email", "id"),
    sa.Index("ix_customers_first_name", "first_name", "id"),
    sa.Index("ix_customers_last_name", "last_name", "id"),
    sa.Index("ix_customers_phone_number", "phone_number", "id"),
    sa.Index("ix_customers_erp_code", "erp_code", "id"),
    sa.Index("ix_customers_modified_date", "modified_date", "id"),
    sa.Index("ix_customers_channel_id", "channel_id", "modified_date", "id"),
    sqlite_autoincrement=True,
)

tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("id", key, primary_key=True),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("prefix", sa.String(12), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False, unique=True),
    sa.Column("created_at", moment, nullable=False),
    sa.Column("expires_at", moment),
    sa.Column("revoked_at", moment),
    sa.Column("last_used_at", moment),
)


def upgrade() -> None:
    offline = op.get_context().as_sql
    metadata.create_all(op.get_bind(), checkfirst=not offline)
    if not offline and (strange := different()):
        raise MigrationError(f"Not made by this service, though named so: {', '.join(strange)}.")


def downgrade() -> None:
    metadata.drop_all(op.get_bind(), checkfirst=not op.get_context().as_sql)


def different() -> list[str]:
    """Return the names of the tables that are there and differ from these."""

    def is_ours(name: str | None, kind: str, _parents: object) -> bool:
        return kind != "table" or name in metadata.tables

    context = MigrationContext.configure(op.get_bind(), opts={"include_name": is_ours})
    found = produce_migrations(context, metadata).upgrade_ops
    assert found is not None  # noqa: S101
    return [it.table_name for it in found.ops if isinstance(it, ModifyTableOps)]
