"""Customers to try the service with, as many as somebody wants, written the fast way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Engine, Table, func, insert, select

from ..sql.connections import lock
from ..tables import triggers
from ..tables.sequences import advance
from .sample_data import channels, plausible

Row = Mapping[str, Any]

BATCH_ROWS = 10_000

#: In KiB, for the indexes of a million customers, whose pages would else be read again and again.
SQLITE_CACHE = 2**18


def make(
    engine: Engine, customers: Table, number: int, *, seed: int = 0, first: Sequence[Row] = ()
) -> Iterator[int]:
    """Add ``number`` customers behind those that are there, all or none; yield how many at a time.

    :param first: customers that come before the others, and count.
    """
    (reference,) = customers.c.channel_id.foreign_keys
    with engine.begin() as connection, _hurried(connection, customers):
        _add_channels(connection, reference.column.table)
        last = connection.scalar(select(func.max(customers.c.id))) or 0
        yield from _add(connection, customers, first)
        start = last + len(first) + 1
        rows = plausible(number - len(first), first_id=start, seed=seed)
        yield from _add(connection, customers, rows)
        advance(connection, customers)


@contextmanager
def _hurried(connection: Connection, customers: Table) -> Iterator[None]:
    """Spare SQLite what these rows do not need: any trigger of an INSERT doubles what it costs."""
    if connection.dialect.name != "sqlite":
        yield
        return
    connection.exec_driver_sql(f"PRAGMA cache_size = -{SQLITE_CACHE}")
    lock(connection)
    triggers.drop(connection, customers)
    yield
    triggers.create(connection, customers)


def _add_channels(connection: Connection, table: Table) -> None:
    known = set(connection.scalars(select(table.c.id)))
    missing = [row for row in channels() if row["id"] not in known]
    if missing:
        connection.execute(insert(table), missing)
        advance(connection, table)


def _add(connection: Connection, table: Table, rows: Iterable[Row]) -> Iterator[int]:
    write = _copy if connection.dialect.driver == "psycopg" else _insert
    rows = iter(rows)
    while batch := [*islice(rows, BATCH_ROWS)]:
        write(connection, table, batch)
        yield len(batch)


def _insert(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    connection.execute(insert(table), rows)


def _copy(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    quoting = connection.dialect.identifier_preparer
    columns = ", ".join(map(quoting.quote, rows[0]))
    driver: Any = connection.connection.driver_connection
    statement = f"COPY {quoting.format_table(table)} ({columns}) FROM STDIN"
    with driver.cursor() as cursor, cursor.copy(statement) as copying:
        for row in rows:
            copying.write_row(tuple(row.values()))
