"""A value to compare with a column, and the SQL type to send it as.

A driver casts a parameter to the column's own type, and fails where the value does not fit in.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    REAL,
    BigInteger,
    Date,
    DateTime,
    Dialect,
    Double,
    Float,
    Integer,
    Numeric,
    String,
    TypeDecorator,
    Uuid,
)
from sqlalchemy.types import TypeEngine

SQLType = TypeEngine[Any]
Bound = tuple[Any, SQLType]


def bind_as_is(value: Any, sql_type: SQLType) -> Bound:
    """Send it as the column's own type."""
    return value, sql_type


def bind_integer(value: int, sql_type: SQLType) -> Bound:
    """Send 64 bits to a column of fewer."""
    if not -(2**63) <= value < 2**63:
        raise OverflowError(value)
    return (str(value), sql_type) if isinstance(sql_type, String) else (value, BigInteger())


def bind_decimal(value: Decimal, sql_type: SQLType) -> Bound:
    """Send digits, but to a column of floats."""
    is_float = isinstance(sql_type, Float)
    return bind_float(float(value), sql_type) if is_float else (value, Numeric())


def bind_float(value: float, sql_type: SQLType) -> Bound:
    """Send the digits that a client wrote; to a column of floats a float."""
    if not isinstance(sql_type, Float):
        return Decimal(repr(value)), Numeric()
    is_single = isinstance(sql_type, REAL) or (sql_type.precision or 53) <= 24
    return value, Single() if is_single else sql_type


class Single(TypeDecorator[float]):
    """A value to compare with a column of 32 bits: PostgreSQL keeps the nearest one that fits."""

    impl = Double
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> float | None:
        if value is None or dialect.name != "postgresql":
            return value
        try:
            (nearest,) = struct.unpack("f", struct.pack("f", value))
        except OverflowError:
            return value
        return nearest if nearest or not value else value


def bind_boolean(value: bool, sql_type: SQLType) -> Bound:
    """Send a number to a column of numbers."""
    return (int(value) if isinstance(sql_type, Integer | Numeric) else value), sql_type


def bind_moment(value: datetime, sql_type: SQLType) -> Bound:
    """Send a moment in UTC, naive where the column is."""
    zoned = getattr(sql_type, "timezone", True)
    utc = value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    return utc if zoned else utc.replace(tzinfo=None), DateTime(timezone=zoned)


def bind_date(value: Any, sql_type: SQLType) -> Bound:
    """Send a date's midnight to a column of moments."""
    if isinstance(sql_type, DateTime):
        return bind_moment(datetime.combine(value, time()), sql_type)
    return value, Date()


def bind_uuid(value: Any, sql_type: SQLType) -> Bound:
    """Send a text to a column of texts."""
    is_text = isinstance(sql_type, String) or (isinstance(sql_type, Uuid) and not sql_type.as_uuid)
    return str(value) if is_text else value, sql_type


def bind_text(value: Any, sql_type: SQLType) -> Bound:
    """Send the text of a value."""
    return str(value), sql_type
