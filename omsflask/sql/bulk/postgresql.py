"""PostgreSQL: rows by COPY, over psycopg.

To make a moment's text, ``to_char`` takes almost as long as all the rest of a row. PostgreSQL's
own text of it wants a T for its blank, and its fraction filled up.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from functools import partial
from itertools import repeat
from typing import Any

from marshmallow import fields
from sqlalchemy import Compiled, Connection, Select, String, case, cast, func
from sqlalchemy.sql.elements import ColumnElement

from ...declarations.cells import Cell
from ...declarations.expressions import in_utc, iso8601
from .text import BulkText

BATCH_BYTES = 50_000

SEPARATOR, END = b",", b"\n"

#: In place of a moment's T, and before the Z alone where there is no moment to show.
MIDDLE = b"\x1e"
NOTHING = MIDDLE + b"Z"

#: COPY's text format, which escapes what it must: https://www.postgresql.org/docs/current/sql-copy.html
COPY = "COPY ({}) TO STDOUT (FORMAT text, DELIMITER ',', NULL '', ENCODING 'UTF8')"
ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
ESCAPES = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}

#: A cell and the separator that ends it, which is one where no backslash stands before it.
CELL = re.compile(rb"((?:[^\\,]|\\.)*),", re.DOTALL)

#: From the middle of a moment that is shorter than with a whole fraction.
SHORT = re.compile(rb"%s[^Z]{0,14}Z" % MIDDLE)

#: The missing end of such a text, by its length. A whole one has 17 bytes.
FILLED = {10: b".000000Z"} | {length: b"Z".rjust(18 - length, b"0") for length in range(12, 17)}


def bulk_text(
    connection: Connection, statement: Select[Any], cells: Sequence[Cell], _key: object
) -> BulkText | None:
    """Return the rows of ``statement``.

    :returns: none where the first cell is a text, which no separator stands before.
    """
    if isinstance(cells[0].field, fields.String):
        return None
    driver: Any = connection.connection.driver_connection
    style = driver.info.parameter_status("DateStyle") or ""
    moments = [style.startswith("ISO") and isinstance(it.shown, iso8601) for it in cells]
    columns = (_copied(cell) if it else cell.shown for cell, it in zip(cells, moments, strict=True))
    row = statement.with_only_columns(*columns, maintain_column_froms=True)
    compiled = row.compile(connection, compile_kwargs={"render_postcompile": True})
    # A value that its type changes on the way, as a host's own type may, is not in the parameters.
    kinds = [bind.type.dialect_impl(connection.dialect) for bind in compiled.binds.values()]
    if any(kind.bind_processor(connection.dialect) for kind in kinds):
        return None

    def split(row: bytes) -> list[str]:
        texts = [_unescaped(cell).decode() for cell in CELL.findall(row + SEPARATOR)]
        return [_moment(text) if it else text for text, it in zip(texts, moments, strict=True)]

    # COPY has one separator for all cells: any may be text.
    batches, lines = _batches(driver, compiled), partial(_lines, sum(moments))
    return BulkText(batches, SEPARATOR, SEPARATOR + END, END, lines, split)


def _copied(cell: Cell) -> ColumnElement[str]:
    """Return a moment's own text, its middle marked."""
    text = func.replace(cast(in_utc(cell.expression), String), " ", MIDDLE.decode()) + "Z"
    return case((func.isfinite(cell.expression), text), else_=NOTHING.decode())


def _batches(driver: Any, compiled: Compiled) -> Generator[bytes]:
    # psycopg is there only where it is used.
    from psycopg.pq import TransactionStatus

    # COPY takes no parameters of the server's: psycopg writes them into the text, escaped. Without
    # any it leaves a percent sign doubled, as SQLAlchemy writes it for drivers that format.
    text = COPY.format(compiled) if compiled.params else COPY.format(compiled) % ()
    with driver.cursor().copy(text, compiled.params):
        while driver.pgconn.transaction_status == TransactionStatus.ACTIVE:
            if batch := driver.wait(_received(driver.pgconn)):
                yield batch


def _received(connection: Any) -> Generator[Any, Any, bytes]:
    """Return the next rows of a COPY, as psycopg waits for things, but for many at a time."""
    from psycopg.errors import error_from_result
    from psycopg.generators import fetch_many
    from psycopg.pq import ExecStatus
    from psycopg.waiting import Wait

    rows = bytearray()
    for size, row in map(connection.get_copy_data, repeat(1)):
        if size > 0:
            rows += row
        elif size < 0:
            (result,) = yield from fetch_many(connection)
            if result.status != ExecStatus.COMMAND_OK:
                raise error_from_result(result)
            break
        elif len(rows) >= BATCH_BYTES:
            break  # All that has come is in: libpq reads some 16 KB at a time.
        else:
            while not (yield Wait.R):
                pass
            connection.consume_input()
    return bytes(rows)


def _lines(moments: int, batch: bytes) -> bytes | None:
    """Return a batch as lines.

    :param moments: in each of its rows.
    """
    if any(it in batch for it in (b"\\", b'"', b";")):
        return None
    lines = batch.replace(END, b"\r\n")
    rows = len(lines) - len(batch)
    if lines.count(MIDDLE) != moments * rows:
        return None  # A text has one too.
    return SHORT.sub(_filled, lines).replace(MIDDLE, b"T")


def _filled(short: re.Match[bytes]) -> bytes:
    time = short[0]
    return b"" if time == NOTHING else time[:-1] + FILLED[len(time)]


def _unescaped(cell: bytes) -> bytes:
    return ESCAPED.sub(lambda match: ESCAPES.get(match[1], match[1]), cell)


def _moment(cell: str) -> str:
    """Return what ``iso8601`` does, whatever was stored."""
    day, time, *era = cell.rstrip("Z").split(MIDDLE.decode())
    return day and " ".join([f"{day}T{time[:8]}.{time[9:15]:0<6}Z", *era])
