"""Values in their usual form, which are what the schema loads without being asked.

Marshmallow takes 25 µs for a row; nearly all rows hold numbers, moments, addresses and one-line
texts that need a tenth of that. A value of any other form leaves its row to the schema.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from marshmallow import Schema, ValidationError, fields, missing, validate

from ...declarations.fields import PrimaryKey, UTCDateTime
from .invisible import IGNORABLE

#: In place of a value that is left to the schema.
UNUSUAL: Any = object()

Take = Callable[[Any], Any]

#: An address that marshmallow takes, and most people have.
ADDRESS = re.compile(
    r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@(?:[a-z0-9]{1,30}(?:-[a-z0-9]{1,30})?\.)+[a-z]{2,}",
    re.ASCII | re.IGNORECASE,
)

#: A moment as the service shows it.
MOMENT = re.compile(r"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]\.[0-9]{6}Z")


class Usual:
    """Loads rows of which every value has its usual form.

    :param schema: of the fields that are loaded.
    """

    def __init__(self, schema: Schema) -> None:
        named = schema.fields.items()
        acts = any(schema._hooks.values()) or any(it.load_default is not missing for _, it in named)
        takes = {name: (field.attribute or name, _take(field)) for name, field in named}
        self._takes = {} if acts else takes
        self._required = {name for name, field in named if field.required}

    def load(self, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return what the schema would load of ``values``; nothing where that is not known."""
        if not self._required <= values.keys():
            return None
        loaded = {}
        for name, value in values.items():
            if name not in self._takes:
                return None
            attribute, take = self._takes[name]
            taken = take(value)
            if taken is UNUSUAL:
                return None
            loaded[attribute] = taken
        return loaded


def _take(field: fields.Field[Any]) -> Take:
    known = TAKES.get(type(field))
    return known(field) if known and not field.post_load else lambda _: UNUSUAL


def _integer(field: fields.Field[Any]) -> Take:
    if not all(type(it) is validate.Range for it in field.validators):
        return lambda _: UNUSUAL
    # The number of digits that are in range whatever they are.
    digits = next((it for it in range(18, 0, -1) if _passes(field, 0, 10**it - 1)), 0)
    nothing = None if field.allow_none else UNUSUAL
    above = 10**digits

    def take(value: Any) -> Any:
        if value is None:
            return nothing
        if type(value) is str:
            usual = len(value) <= digits and value.isdecimal() and value.isascii()
            return int(value) if usual else UNUSUAL
        return value if type(value) is int and 0 <= value < above else UNUSUAL

    return take


def _text(field: fields.Field[Any]) -> Take:
    longest = _longest(field)
    nothing = None if field.allow_none else UNUSUAL

    def take(value: Any) -> Any:
        if value is None:
            return nothing
        usual = type(value) is str and len(value) <= longest and value.isprintable()
        return value if usual and (value.isascii() or not IGNORABLE.search(value)) else UNUSUAL

    return take


def _address(field: fields.Field[Any]) -> Take:
    longest, match = _longest(field), ADDRESS.fullmatch

    def take(value: Any) -> Any:
        usual = type(value) is str and len(value) <= longest and match(value)
        return value if usual else UNUSUAL

    return take


def _moment(field: fields.Field[Any]) -> Take:
    if field.validators:
        return lambda _: UNUSUAL
    nothing, match, read = (
        None if field.allow_none else UNUSUAL,
        MOMENT.fullmatch,
        datetime.fromisoformat,
    )

    def take(value: Any) -> Any:
        if value is None:
            return nothing
        try:
            return read(value) if type(value) is str and match(value) else UNUSUAL
        except ValueError:
            return UNUSUAL

    return take


def _longest(field: fields.Field[Any]) -> int:
    """Return how long a text may be whatever it is; -1 where that is not known."""
    longest = 2**31
    for it in field.validators:
        if type(it) is validate.Length and it.min is None and it.equal is None:
            longest = min(longest, it.max if it.max is not None else longest)
        elif not (type(it) is validate.Email and type(field) is fields.Email):
            return -1
    return longest


def _passes(field: fields.Field[Any], *values: int) -> bool:
    try:
        for value in values:
            field._validate(value)
    except ValidationError:
        return False
    return True


#: By the exact class of a field. A subclass may do anything.
TAKES: dict[type[fields.Field[Any]], Callable[[fields.Field[Any]], Take]] = {
    fields.Email: _address,
    fields.Integer: _integer,
    fields.String: _text,
    PrimaryKey: _integer,
    UTCDateTime: _moment,
}
