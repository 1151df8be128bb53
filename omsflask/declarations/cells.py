"""From a field and a SQL expression to a cell: what SQL already shows, what Python still must.

The database makes a moment's text, which is several times faster than to fetch a ``datetime`` and
format it. A number or a text needs nothing. Any other pair goes through the field's ``serialize``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from marshmallow import fields
from sqlalchemy import (
    Column,
    DateTime,
    Enum,
    Integer,
    String,
    TypeDecorator,
    func,
    literal_column,
)
from sqlalchemy.dialects.sqlite import DATETIME as FORMATTED_DATETIME
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import GenericFunction

from .fields import UTCDateTime
from .shown import json_fragment, jsonable, shows
from .sql_types import column_types
from .types import ANY, FieldType, type_of

Expression = ColumnElement[Any]
Converter = Callable[[Any], Any]

#: Types of columns whose values are shown as JSON, a text among them too. They may hold anything.
JSON_TYPES = frozenset(["json", "object", "list"])

#: The types of a column of which only the host knows what its values are.
UNKNOWN = ANY - {"integer"}

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
    convert: Converter | None = None

    @property
    def type(self) -> FieldType:
        """The type of its field."""
        return type_of(self.field)

    @property
    def is_plain(self) -> bool:
        """Whether a file shows SQL's own text of the value, which is a text or an integer."""
        return self.convert is None and isinstance(self.shown.type, Integer | String)

    @property
    def is_json(self) -> bool:
        """Whether SQLite's JSON of the value is what Python would make of it.

        It rounds a float, a truth is a number there, and of an expression it may take a text for
        JSON.
        """
        return self.is_plain and isinstance(self.shown, iso8601 | Column)


def cell(name: str, field: fields.Field[Any], expression: Expression) -> Cell:
    """Return how ``field`` shows ``expression``."""
    if isinstance(field, UTCDateTime) and _is_moment(expression):
        return Cell(name, field, expression, iso8601(expression))
    if _is_shown_as_stored(field, expression):
        return Cell(name, field, expression, expression)
    return Cell(name, field, expression, expression, _converter(field, expression))


def _is_moment(expression: Expression) -> bool:
    sql_type = expression.type
    return isinstance(sql_type, DateTime) and not isinstance(sql_type, FORMATTED_DATETIME)


def _is_shown_as_stored(field: fields.Field[Any], expression: Expression) -> bool:
    row, sql_type = type_of(field), expression.type
    makes_members = isinstance(sql_type, Enum) and sql_type.enum_class is not None
    if getattr(field, "as_string", False) or makes_members or isinstance(sql_type, TypeDecorator):
        return False
    serializes = {cls._serialize for cls in row.fields}
    return type(field)._serialize in serializes and column_types(sql_type) <= row.unchanged


def _converter(field: fields.Field[Any], expression: Expression) -> Converter:
    show, cast, types = shows(field), type_of(field).cast, column_types(expression.type)
    convert: Converter = lambda value: show(None if value is None else cast(value))  # noqa: E731
    if types <= JSON_TYPES:
        return _lenient(lambda value: json_fragment(convert(value)), json_fragment)
    return _lenient(convert, jsonable) if types >= UNKNOWN else convert


def _lenient(
    convert: Callable[[Any], Any], otherwise: Callable[[Any], Any]
) -> Callable[[Any], Any]:
    """Return ``convert``, and ``otherwise`` for values that its field does not take."""

    def converted(value: Any) -> Any:
        try:
            return convert(value)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            return otherwise(value)

    return converted
