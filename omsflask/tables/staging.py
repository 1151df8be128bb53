"""Rows by the thousand: copied into a temporary table, and written from there by one statement.

With a trigger, SQLite keeps the changes of a statement until its end. One statement for each row
would take twice the time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    DateTime,
    Dialect,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import ExecutableDDLElement
from sqlalchemy.sql.compiler import DDLCompiler
from sqlalchemy.types import TypeEngine

from ..sql.connections import driver_errors, lock

Columns = Sequence[Column[Any]]
Values = Sequence[Any]

#: The schema of temporary tables: no map of a host's schemas holds it.
SCHEMAS = {"postgresql": "pg_temp", "sqlite": "temp"}


class KnownType(NamedTuple):
    """A type whose values the drivers take as they are.

    :param affinity: what it is on any engine, unless a host gives it another type there.
    :param copied: its name in a binary COPY.
    """

    affinity: type[TypeEngine[Any]]
    copied: str


#: Nothing is known about other types, such as a host's own.
KNOWN_TYPES: dict[type[TypeEngine[Any]], KnownType] = {
    BigInteger: KnownType(Integer, "int8"),
    DateTime: KnownType(DateTime, "timestamptz"),
    Integer: KnownType(Integer, "int4"),
    SmallInteger: KnownType(Integer, "int2"),
    String: KnownType(String, "text"),
    Text: KnownType(String, "text"),
}

#: Since this version of SQLite an UPDATE has a FROM.
SQLITE_VERSION = (3, 33)

#: In KiB, for the indexes of a million customers, whose pages would else be read again and again.
SQLITE_CACHE = 2**17

#: A cursor is closed, and what it counted lost, after any other INSERT.
COUNTED = {"preserve_rowcount": True}

MAY_STAGE = """
SELECT has_database_privilege(current_database(), 'TEMP')
AND current_setting('transaction_read_only') = 'off'"""


class _LockWrites(ExecutableDDLElement):
    def __init__(self, table: Table) -> None:
        self.table = table


@compiles(_LockWrites)
def _lock_writes(element: _LockWrites, compiler: DDLCompiler, **_: Any) -> str:
    table = compiler.preparer.format_table(element.table)
    return f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE"


def lock_writes(connection: Connection, table: Table) -> None:
    """Let nobody else write to ``table`` until the transaction ends."""
    if connection.dialect.name != "sqlite":
        connection.execute(_LockWrites(table))
        return
    driver: Any = connection.connection.driver_connection
    if not driver.in_transaction:
        lock(connection)


@contextmanager
def cached(connection: Connection) -> Iterator[None]:
    """Give SQLite a larger cache for a while, outside any transaction."""
    if connection.dialect.name != "sqlite" or connection.in_transaction():
        yield
        return
    driver: Any = connection.connection.driver_connection
    (before,) = driver.execute("PRAGMA cache_size").fetchone()
    driver.execute(f"PRAGMA cache_size = -{SQLITE_CACHE}")
    try:
        yield
    finally:
        # A connection that was lost has no cache.
        with suppress(sqlite3.Error):
            driver.execute(f"PRAGMA cache_size = {before}")


def may_stage(connection: Connection, table: Table, columns: Iterable[Column[Any]]) -> bool:
    """Return whether rows with ``columns`` can be written by way of a temporary table.

    Python has no part in that: a host's own type, or a default that Python makes, rules it out.
    """
    dialect = connection.dialect
    if not all(_is_known(column, dialect) for column in columns):
        return False
    if not all(_is_sql(column.default) and _is_sql(column.onupdate) for column in table.columns):
        return False
    if dialect.name == "sqlite":
        return dialect.driver == "pysqlite" and sqlite3.sqlite_version_info >= SQLITE_VERSION
    return dialect.name == "postgresql" and bool(connection.scalar(text(MAY_STAGE)))


def _is_known(column: Column[Any], dialect: Dialect) -> bool:
    known = KNOWN_TYPES.get(type(column.type))
    return known is not None and isinstance(column.type.dialect_impl(dialect), known.affinity)


def _is_sql(default: Any) -> bool:
    return default is None or default.is_clause_element


def insert_rows(
    connection: Connection, table: Table, columns: Columns, rows: Sequence[Values]
) -> int:
    """Insert rows with the values of ``columns``, in their order; return how many there are."""
    with _staged(connection, columns, rows) as stage:
        names = [column.name for column in columns]
        inserted = insert(table).from_select(names, select(stage))
        return connection.execute(inserted, execution_options=COUNTED).rowcount


def update_rows(
    connection: Connection,
    table: Table,
    columns: Columns,
    rows: Sequence[Values],
    stamp: Column[Any] | None = None,
) -> int:
    """Update rows with the values of ``columns``, the key among them; return how many there are.

    :param stamp: a column that keeps its value. The table's trigger takes such a date for none and
        stamps the row, so that it is set once more.
    """
    [key] = table.primary_key.columns
    with _staged(connection, columns, rows) as stage:
        values = {column: stage.c[column.name] for column in columns if column is not key}
        matching = update(table).where(key == stage.c[key.name])
        updated = connection.execute(matching.values(values), execution_options=COUNTED).rowcount
        if stamp is not None:
            given = stage.c[stamp.name]
            connection.execute(matching.where(stamp.is_distinct_from(given)).values({stamp: given}))
    return updated


@contextmanager
def _staged(connection: Connection, columns: Columns, rows: Sequence[Values]) -> Iterator[Table]:
    """Copy rows into a table that ends with the transaction, or before."""
    types = [_staged_type(column, connection.dialect) for column in columns]
    pairs = zip(columns, types, strict=True)
    stage = Table(
        "oms_staged",
        MetaData(),
        *(Column(column.name, type_) for column, type_ in pairs),
        schema=SCHEMAS[connection.dialect.name],
    )
    stage.create(connection)
    fill = FILL.get(connection.dialect.driver, _insert)
    fill(connection, stage, rows)
    yield stage
    stage.drop(connection)


def _staged_type(column: Column[Any], dialect: Dialect) -> TypeEngine[Any]:
    # A moment without a zone would be copied by its digits, whatever its offset.
    moment = dialect.name == "postgresql" and isinstance(column.type, DateTime)
    return DateTime(timezone=True) if moment else column.type


def _insert(connection: Connection, stage: Table, rows: Sequence[Values]) -> None:
    names = stage.columns.keys()
    connection.execute(insert(stage), [dict(zip(names, row, strict=True)) for row in rows])


def _insert_values(connection: Connection, stage: Table, rows: Sequence[Values]) -> None:
    # SQLAlchemy takes longer for a row of parameters than SQLite for the row.
    dialect = connection.dialect
    types = [column.type.dialect_impl(dialect) for column in stage.columns]
    bound = [type_.bind_processor(dialect) for type_ in types]
    processed = [(place, process) for place, process in enumerate(bound) if process]

    def values(row: Values) -> Values:
        changed = [*row]
        for place, process in processed:
            changed[place] = process(row[place])
        return tuple(changed)

    statement = str(insert(stage).compile(dialect=dialect))
    connection.exec_driver_sql(statement, [values(row) for row in rows])


def _copy(connection: Connection, stage: Table, rows: Sequence[Values]) -> None:
    name = connection.dialect.identifier_preparer.format_table(stage)
    driver: Any = connection.connection.driver_connection
    statement = f"COPY {name} FROM STDIN (FORMAT binary)"
    with driver_errors(connection), driver.cursor() as cursor, cursor.copy(statement) as copying:
        copying.set_types([KNOWN_TYPES[type(column.type)].copied for column in stage.columns])
        for row in rows:
            copying.write_row(row)


#: How rows get into a temporary table, by the driver.
FILL = {"psycopg": _copy, "pysqlite": _insert_values}
