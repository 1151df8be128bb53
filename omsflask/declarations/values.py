"""A value as a column keeps it, and as a statement compares the two."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any, TypeGuard

from sqlalchemy import Dialect, Enum, TypeDecorator, literal
from sqlalchemy.types import NullType

from .comparison import Bound
from .fields import AnyField
from .shown import shows
from .sql_types import SQLType, can_compare, column_type, overrides, value_type
from .types import type_of


def compared(
    sql_type: SQLType, value: Any, dialect: Dialect, field: AnyField | None = None
) -> Bound:
    """Return ``value`` and its SQL type, as it is compared with a column of ``sql_type``.

    :param field: that read the value.
    :raises TypeError: or what else a host's own type raises, when it does not take the value.
    """
    kept, kept_as = stored(sql_type, value, dialect), stored_type(sql_type, dialect)
    if sql_type is not kept_as and not can_compare(kept, kept_as):
        raise TypeError(f"{sql_type!r} makes {type(kept)} of a value")
    return adapted(kept_as, kept, field)


def adapted(sql_type: SQLType, value: Any, field: AnyField | None = None) -> Bound:
    """Return what :func:`compared` does, of a value that a column keeps."""
    if isinstance(sql_type, TypeDecorator):
        return value, sql_type  # It binds what it takes by itself.
    if isinstance(value, enum.Enum) and field is not None and not isinstance(sql_type, Enum):
        value = shows(field)(value)
    if isinstance(sql_type, NullType) and not isinstance(value, datetime):
        sql_type = literal(value).type
    row = getattr(field, "oms_type", None) or value_type(value) or (field and type_of(field))
    bound: Bound = row.bind(value, sql_type) if row else (value, sql_type)
    return bound


def stored(sql_type: SQLType, value: Any, dialect: Dialect) -> Any:
    """Return what a column of ``sql_type`` holds for ``value``: a host's own type may change it.

    A type that only changes what comes out is given its own values, as SQLAlchemy's ORM does.
    """
    if value is None or not _is_unwrapped(sql_type):
        return value
    changes = overrides(sql_type, "process_bind_param")
    return sql_type.process_bind_param(value, dialect) if changes else value


def stored_type(sql_type: SQLType, dialect: Dialect) -> SQLType:
    """Return the SQL type of what :func:`stored` returns."""
    return sql_type.load_dialect_impl(dialect) if _is_unwrapped(sql_type) else sql_type


def _is_unwrapped(sql_type: SQLType) -> TypeGuard[TypeDecorator[Any]]:
    """Whether a host's own type says in Python what the database gets."""
    return isinstance(sql_type, TypeDecorator) and not (
        overrides(sql_type, "bind_processor") or overrides(sql_type, "bind_expression")
    )


def keep(sql_type: SQLType, value: Any) -> Any:
    """Return what a cursor keeps of a column's value.

    SQLite may hold a text in a column of numbers. A cursor keeps that too, and none can be read.
    """
    row = column_type(sql_type)
    if value is None or row is None or row.keep is None:
        return value
    try:
        return row.keep(value)
    except (ArithmeticError, TypeError, ValueError):
        return str(value)


def read(sql_type: SQLType, value: Any) -> Any:
    """Return the value that a cursor keeps.

    :raises ValueError: or what else the row's reader raises, when it keeps none of such a column.
    """
    row = column_type(sql_type)
    if row is None or row.read is None:
        raise ValueError(f"{sql_type!r} has no order")
    return None if value is None else row.read(value, sql_type)


def is_ordered(sql_type: SQLType) -> bool:
    """Whether a cursor can keep the values of ``sql_type``."""
    row = column_type(sql_type.impl_instance if _is_unwrapped(sql_type) else sql_type)
    return row is not None and row.keep is not None
