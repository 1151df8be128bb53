"""SQL for what is shown of a column: the same on both engines, whatever a row holds.

SQLite keeps a value of any type in any column. One that is not of the column's type is shown as its
text. PostgreSQL has moments that Python has not: infinite ones, and years before 1 and after 9999.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sqlalchemy import Date, Dialect, Enum, Integer, String, func, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement, GenericFunction
from sqlalchemy.types import NullType, TypeDecorator

from .sql_types import SQLType, python_type

Expression = ColumnElement[Any]


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
def _moment_on_sqlite(element: iso8601, compiler: SQLCompiler, **options: Any) -> str:
    # SQLAlchemy stores 26 characters. Other programs may store no fraction (CURRENT_TIMESTAMP) or a
    # shorter one (strftime's %f). Any other text is shown as it is.
    text = compiler.process(element.clauses, **options)
    return f"""CASE WHEN {text} GLOB '????-??-?? ??:??:??.??????'
        THEN replace({text}, ' ', 'T') || 'Z'
        WHEN {text} GLOB '????-??-??[ T]??:??:??'
        THEN replace({text}, ' ', 'T') || '.000000Z'
        WHEN {text} GLOB '????-??-??[ T]??:??:??.?*' AND substr({text}, 21) NOT GLOB '*[^0-9]*'
        THEN replace(substr({text}, 1, 20), ' ', 'T') ||
            substr(substr({text}, 21) || '000000', 1, 6) || 'Z'
        ELSE CAST({text} AS TEXT) END"""


@compiles(iso8601, "postgresql")
def _moment_on_postgresql(element: iso8601, compiler: SQLCompiler, **options: Any) -> str:
    [moment] = element.clauses
    stored, utc = (compiler.process(it, **options) for it in (moment, in_utc(moment)))
    return _formatted(stored, utc, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')


def _formatted(stored: str, moment: str, form: str) -> str:
    """Return the SQL of a moment in a form. An infinity has none, and so it is NULL."""
    return f"""CASE WHEN {stored} < '0001-01-01 00:00:00+00'
        THEN to_char({moment}, '{form} "BC"') ELSE to_char({moment}, '{form}') END"""


class plain(FunctionElement[Any]):  # noqa: N801
    """SQL for a text or an integer as it is stored."""

    name = "plain"
    inherit_cache = True

    def __init__(self, column: Expression) -> None:
        super().__init__(column)
        self.type = String() if isinstance(column.type, Enum) else column.type


@compiles(plain)
def _plain(element: plain, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(plain, "sqlite")
def _plain_on_sqlite(element: plain, compiler: SQLCompiler, **options: Any) -> str:
    value = compiler.process(element.clauses, **options)
    if isinstance(element.type, Integer):
        return f"CASE typeof({value}) WHEN 'integer' THEN {value} ELSE CAST({value} AS TEXT) END"
    return f"CAST({value} AS TEXT)"


class iso_text(FunctionElement[str]):  # noqa: N801
    """SQL for the text of a date or of a time of day."""

    name = "iso_text"
    inherit_cache = True
    type = String()


@compiles(iso_text)
def _text(element: iso_text, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **options)} AS TEXT)"


@compiles(iso_text, "postgresql")
def _text_on_postgresql(element: iso_text, compiler: SQLCompiler, **options: Any) -> str:
    [value] = element.clauses
    text = compiler.process(value, **options)
    return _formatted(text, text, "YYYY-MM-DD") if isinstance(value.type, Date) else f"{text}::text"


class lenient(FunctionElement[Any]):  # noqa: N801
    """SQL for a value of any other type, read as text where SQLite has one of another type."""

    name = "lenient"
    inherit_cache = True

    def __init__(self, column: Expression) -> None:
        super().__init__(column)
        self.type = Lenient(column.type)


@compiles(lenient)
def _lenient(element: lenient, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


class Misfit(str):
    """The text of a value that is not of its column's type."""

    __slots__ = ()


NUMBERS = (int, float, Decimal)


class Lenient(TypeDecorator[Any]):
    """A column's type, which gives a :class:`Misfit` for what is none of its values."""

    impl = NullType
    cache_ok = True

    def __init__(self, inner: SQLType) -> None:
        super().__init__()
        self.inner = inner

    def load_dialect_impl(self, _dialect: Dialect) -> SQLType:
        """Return the type of the column."""
        return self.inner

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """Return what reads a value."""
        read = self.inner.dialect_impl(dialect).result_processor(dialect, coltype)
        if dialect.name != "sqlite":
            return read
        is_number = issubclass(python_type(self.inner), NUMBERS)

        def process(stored: Any) -> Any:
            if stored is None:
                return None
            try:
                value = read(stored) if read else stored
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
                return _misfit(stored)
            is_misfit = isinstance(value, bytes) or (is_number and not isinstance(value, NUMBERS))
            return _misfit(value) if is_misfit else value

        return process


def _misfit(value: Any) -> Misfit:
    return Misfit(value.decode("utf-8", "replace") if isinstance(value, bytes) else value)
