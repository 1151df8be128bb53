"""Rows as the engine itself writes them, without a Python object for each value.

A CSV of a million customers takes most of its time for fetching. So the engine makes the text of a
row: SQLite by JSON, PostgreSQL by COPY. The text of many rows becomes CSV at once, unless a cell
needs quotes or a guard. See :mod:`omsflask.renderers.csv`.

==================  ============================================================================
:mod:`.text`        what is common to both
:mod:`.sqlite`      and :mod:`.postgresql`: how each writes, and what its texts still want
==================  ============================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select

from ...declarations.cells import Cell
from ...declarations.expressions import Expression
from ..bulk import postgresql, sqlite
from .text import BulkText

__all__ = ["BulkText", "bulk_text"]

#: By a dialect's name and its driver's.
WRITERS = {
    ("sqlite", "pysqlite"): sqlite.bulk_text,
    ("postgresql", "psycopg"): postgresql.bulk_text,
}


def bulk_text(
    connection: Connection, statement: Select[Any], cells: Sequence[Cell], key: Expression | None
) -> BulkText | None:
    """Return the rows of ``statement`` as the engine writes them.

    :param key: the primary key, where they are all the rows of a table in its order.
    :returns: none where the engine cannot, or where a cell must be converted in Python.
    """
    writer = WRITERS.get((connection.dialect.name, connection.dialect.driver))
    if writer is None or not all(cell.is_plain for cell in cells):
        return None
    return writer(connection, statement, cells, key)
