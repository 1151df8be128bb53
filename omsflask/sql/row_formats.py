"""How a page's rows come from the database: as values, or as the JSON that SQLite itself writes.

sqlite3 lets other threads run at each row that it fetches, and then waits until they let it go on.
Under load a page of a thousand rows waits a thousand times, so that its rows had better come in one
text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Any, Protocol

import orjson
from sqlalchemy import Dialect, LargeBinary, Result, Select, cast, func, literal_column, select
from sqlalchemy.sql.elements import ColumnElement

from ..declarations.services import BoundService
from .dialects import JSON_SINCE
from .knowledge import state
from .sessions import decoded
from .source import Source

#: A row's values, or its JSON object as UTF-8.
Row = Any


class RowFormat(Protocol):
    """The form in which the database gives rows."""

    def select(self, listing: BoundService, rows: Select[Any]) -> Select[Any]:
        """Return the statement of ``rows`` in this form, and of the state that they are read in."""

    def read(self, result: Result[Any]) -> tuple[Sequence[Row], str | None]:
        """Return the rows, and the database's state; none where there are no rows."""

    def values(self, listing: BoundService, row: Row) -> Mapping[str, Any]:
        """Return a row's selected values by their published names."""

    def results(self, listing: BoundService, rows: Sequence[Row]) -> Any:
        """Return what orjson writes as the list of the rows' objects."""


class Tuples:
    """Each row as its selected values."""

    def select(self, _listing: BoundService, rows: Select[Any]) -> Select[Any]:
        """Select the state with each row."""
        return rows.add_columns(state())

    def read(self, result: Result[Any]) -> tuple[Sequence[Row], str | None]:
        """Part the rows from the state."""
        read = result.all()
        return [row[:-1] for row in read], read[0][-1] if read else None

    def values(self, listing: BoundService, row: Row) -> Mapping[str, Any]:
        """Name the values."""
        return dict(zip(listing.service.fields, row, strict=True))

    def results(self, listing: BoundService, rows: Sequence[Row]) -> Any:
        """Name each row's values as they are shown."""
        return [*map(dict, map(zip, repeat([*listing.service.fields]), listing.shown(rows)))]


class JsonText:
    """Each row as the text of its JSON object, and all in one text."""

    #: JSON escapes a line's end within a text, so that the separator is nowhere else.
    SEPARATOR = b",\n"

    def select(self, listing: BoundService, rows: Select[Any]) -> Select[Any]:
        """Select one text, in the order of ``rows``, and the state."""
        ordered = rows.subquery()
        pairs = zip(map(_quoted, listing.service.fields), ordered.c, strict=True)
        written = func.json_object(*(part for pair in pairs for part in pair))
        text = func.group_concat(written, _quoted(self.SEPARATOR.decode()))
        # As bytes, which Python need not decode.
        columns: Sequence[Any] = (cast(text, LargeBinary), state())
        return select(*columns).select_from(ordered)

    def read(self, result: Result[Any]) -> tuple[Sequence[Row], str | None]:
        """Part the rows from each other."""
        row: Sequence[Any] = result.one()
        text, read = row
        return ([], read) if text is None else (_valid(text).split(self.SEPARATOR), read)

    def values(self, _listing: BoundService, row: Row) -> Mapping[str, Any]:
        """Read the object."""
        values: Mapping[str, Any] = orjson.loads(row)
        return values

    def results(self, _listing: BoundService, rows: Sequence[Row]) -> Any:
        """Take the objects as they are."""
        return orjson.Fragment(b"[%s]" % b",".join(rows))


def _valid(text: bytes) -> bytes:
    """Return a text in UTF-8: SQLite keeps any bytes as text."""
    try:
        text.decode()
    except UnicodeDecodeError:
        return decoded(text).encode()
    return text


TUPLES, JSON_TEXT = Tuples(), JsonText()

#: SQLite's functions take 100 arguments at least, and an object needs two for each cell.
MAX_CELLS = 50


def json_format(source: Source, dialect: Dialect) -> RowFormat:
    """Return the form in which rows become JSON soonest."""
    if not writes_json(dialect) or len(source.cells) > MAX_CELLS:
        return TUPLES
    return JSON_TEXT if source.is_json else TUPLES


def writes_json(dialect: Dialect) -> bool:
    """Whether the engine is an SQLite with JSON's functions, and the driver is Python's."""
    if (dialect.name, dialect.driver) != ("sqlite", "pysqlite"):
        return False
    driver: Any = dialect.loaded_dbapi
    return bool(driver.sqlite_version_info >= JSON_SINCE)


def _quoted(text: str) -> ColumnElement[str]:
    """Return a text in SQL; as a parameter it would be bound anew each time."""
    return literal_column("'" + text.replace("'", "''") + "'")
