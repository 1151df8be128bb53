"""From a field and a SQL expression to a cell: what SQL already shows, what Python still must.

The database makes a moment's text, which is several times faster than to fetch a ``datetime`` and
format it. A number or a text needs nothing. Any other pair goes through the field's ``serialize``.
A value that is not of the column's type is shown as its text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from marshmallow import fields
from sqlalchemy import Boolean, Column, Date, DateTime, Enum, Integer, String, Time, TypeDecorator
from sqlalchemy.dialects import sqlite

from .expressions import Expression, Misfit, iso8601, iso_text, lenient, plain
from .fields import UTCDateTime
from .shown import json_fragment, jsonable, shows
from .sql_types import SQLType, column_types
from .types import ANY, FieldType, type_of

Converter = Callable[[Any], Any]

#: Types of columns whose values are shown as JSON, a text among them too. They may hold anything.
JSON_TYPES = frozenset(["json", "object", "list"])

#: The types of a column of which only the host knows what its values are.
UNKNOWN = ANY - {"integer"}

#: The values of a row, a cell each.
Row = Sequence[Any]


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
        is_column = isinstance(self.shown, iso8601) or isinstance(self.expression, Column)
        return self.is_plain and is_column


def cell(name: str, field: fields.Field[Any], expression: Expression) -> Cell:
    """Return how ``field`` shows ``expression``."""
    text = _text_type(expression.type)
    if isinstance(field, UTCDateTime) and text is DateTime:
        return Cell(name, field, expression, iso8601(expression))
    if _is_shown_as_stored(field, expression):
        is_truth = isinstance(expression.type, Boolean)
        return Cell(name, field, expression, expression if is_truth else plain(expression))
    convert = _converter(field, expression)
    if text is not None:
        sql, read = TEXTS[text]
        return Cell(name, field, expression, sql(expression), _reading(read, expression, convert))
    if isinstance(expression.type, TypeDecorator) or expression.type._has_column_expression:
        return Cell(name, field, expression, expression, convert)
    return Cell(name, field, expression, lenient(expression), _fitting(convert))


def _moment(text: str, sql_type: Any) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if sql_type.timezone else moment.replace(tzinfo=None)


#: SQL types whose values come as text: the SQL for it, and what reads it.
TEXTS: dict[type[SQLType], tuple[Callable[[Expression], Expression], Callable[[str, Any], Any]]] = {
    DateTime: (iso8601, _moment),
    Date: (iso_text, lambda text, _: date.fromisoformat(text)),
    Time: (iso_text, lambda text, _: time.fromisoformat(text)),
}

#: SQL types that may be stored in a form of the host's own.
FORMATTED = (sqlite.DATETIME, sqlite.DATE, sqlite.TIME)


def _text_type(sql_type: SQLType) -> type[SQLType] | None:
    if isinstance(sql_type, FORMATTED):
        return None
    return next((it for it in TEXTS if isinstance(sql_type, it)), None)


def _reading(
    read: Callable[[str, Any], Any], expression: Expression, convert: Converter
) -> Converter:
    """Return what converts the text of a value, and shows a text that is none as it is."""

    def converted(text: str | None) -> Any:
        try:
            value = None if text is None else read(text, expression.type)
        except ValueError:
            return text
        return convert(value)

    return converted


def _fitting(convert: Converter) -> Converter:
    return lambda value: str(value) if isinstance(value, Misfit) else convert(value)


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
