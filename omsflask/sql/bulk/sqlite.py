"""SQLite: each row as a JSON array of texts, which SQLite itself writes.

JSON escapes a NUL, a quote, and what could be taken for the end of a row. A batch without an escape
is CSV but for its quotes and brackets, unless a text holds a comma, a bracket or a semicolon.

Where the order of keys alone says which rows come next, SQLite joins a thousand of them into one
text. It does so while the thousand before are looked through: sqlite3 lets other threads run.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from itertools import chain, islice
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    Connection,
    LargeBinary,
    Select,
    String,
    bindparam,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.sql.elements import ColumnElement

from ...declarations.cells import Cell
from ...declarations.expressions import Expression, iso8601
from ..row_formats import MAX_CELLS, writes_json
from .text import BulkText

BATCH_ROWS = 1000

QUOTE, END = b'"', b"\r\n"

#: Characters that a text escapes, or that need quotes around a cell.
ESCAPED = (b"\\", b";")

FIRST_KEY, LAST_KEY = -(2**63), 2**63 - 1


def bulk_text(
    connection: Connection, statement: Select[Any], cells: Sequence[Cell], key: Expression | None
) -> BulkText | None:
    """Return the rows of ``statement``."""
    if not writes_json(connection.dialect) or len(cells) > MAX_CELLS:
        return None
    row = func.json_array(*map(_text, cells))
    if key is None:
        rows = statement.with_only_columns(cast(row, LargeBinary), maintain_column_froms=True)
        batches = _by_rows(connection, rows)
    else:
        batches = _by_keys(connection, statement.with_only_columns(row, key), key)
        batches = _ahead(batches) if _takes_threads(connection) else batches
    lines = partial(_lines, len(cells))
    return BulkText(batches, QUOTE, QUOTE, END, lines, _cells)


def _text(cell: Cell) -> ColumnElement[str]:
    """Return a cell's text, none being empty."""
    value = cell.shown if isinstance(cell.shown, iso8601) else cell.expression
    return func.coalesce(cast(value, String), literal_column("''"))


def _by_rows(connection: Connection, rows: Select[Any]) -> Generator[bytes]:
    cursor: Any = connection.execute(rows).cursor
    texts: Iterator[bytes] = chain.from_iterable(cursor)
    while some := [*islice(texts, BATCH_ROWS)]:
        yield END.join([*some, b""])


def _by_keys(connection: Connection, rows: Any, key: Expression) -> Generator[bytes]:
    first = bindparam("first", type_=BigInteger)
    some = rows.where(key >= first).limit(literal_column(str(BATCH_ROWS))).subquery()
    joined = func.group_concat(some.c[0], literal_column("x'0d0a'"))
    batch = select(cast(joined, LargeBinary), func.max(some.c[1]))
    last = FIRST_KEY - 1
    while last < LAST_KEY:
        text, last = connection.execute(batch, {"first": last + 1}).one()
        if text is None:
            return
        yield text + END


def _takes_threads(connection: Connection) -> bool:
    """Whether a connection can be used by another thread than the one that opened it."""
    driver: Any = connection.connection.driver_connection
    with ThreadPoolExecutor(1) as other:
        return other.submit(driver.cursor).exception() is None


def _ahead(batches: Generator[bytes]) -> Generator[bytes]:
    """Yield batches, each of them read while the one before is in use."""
    with closing(batches), ThreadPoolExecutor(1, "omsflask-export") as reader:
        following = reader.submit(next, batches, b"")
        while batch := following.result():
            following = reader.submit(next, batches, b"")
            yield batch


def _lines(width: int, batch: bytes) -> bytes | None:
    """Return a batch as lines.

    :param width: the number of cells of a row.
    """
    if any(it in batch for it in ESCAPED):
        return None
    lines = batch.translate(None, b'[]"')
    rows = batch.count(b"\n")
    if batch.count(b",") != rows * (width - 1) or len(batch) - len(lines) != rows * 2 * (width + 1):
        return None
    try:
        lines.decode()
    except UnicodeDecodeError:
        return None
    return lines


def _cells(row: bytes) -> list[str]:
    texts: list[str] = orjson.loads(row.decode("utf-8", "replace"))
    return texts
