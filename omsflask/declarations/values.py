"""A value as a column compares it, and as a column keeps it."""

from __future__ import annotations

import enum
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    DateTime,
    Dialect,
    Enum,
    Integer,
    Numeric,
    String,
    TypeDecorator,
    Uuid,
)
from sqlalchemy.types import NullType, TypeEngine

from .fields import AnyField
from .shown import shows
from .sql_types import SQLType, changes_parameters


def adapted(kind: SQLType, value: Any, field: AnyField | None = None) -> tuple[Any, SQLType]:
    """Return ``value`` and its SQL type, as it is compared with a column of ``kind``.

    :param field: that read the value.
    """
    if isinstance(kind, TypeDecorator):
        return value, kind  # The host's type knows what it takes.
    if isinstance(value, enum.Enum) and field is not None and not isinstance(kind, Enum):
        value = shows(field)(value)
    for values, kinds, adapt in ADAPTED:
        if isinstance(value, values) and isinstance(kind, kinds):
            adapted: tuple[Any, SQLType] = adapt(value, kind)
            return adapted
    return value, kind


def _moment(value: datetime, kind: SQLType) -> tuple[datetime, SQLType]:
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


def stored(kind: SQLType, value: Any, dialect: Dialect) -> Any:
    """Return what a column of ``kind`` holds for ``value``: a host's own type may change it.

    A type that only changes what comes out is given its own values, as SQLAlchemy's ORM does.
    """
    if isinstance(kind, TypeDecorator) and value is not None and changes_parameters(kind):
        return kind.process_bind_param(value, dialect)
    return value


def stored_kind(kind: SQLType, dialect: Dialect) -> SQLType:
    """Return the SQL type of what :func:`stored` returns."""
    return kind.load_dialect_impl(dialect) if isinstance(kind, TypeDecorator) else kind
