"""A column's value in a cursor: as JSON keeps it, and back, whoever wrote the JSON."""

from __future__ import annotations

import enum
from collections.abc import Callable
from datetime import date, time, timedelta
from decimal import Decimal
from math import isfinite
from typing import Any
from uuid import UUID

from sqlalchemy import Enum

from .fields import parse_utc
from .validation import DECIMAL

#: Numbers that JSON lacks.
ENDLESS = ("inf", "-inf", "nan")
ENDLESS_DECIMALS = ("Infinity", "-Infinity", "NaN")

MICROSECOND = timedelta(microseconds=1)


def keep_as_text(value: Any) -> str:
    """Return the text of a value."""
    return str(value)


def keep_float(value: float) -> float | str:
    """Return a number, or the text of one that JSON lacks."""
    return value if isfinite(value) else str(value)


def keep_decimal(value: Decimal) -> str:
    """Return the digits of a number."""
    return format(value, "f")


def keep_duration(value: timedelta) -> int:
    """Return a duration in microseconds."""
    return value // MICROSECOND


def keep_choice(value: Any) -> str:
    """Return the name of a member, or a text that is none."""
    return value.name if isinstance(value, enum.Enum) else str(value)


def read_integer(value: Any, _sql_type: object = None) -> int:
    """Return an integer of 64 bits."""
    if type(value) is not int or not -(2**63) <= value < 2**63:
        raise ValueError(value)
    return value


def read_text(value: Any, _sql_type: object = None) -> str:
    """Return a text."""
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(value)
    return value


def read_boolean(value: Any, _sql_type: object) -> bool:
    """Return a truth."""
    if type(value) is not bool:
        raise ValueError(value)
    return value


def read_float(value: Any, _sql_type: object) -> float:
    """Return a number."""
    if type(value) not in (int, float) and value not in ENDLESS:
        raise ValueError(value)
    return float(value)


def read_decimal(value: Any, _sql_type: object) -> Decimal:
    """Return a number. Its text has no exponent: the database would write it out."""
    if DECIMAL.fullmatch(read_text(value)) is None and value not in ENDLESS_DECIMALS:
        raise ValueError(value)
    return Decimal(value)


def read_duration(value: Any, _sql_type: object) -> timedelta:
    """Return a duration."""
    return read_integer(value) * MICROSECOND


def read_choice(value: Any, sql_type: Any) -> Any:
    """Return a member of an enumeration, or one of its texts."""
    if not isinstance(sql_type, Enum):
        return read_text(value)
    if sql_type.enum_class is not None:
        return sql_type.enum_class[read_text(value)]
    if value not in sql_type.enums:
        raise ValueError(value)
    return value


def read_as(read: Callable[[str], Any]) -> Callable[[Any, object], Any]:
    """Return the reader of what ``read`` makes of a text."""
    return lambda value, _sql_type: read(read_text(value))


read_moment = read_as(parse_utc)
read_date = read_as(date.fromisoformat)
read_time = read_as(time.fromisoformat)
read_uuid = read_as(UUID)
