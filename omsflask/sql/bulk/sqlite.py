"""SQLite: a row's text by ``printf``.

sqlite3 lets other threads run at each row that it fetches, which takes half as long as to make the
row. Where the order of keys alone says which rows come next, many are fetched as one text.

A moment is stored with a blank where a T is shown. To replace it in SQL costs more than all the
rest, so moments come as they are stored, each run of them between two cuts, and the blanks of a
whole batch of them are replaced at once.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from itertools import chain, islice
from typing import Any

from marshmallow import fields
from sqlalchemy import (
    BigInteger,
    Connection,
    LargeBinary,
    Select,
    bindparam,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.sql.elements import ColumnElement

from ...declarations.cells import Cell, Expression
from .text import Dump, is_moment, moment

BATCH_ROWS = 1000

#: Before a text, before any other cell but the first, behind a row, and around moments. UTF-8 uses
#: none of these bytes.
TEXT, OTHER, END, CUT = b"\xff", b"\xfe", b"\xfd\xfc", b"\xfb"

WRITTEN = bytes.maketrans(TEXT + OTHER + END, b",,\r\n")

#: A moment as stored, padded where it is shorter, so that a blank more shows it.
MOMENT = CUT + b"%-26.26sZ" + CUT

#: Between the starts of two moments, and from there to the blank.
MOMENT_STEP, MOMENT_BLANK = 28, 10

#: Its functions take so many arguments, by default and of old.
MAX_ARGUMENTS = 100

FIRST_KEY, LAST_KEY = -(2**63), 2**63 - 1


def dump(
    connection: Connection, statement: Select[Any], cells: Sequence[Cell], key: Expression | None
) -> Dump | None:
    """Return the rows of ``statement``."""
    if len(cells) >= MAX_ARGUMENTS:
        return None
    row = _printf(cells)
    if key is None:
        rows = statement.with_only_columns(row, maintain_column_froms=True)
        batches = _by_rows(connection, rows)
    else:
        batches = _by_keys(connection, statement.with_only_columns(row, key), key)
    moments = [*map(is_moment, cells)]

    def split(row: bytes) -> list[str]:
        texts = row.replace(CUT, b"").replace(OTHER, TEXT).split(TEXT)
        return [
            _moment(text.decode()) if it else text.decode()
            for text, it in zip(texts, moments, strict=True)
        ]

    return Dump(batches, TEXT, TEXT + OTHER + END, END, _lines, split)


def _printf(cells: Sequence[Cell]) -> ColumnElement[str]:
    """Return the text of a row, a mark before each cell but for the first."""
    formats: list[bytes] = []
    values: list[Any] = []
    for cell in cells:
        mark = TEXT if isinstance(cell.field, fields.String) else OTHER
        formats.append(mark + (MOMENT if is_moment(cell) else b"%s"))
        values.append(cell.expression if is_moment(cell) else cell.shown)
    pattern = b"".join(formats)[len(OTHER) :].replace(CUT + OTHER + CUT, OTHER) + END
    return func.printf(literal_column(f"CAST(x'{pattern.hex()}' AS TEXT)"), *values)


def _by_rows(connection: Connection, rows: Select[Any]) -> Generator[bytes]:
    driver: Any = connection.connection.driver_connection
    text_factory = driver.text_factory
    driver.text_factory = bytes
    try:
        cursor: Any = connection.execute(rows).cursor
        texts: Iterator[bytes] = chain.from_iterable(cursor)
        while batch := b"".join(islice(texts, BATCH_ROWS)):
            yield batch
    finally:
        driver.text_factory = text_factory


def _by_keys(connection: Connection, rows: Any, key: Expression) -> Generator[bytes]:
    first = bindparam("first", type_=BigInteger)
    some = rows.where(key >= first).limit(literal_column(str(BATCH_ROWS))).subquery()
    joined = func.group_concat(some.c[0], literal_column("''"))
    batch = select(cast(joined, LargeBinary), func.max(some.c[1]))
    last = FIRST_KEY - 1
    while last < LAST_KEY:
        text, last = connection.execute(batch, {"first": last + 1}).one()
        if text is None:
            return
        yield text


def _lines(batch: bytes) -> bytes | None:
    if any(it in batch for it in (b",", b'"', b"\r", b"\n")):
        return None
    parts = batch.split(CUT)
    stored = CUT.join(parts[1::2])
    blanks = stored[MOMENT_BLANK::MOMENT_STEP]
    if blanks.strip(b" ") or stored.count(b" ") != len(blanks):
        return None  # One is stored in another form.
    if stored:
        parts[1::2] = stored.replace(b" ", b"T").split(CUT)
    return b"".join(parts).translate(WRITTEN)


def _moment(cell: str) -> str:
    """Return what ``iso8601`` does, whatever was stored."""
    stored = cell[:-1].rstrip()
    return moment(stored[:10], stored[11:])
