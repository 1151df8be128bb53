"""From a field and a SQL expression to a cell: what SQL already shows, what Python still must.

A moment's text is made by the database, which is several times faster than to fetch a ``datetime``
and format it; a number or a text needs nothing. Any other pairing goes through its field's own
``serialize``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from marshmallow import fields
from sqlalchemy import BigInteger, Boolean, DateTime, Enum, Integer, String, bindparam
from sqlalchemy.dialects.sqlite import DATETIME as FORMATTED_DATETIME
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import GenericFunction

from .fields import UTCDateTime

Expression = ColumnElement[Any]


class iso8601(GenericFunction[str]):  # noqa: N801
    """SQL for a moment's text, as :func:`omsflask.fields.format_utc` writes it."""

    type = String()
    inherit_cache = True


@compiles(iso8601, "sqlite")
def _sqlite(element: iso8601, compiler: SQLCompiler, **options: Any) -> str:
    # SQLAlchemy stores 26 characters. What others store may have no fraction (CURRENT_TIMESTAMP)
    # or a shorter one (strftime's %f).
    text = compiler.process(element.clauses, **options)
    return (
        f"CASE length({text}) WHEN 26 THEN replace({text}, ' ', 'T') || 'Z' ELSE"
        f" substr({text}, 1, 10) || 'T' || substr({text}, 12, 8) || '.' ||"
        f" substr(substr({text}, 21) || '000000', 1, 6) || 'Z' END"
    )


@compiles(iso8601, "postgresql")
def _postgresql(element: iso8601, compiler: SQLCompiler, **options: Any) -> str:
    (moment,) = element.clauses
    text = compiler.process(moment, **options)
    if getattr(moment.type, "timezone", False):
        text = f"timezone('UTC', {text})"
    return f"""to_char({text}, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


@dataclass(frozen=True)
class Cell:
    """One column of a listing.

    :param name: as published.
    :param expression: the SQL value to compare and order by.
    :param shown: the SQL value to select.
    :param convert: from the selected value to the shown one; none where they are the same.
    """

    name: str
    field: fields.Field[Any]
    expression: Expression
    shown: Expression
    convert: Callable[[Any], Any] | None = None


def cell(name: str, field: fields.Field[Any], expression: Expression) -> Cell:
    """Return how ``field`` shows ``expression``."""
    if isinstance(field, UTCDateTime) and _is_moment(expression):
        return Cell(name, field, expression, iso8601(expression))
    if _is_shown_as_stored(field, expression):
        return Cell(name, field, expression, expression)

    def convert(value: Any) -> Any:
        return field.serialize(name, value, accessor=lambda value, *_: value)

    return Cell(name, field, expression, expression, convert)


def bound(expression: Expression, value: Any) -> Any:
    """Return ``value`` as a parameter to compare with ``expression``.

    An integer is bound as 64 bits, since drivers would cast it to the column's 32 and fail; a
    moment without its zone where the column has none.
    """
    if isinstance(value, bool) or not isinstance(value, int | datetime):
        return value
    if isinstance(value, int):
        return bindparam(None, value, type_=BigInteger())
    zoned = getattr(expression.type, "timezone", True)
    return bindparam(
        None,
        value if zoned else value.astimezone(UTC).replace(tzinfo=None),
        type_=DateTime(timezone=zoned),
    )


def _is_moment(expression: Expression) -> bool:
    kind = expression.type
    return isinstance(kind, DateTime) and not isinstance(kind, FORMATTED_DATETIME)


#: Field classes and the SQL types whose values such a field shows unchanged.
SHOWN_AS_STORED: tuple[tuple[type[fields.Field[Any]], type[Any]], ...] = (
    (fields.Integer, Integer),
    (fields.String, String),
    (fields.Boolean, Boolean),
)


def _is_shown_as_stored(field: fields.Field[Any], expression: Expression) -> bool:
    if getattr(field, "as_string", False) or isinstance(expression.type, Enum):
        return False
    return any(
        isinstance(field, shown)
        and type(field)._serialize is shown._serialize
        and isinstance(expression.type, stored)
        for shown, stored in SHOWN_AS_STORED
    )
