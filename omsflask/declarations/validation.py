"""Grammars: what a text must be before a field reads it, and a value before it is compared."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any

import orjson
from marshmallow import ValidationError

#: ``109.0`` is whole too, and what pandas makes of a column of keys with a gap.
WHOLE_NUMBER = re.compile(r"\s*([-+]?\d+)(?:\.0*)?\s*", re.ASCII)
INT64 = (-(2**63), 2**63 - 1)
DECIMAL = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)", re.ASCII)
FLOAT = re.compile(DECIMAL.pattern + r"([eE][-+]?\d{1,2})?", re.ASCII)
DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

#: Characters of a number that is no integer; a price has a dozen.
MAX_NUMBER_LENGTH = 100


def whole_number(text: str) -> int:
    """Return the integer that ``text`` writes in ASCII digits; 64 bits at most."""
    match = WHOLE_NUMBER.fullmatch(text)
    if match is None:
        raise ValidationError("Enter a whole number.")
    low, high = INT64
    # A number of more digits is out of range whatever they are; int() would refuse thousands.
    digits = match[1].lstrip("+-0") or "0"
    number = int(digits) if len(digits) < 20 else high + 2
    number = -number if "-" in match[1] else number
    if number < low:
        raise ValidationError(f"Ensure this value is greater than or equal to {low}.")
    if number > high:
        raise ValidationError(f"Ensure this value is less than or equal to {high}.")
    return number


def plain_text(text: str) -> str:
    """Return ``text`` if a database can hold it."""
    if "\0" in text:
        raise ValidationError("Null characters are not allowed.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValidationError("Enter valid UTF-8 text.") from None
    return text


def written_as(number: re.Pattern[str]) -> Callable[[str], str]:
    """Return the grammar of what is written as ``number`` says."""

    def grammar(text: str) -> str:
        text = text.strip()
        if len(text) > MAX_NUMBER_LENGTH or number.fullmatch(text) is None:
            raise ValidationError("Enter a number.")
        return text

    return grammar


#: A decimal has no exponent: ``1E+999999999`` is a value that no database can hold.
decimal_number = written_as(DECIMAL)
float_number = written_as(FLOAT)


def truth(text: str) -> bool:
    """Return what ``true`` or ``false``, in any case, says."""
    word = text.strip().lower()
    if word not in ("true", "false"):
        raise ValidationError("Must be a valid boolean.")
    return word == "true"


def calendar_date(text: str) -> str:
    """Return ``text`` if it is written as ``2024-01-31``."""
    text = text.strip()
    if DATE.fullmatch(text) is None:
        raise ValidationError("Enter a valid date.")
    return text


def separated(text: str) -> str:
    """Return ``text`` if there is something between its commas."""
    if not all(part.strip() for part in plain_text(text).split(",")):
        raise ValidationError("Enter a value between every two commas.")
    return text


def utc_moment(value: datetime) -> datetime:
    """Return a moment if UTC has it too: its calendar is of the years 1 to 9999."""
    return value.astimezone(UTC) if value.tzinfo else value


def naive_time(value: time) -> time:
    """Return a time if it is of no zone, as the times of a column are."""
    if value.tzinfo is not None:
        raise ValueError("an offset")
    return value


def storable_duration(value: timedelta) -> timedelta:
    """Return a duration if SQLite can keep it, where it is a moment counted from 1970."""
    datetime(1970, 1, 1) + value
    return value


def json_text(value: Any) -> Any:
    """Return what a file's JSON text says; a value that is no text as it is."""
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(plain_text(value))
    except orjson.JSONDecodeError:
        raise ValidationError("Enter valid JSON.") from None


def file_value(value: Any) -> Any:
    """Return a file's value; a text if a database can hold it."""
    return plain_text(value) if isinstance(value, str) else value


def file_integer(value: Any) -> Any:
    """Return a file's value; a number if it is whole, since an Integer cuts the others off."""
    return value if value is None else whole_number(str(value))
