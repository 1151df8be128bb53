"""Customers to try the service with, as many as somebody wants, written the fast way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Engine, Table, func, insert, select

from ..tables.create import advance
from ..tables.staging import cached, insert_rows, lock_writes
from .sample_data import channels, plausible

Row = Mapping[str, Any]

BATCH_ROWS = 10_000


def make(
    engine: Engine, customers: Table, number: int, *, seed: int = 0, first: Sequence[Row] = ()
) -> Iterator[int]:
    """Add ``number`` customers behind those that are there, all or none; yield how many at a time.

    :param first: customers that come before the others, and count.
    """
    (reference,) = customers.c.channel_id.foreign_keys
    with engine.connect() as connection, cached(connection):
        lock_writes(connection, customers)
        _add_channels(connection, reference.column.table)
        last = connection.scalar(select(func.max(customers.c.id))) or 0
        yield from _add(connection, customers, first)
        start = last + len(first) + 1
        rows = plausible(number - len(first), first_id=start, seed=seed)
        yield from _add(connection, customers, rows)
        advance(connection, customers)
        connection.commit()


def _add_channels(connection: Connection, table: Table) -> None:
    known = set(connection.scalars(select(table.c.id)))
    missing = [row for row in channels() if row["id"] not in known]
    if missing:
        connection.execute(insert(table), missing)
        advance(connection, table)


def _add(connection: Connection, table: Table, rows: Iterable[Row]) -> Iterator[int]:
    rows = iter(rows)
    while batch := [*islice(rows, BATCH_ROWS)]:
        columns = [table.c[name] for name in batch[0]]
        insert_rows(connection, table, columns, [tuple(row.values()) for row in batch])
        yield len(batch)
