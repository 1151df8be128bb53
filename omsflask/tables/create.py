"""Tables that are missing: made under a lock, by any number of processes at once."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Table, func, inspect, literal_column, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import OperationalError

from ..sql.connections import lock
from ..sql.database import Database

#: Quotes names that are values of a statement, where a % is no placeholder.
NAMES: Any = postgresql.dialect(paramstyle="named").identifier_preparer  # type: ignore[no-untyped-call]


class MigrationError(RuntimeError):
    """A database cannot be brought up to date. The text is one sentence."""


def create_missing(database: Database, tables: Iterable[Table]) -> list[str]:
    """Create those of ``tables``, and of those that they refer to, that are not there yet.

    :returns: the names of the tables that were created.
    """
    wanted = with_referred(tables)
    with alone(database) as connection:
        missing = [table for table in wanted if not _exists(connection, table)]
        for table in wanted:
            table.create(connection, checkfirst=True)
    return [table.name for table in missing]


@contextmanager
def alone(database: Database) -> Iterator[Connection]:
    """Open a transaction that nobody else changes the tables beside, and commit it at the end.

    A host whose session is bound to a connection, in its tests say, does both by itself.
    """
    with database.connected() as connection:
        if connection is database.bind:
            yield connection
            return
        if database.dialect.name == "sqlite":
            _write_ahead(connection)
        lock(connection)
        yield connection
        connection.commit()


def advance(connection: Connection, table: Table) -> None:
    """Let the next key that the database gives come after all that ``table`` has.

    PostgreSQL's sequences know nothing of keys that were given. SQLite's keys come after those.
    """
    if connection.dialect.name != "postgresql":
        return
    [key] = table.primary_key.columns
    schema = connection.schema_for_object(table)
    name = ".".join(NAMES.quote(it) for it in (schema, table.name) if it)
    sequence = connection.scalar(select(func.pg_get_serial_sequence(name, key.name)))
    if sequence:
        last = select(func.max(key)).scalar_subquery()
        taken: Any = literal_column(f"(SELECT last_value FROM {sequence})")  # noqa: S608
        connection.execute(select(func.setval(sequence, last)).where(last >= taken))


def with_referred(tables: Iterable[Table]) -> list[Table]:
    """Return ``tables`` and what their foreign keys refer to, in the order of creation."""
    found: dict[str, Table] = {}
    todo = list(tables)
    while todo:
        table = todo.pop()
        if table.key not in found:
            found[table.key] = table
            todo += [key.column.table for key in table.foreign_keys]
    metadata = next(iter(found.values())).metadata
    return [table for table in metadata.sorted_tables if table.key in found]


def _exists(connection: Connection, table: Table) -> bool:
    schema = connection.schema_for_object(table)
    return bool(inspect(connection).has_table(table.name, schema=schema))


def _write_ahead(connection: Connection) -> None:
    # The mode is kept in the file. SQLite does not wait for a lock as it changes it.
    for attempt in range(50):
        try:
            if connection.exec_driver_sql("PRAGMA journal_mode = WAL").scalar() != "delete":
                return
        except OperationalError:
            if attempt == 49:
                raise
        time.sleep(0.1)
