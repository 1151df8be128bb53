"""Tables that are missing: made under a lock, by any number of processes at once."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, Table, inspect
from sqlalchemy.exc import OperationalError

from ..sql.connections import lock


class MigrationError(RuntimeError):
    """A database cannot be brought up to date. The text is one sentence."""


def create_missing(engine: Engine, tables: Iterable[Table]) -> list[str]:
    """Create those of ``tables``, and of those that they refer to, that are not there yet.

    :returns: the names of the tables that were created.
    """
    wanted = with_referred(tables)
    with alone(engine) as connection:
        existing = set(inspect(connection).get_table_names())
        for table in wanted:
            table.create(connection, checkfirst=True)
    return [table.name for table in wanted if table.name not in existing]


@contextmanager
def alone(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that nobody else changes the tables beside, and commit it at the end."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            _write_ahead(connection)
        lock(connection)
        yield connection
        connection.commit()


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
