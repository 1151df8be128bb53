"""From a field and a SQL expression to a cell: what SQL already shows, what Python still must.

A moment's text is made by the database, which is several times faster than to fetch a ``datetime``
and format it; a number or a text needs nothing. Any other pairing goes through its field's own
``serialize``.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from marshmallow import fields
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Enum,
    Integer,
    Numeric,
    String,
    TypeDecorator,
    Uuid,
    func,
    literal_column,
)
from sqlalchemy.dialects.sqlite import DATETIME as FORMATTED_DATETIME
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.types import NullType, TypeEngine

from .fields import UTCDateTime, shows
from .types import type_name

Expression = ColumnElement[Any]
Kind = TypeEngine[Any]

#: The values of a row, a cell each.
Row = Sequence[Any]


class iso8601(GenericFunction[str]):  # noqa: N801
    """SQL for a moment's text, as :func:`omsflask.declarations.fields.format_utc` writes it."""

    type = String()
    inherit_cache = True


def in_utc(moment: Expression) -> Expression:
    """Return PostgreSQL's SQL for a moment in UTC, without a zone."""
    if getattr(moment.type, "timezone", False):
        # A zone's name would have each moment's calendar worked out twice, for its text and before.
        return func.timezone(literal_column("INTERVAL '0'"), moment)
    return moment


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
    text = compiler.process(in_utc(*element.clauses), **options)
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

    @property
    def kind(self) -> str:
        """What OPTIONS calls the type of its values: ``decimal``, ``date``, ``boolean``, …"""
        return type_name(self.field)

    @property
    def is_json(self) -> bool:
        """Whether SQLite's JSON of the value is what Python would make of it.

        It rounds a float, a truth is a number there, and of an expression it may take a text for
        JSON.
        """
        return (
            self.convert is None
            and isinstance(self.shown, iso8601 | Column)
            and isinstance(self.shown.type, Integer | String)
        )


def cell(name: str, field: fields.Field[Any], expression: Expression) -> Cell:
    """Return how ``field`` shows ``expression``."""
    if isinstance(field, UTCDateTime) and _is_moment(expression):
        return Cell(name, field, expression, iso8601(expression))
    if _is_shown_as_stored(field, expression):
        return Cell(name, field, expression, expression)
    return Cell(name, field, expression, expression, shows(field))


def adapted(kind: Kind, value: Any, field: fields.Field[Any] | None = None) -> tuple[Any, Kind]:
    """Return ``value`` and its SQL type, as it is compared with a column of ``kind``.

    :param field: that read the value.
    """
    if isinstance(kind, TypeDecorator):
        return value, kind  # The host's type knows what it takes.
    if isinstance(value, enum.Enum) and field is not None and not isinstance(kind, Enum):
        value = shows(field)(value)
    for values, kinds, adapt in ADAPTED:
        if isinstance(value, values) and isinstance(kind, kinds):
            adapted: tuple[Any, Kind] = adapt(value, kind)
            return adapted
    return value, kind


def _moment(value: datetime, kind: Kind) -> tuple[datetime, Kind]:
    zoned = getattr(kind, "timezone", True)
    utc = value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    return utc if zoned else utc.replace(tzinfo=None), DateTime(timezone=zoned)


#: Values and columns that need more than the column's own type, and the value and type to bind.
#: The first that fits counts. A driver would cast an integer to the column's 32 bits, and fail.
ADAPTED: tuple[tuple[type[Any], type[Any], Callable[[Any, Any], tuple[Any, Any]]], ...] = (
    (bool, Integer, lambda value, kind: (int(value), kind)),
    (bool, TypeEngine, lambda value, kind: (value, kind)),
    (int, String, lambda value, kind: (str(value), kind)),
    (int, TypeEngine, lambda value, _: (value, BigInteger())),
    (datetime, TypeEngine, _moment),
    (date, DateTime, lambda value, kind: _moment(datetime.combine(value, time()), kind)),
    (Decimal, Integer, lambda value, _: (value, Numeric())),
    (Decimal, NullType, lambda value, _: (value, Numeric())),
    (UUID, String, lambda value, kind: (str(value), kind)),
    (UUID, Uuid, lambda value, kind: (value if kind.as_uuid else str(value), kind)),
)


def stored(kind: Kind, value: Any, dialect: Dialect) -> Any:
    """Return what a column of ``kind`` holds for ``value``: a host's own type may change it."""
    if isinstance(kind, TypeDecorator) and value is not None:
        return kind.process_bind_param(value, dialect)
    return value


def stored_kind(kind: Kind, dialect: Dialect) -> Kind:
    """Return the SQL type of what :func:`stored` returns."""
    return kind.load_dialect_impl(dialect) if isinstance(kind, TypeDecorator) else kind


def _is_moment(expression: Expression) -> bool:
    kind = expression.type
    return isinstance(kind, DateTime) and not isinstance(kind, FORMATTED_DATETIME)


#: Field classes and the SQL types whose values such a field shows unchanged. A type of SQLAlchemy's
#: that makes members of an enumeration is a string too, and is none of them.
SHOWN_AS_STORED: tuple[tuple[type[fields.Field[Any]], type[Any]], ...] = (
    (fields.Integer, Integer),
    (fields.String, String),
    (fields.Boolean, Boolean),
    (fields.Enum, String),
    (fields.Enum, Integer),
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
