"""Rows as the engine itself writes them: one text a row, without a Python object for each value.

A CSV of a million customers is made of little else than fetching, so the text of a row is made
where the row is: by PostgreSQL's COPY, by SQLite's ``printf``. What comes is not CSV yet; nothing
is quoted. See :mod:`omsflask.renderers.csv`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from itertools import chain, repeat, takewhile
from typing import Any

from marshmallow import fields
from sqlalchemy import Connection, Select, func, literal_column
from sqlalchemy.sql.elements import ColumnElement

from .columns import Cell, iso8601

BATCH_ROWS = 400


@dataclass(frozen=True)
class Dump:
    """A selection's rows, as text, null being nothing.

    :param batches: some rows at a time.
    :param block: joins a batch: rows ended by CRLF, :data:`TEXT` before a cell of text and
        :data:`OTHER` before any other, but for the first; none where it is to be done by cells.
    :param cells: splits a row of a batch into the cells' texts.
    """

    batches: Generator[Sequence[Any]]
    block: Callable[[Sequence[Any]], bytes | None]
    cells: Callable[[Any], list[str]]


#: Bytes that UTF-8 never uses.
TEXT, OTHER = b"\xff", b"\xfe"


def dump(connection: Connection, statement: Select[Any], cells: Sequence[Cell]) -> Dump | None:
    """Return the rows of ``statement`` as the engine writes them.

    :returns: none where the engine cannot, where a cell must be converted in Python, or where the
        first is text, before which there is no mark.
    """
    writer = WRITERS.get(connection.dialect.name)
    if writer is None or isinstance(cells[0].field, fields.String):
        return None
    if not all(map(_is_text_in_sql, cells)):
        return None
    return writer(connection, statement, cells)


def _is_text_in_sql(cell: Cell) -> bool:
    return cell.convert is None and not isinstance(cell.field, fields.Boolean)


def _mark(cell: Cell) -> bytes:
    return TEXT if isinstance(cell.field, fields.String) else OTHER


# SQLite
#
# A moment is stored with a blank where a T is shown. To replace it in SQL costs more than all the
# rest, so the cells before the first text, in which no other blank can be, come apart from the
# others, and their blanks are replaced in a whole batch at once.

#: A moment as stored, padded where it is shorter, so that a blank more shows it.
MOMENT = b"%-26.26sZ"


def _sqlite(connection: Connection, statement: Select[Any], cells: Sequence[Cell]) -> Dump:
    driver: Any = connection.connection.driver_connection
    head = list(takewhile(lambda cell: not isinstance(cell.field, fields.String), cells))
    columns = _printf(head, stored=True), _printf(cells[len(head) :], stored=False)
    moments = [isinstance(cell.shown, iso8601) for cell in head]
    row = statement.with_only_columns(*columns, maintain_column_froms=True)

    def batches() -> Generator[Sequence[Any]]:
        text_factory = driver.text_factory
        driver.text_factory = bytes
        try:
            cursor: Any = connection.execute(row).cursor
            while rows := cursor.fetchmany(BATCH_ROWS):
                yield rows
        finally:
            driver.text_factory = text_factory

    def block(rows: Sequence[Any]) -> bytes | None:
        heads, tails = zip(*rows, strict=True)
        stored, texts = b"\n".join(heads), b"".join(tails)
        if stored.count(b" ") != sum(moments) * len(rows) or b"T" in stored:
            return None
        if b"\n" in texts or b"\r" in texts:
            return None
        shown = stored.replace(b" ", b"T").split(b"\n")
        return b"".join(chain.from_iterable(zip(shown, tails, repeat(b"\r\n"))))

    def split(row: Any) -> list[str]:
        first = [cell.decode() for cell in row[0].split(OTHER)]
        shown = map(_shown, first, moments)
        rest = [cell.decode() for cell in row[1].replace(OTHER, TEXT).split(TEXT)]
        return [*shown, *rest[1:]]

    return Dump(batches(), block, split)


def _printf(cells: Sequence[Cell], *, stored: bool) -> ColumnElement[str]:
    """Return the text of some cells, a mark before each but for a row's first."""
    formats: list[bytes] = []
    values: list[Any] = []
    for cell in cells:
        raw = stored and isinstance(cell.shown, iso8601)
        formats.append(_mark(cell) + (MOMENT if raw else b"%s"))
        values.append(cell.expression if raw else cell.shown)
    pattern = b"".join(formats)[len(OTHER) if stored else 0 :].hex()
    return func.printf(literal_column(f"CAST(x'{pattern}' AS TEXT)"), *values)


def _shown(cell: str, is_moment: bool) -> str:
    """Return what a cell shows: of a moment what :class:`iso8601` does, whatever was stored."""
    if not is_moment:
        return cell
    stored = cell[:-1].rstrip()
    return stored and f"{stored[:10]}T{stored[11:19]}.{stored[20:26]:0<6}Z"


# PostgreSQL

SEPARATOR = b"\x1f"

#: COPY's text format, which escapes what it must: https://www.postgresql.org/docs/current/sql-copy.html
COPY = r"COPY ({}) TO STDOUT (FORMAT text, DELIMITER E'\x1f', NULL '')"
ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
ESCAPES = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


def _postgresql(
    connection: Connection, statement: Select[Any], cells: Sequence[Cell]
) -> Dump | None:
    driver: Any = connection.connection.driver_connection
    compiled = statement.compile(connection, compile_kwargs={"render_postcompile": True})
    # A value that its type changes on the way, as a host's own type may, is not in the parameters.
    kinds = [
        parameter.type.dialect_impl(connection.dialect) for parameter in compiled.binds.values()
    ]
    if any(kind.bind_processor(connection.dialect) for kind in kinds):
        return None

    def batches() -> Generator[Sequence[bytes]]:
        # COPY takes no parameters of the server's: psycopg writes them into the text, escaped.
        with driver.cursor().copy(COPY.format(compiled), compiled.params):
            while len(batch := driver.wait(_copied(driver.pgconn))) == BATCH_ROWS:
                yield batch
            if batch:
                yield batch

    # COPY has one separator for all cells: any may be text.
    def block(rows: Sequence[bytes]) -> bytes | None:
        lines = b"".join(rows)
        if b"\\" in lines or b"\r" in lines:
            return None
        return lines.replace(SEPARATOR, TEXT).replace(b"\n", b"\r\n")

    def split(row: bytes) -> list[str]:
        return [_unescape(cell).decode() for cell in _CELL.findall(bytes(row)[:-1] + SEPARATOR)]

    return Dump(batches(), block, split)


def _copied(connection: Any) -> Generator[Any, Any, list[memoryview]]:
    """Return the next rows of a COPY, as psycopg waits for things, but for a batch at a time."""
    from psycopg.generators import copy_from  # psycopg is there only where it is used.

    rows: list[memoryview] = []
    while len(rows) < BATCH_ROWS:
        row = yield from copy_from(connection)
        if not isinstance(row, memoryview):
            break  # It is the result, which says that this was all.
        rows.append(row)
    return rows


#: A cell and the separator that ends it, which is one where no backslash stands before it.
_CELL = re.compile(rb"((?:[^\\\x1f]|\\.)*)\x1f", re.DOTALL)


def _unescape(cell: bytes) -> bytes:
    return ESCAPED.sub(lambda match: ESCAPES.get(match[1], match[1]), cell)


WRITERS = {"sqlite": _sqlite, "postgresql": _postgresql}
