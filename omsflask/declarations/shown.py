"""The value that a field shows of a column: the same in JSON, CSV and a spreadsheet.

A list and an object are JSON text in files.
"""

from __future__ import annotations

import enum
import ipaddress
import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Context, Decimal
from math import isfinite
from typing import Any

import orjson
from marshmallow import fields, validate

from .fields import AnyField, format_utc, title

#: Integers that orjson writes.
MIN_INTEGER, MAX_INTEGER = -(2**63), 2**64 - 1

#: The digits that PostgreSQL's NUMERIC may hold; Python rounds to 28 of its own accord.
NUMERIC_DIGITS = 150_000

OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_NON_STR_KEYS


def shows(field: AnyField) -> Callable[[Any], Any]:
    """Return the function from a value to what ``field`` shows of it.

    A decimal is shown as text, as Django REST framework shows it: no reader of JSON rounds that.
    """
    if isinstance(field, fields.Decimal) and type(field)._serialize is fields.Decimal._serialize:
        return _decimal_text(field)
    if isinstance(field, fields.Enum):
        return lambda value: jsonable(_serialized(field, value) if _is_member(value) else value)
    return lambda value: jsonable(_serialized(field, value))


def _serialized(field: AnyField, value: Any) -> Any:
    return field.serialize("", value, accessor=lambda value, *_: value)


def _is_member(value: Any) -> bool:
    """Whether a column has made a member of what it keeps, which may be a number or a text."""
    return isinstance(value, enum.Enum)


def _decimal_text(field: fields.Decimal) -> Callable[[Any], str | None]:
    places = field.places
    context = Context(prec=NUMERIC_DIGITS, rounding=field.rounding)

    def text(value: Any) -> str | None:
        if value is None:
            return None
        number = value if isinstance(value, Decimal) else Decimal(str(value))
        if places is not None and number.is_finite():
            number = number.quantize(places, context=context)
        return format(number, "f")

    return text


def choices(field: AnyField) -> list[tuple[Any, Any, str]]:
    """Return the values that ``field`` is limited to: each, how it is shown, and its label.

    Members of an enumeration are labelled by their names, values of ``OneOf`` by its labels.
    """
    show = shows(field)
    if isinstance(field, fields.Enum):
        return [(member, show(member), title(member.name.lower())) for member in field.enum]
    for validator in field.validators:
        if type(validator) is validate.OneOf:
            labelled = zip(validator.choices, validator.options(), strict=True)
            return [(value, show(value), label or text) for value, (text, label) in labelled]
    return []


def as_is(value: Any) -> Any:
    """Return ``value``."""
    return value


def finite(value: Any) -> Any:
    """Return a number, or none for an infinity and for NaN, which JSON lacks."""
    if isinstance(value, int):
        return value
    is_finite = value.is_finite() if isinstance(value, Decimal) else isfinite(value)
    return value if is_finite else None


def truth(value: Any) -> Any:
    """Return the truth that a column keeps as 0 or 1."""
    return bool(value) if isinstance(value, int) else value


def utc_date(value: Any) -> Any:
    """Return the date of a moment in UTC; another date as it is."""
    if not isinstance(value, datetime) or value.tzinfo is None:
        return value
    try:
        return value.astimezone(UTC)
    except OverflowError:  # The first or the last day of the calendar.
        return value


def ip_address(value: Any) -> Any:
    """Return the address, or the interface, that a driver may give as a text."""
    if not isinstance(value, str):
        return value
    return ipaddress.ip_interface(value) if "/" in value else ipaddress.ip_address(value)


def jsonable(value: Any) -> Any:
    """Return ``value`` as orjson writes it: a scalar, or JSON that is written already."""
    if value is None or type(value) in (str, bool):
        return value
    if isinstance(value, enum.Enum):
        return jsonable(value.value)
    if isinstance(value, float):
        return finite(float(value))
    if isinstance(value, int) and MIN_INTEGER <= value <= MAX_INTEGER:
        return int(value)
    if isinstance(value, int | dict | list | tuple | set | frozenset | orjson.Fragment):
        return json_fragment(value)
    return _plain(value)


def json_fragment(value: Any) -> Any:
    """Return any value of a JSON column as JSON that is written already."""
    if value is None or isinstance(value, orjson.Fragment):
        return value
    try:
        return orjson.Fragment(orjson.dumps(value, default=_plain, option=OPTIONS))
    except TypeError:
        # An integer of more than 64 bits, or half a surrogate pair.
        text = json.dumps(value, default=_plain)
        without_nan = json.loads(text, parse_constant=lambda _: None)
        return orjson.Fragment(json.dumps(without_nan).encode())


def file_text(value: Any) -> Any:
    """Return what a file holds of a shown value: JSON as its text, and truth in JSON's words."""
    if isinstance(value, bool | orjson.Fragment):
        return orjson.dumps(value).decode()
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return format_utc(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, set | frozenset):
        return list(value)
    return str(value)
