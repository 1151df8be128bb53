"""Dates for what is written by hand in SQL."""

import sqlalchemy as sa
from alembic import op

from omsflask.tables import triggers

revision = "0002"
down_revision = "0001"

COLUMNS = (
    "id", "created_date", "modified_date", "omnitron_id", "email", "first_name", "last_name",
    "phone_number", "erp_code", "channel_id",
)  # fmt: skip
customers = sa.Table(
    "customers", sa.MetaData(), *(sa.Column(name, primary_key=name == "id") for name in COLUMNS)
)
sequence = sa.table("sqlite_sequence", sa.column("name"), sa.column("seq"))
#: The last key that SQLite gave to a customer, who may be gone.
LAST_KEY = sa.select(sequence.c.seq).where(sequence.c.name == "customers")
CLOCK = {
    "postgresql": "clock_timestamp()",
    "sqlite": "(strftime('%Y-%m-%d %H:%M:%f000', 'now'))",
}


def upgrade() -> None:
    bind = op.get_bind()
    set_defaults(sa.text(CLOCK[bind.dialect.name]))
    triggers.create(bind, customers)
    if bind.dialect.name == "sqlite":
        # The trigger sees them, and gives each the form in which it is compared.
        op.execute(customers.update().values(modified_date=customers.c.modified_date))


def downgrade() -> None:
    triggers.drop(op.get_bind(), customers)
    set_defaults(None)


def set_defaults(default: sa.TextClause | None) -> None:
    """Let the database date what is inserted, or no longer."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    last = op.get_bind().scalar(LAST_KEY) if is_sqlite else None
    with op.batch_alter_table("customers", table_kwargs={"sqlite_autoincrement": True}) as batch:
        for name in ("created_date", "modified_date"):
            batch.alter_column(name, server_default=default)
    if last is not None:
        keep_last_key(last)


def keep_last_key(last: int) -> None:
    """Let no key be given twice: SQLite alters a column by making the table anew."""
    op.execute(sequence.delete().where(sequence.c.name == "customers"))
    op.execute(sequence.insert().values(name="customers", seq=last))
