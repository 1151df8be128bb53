"""The fields that marshmallow has not, and what a field says of itself.

:func:`describe` is the only reader of marshmallow's innards: OPTIONS, OpenAPI and the filters take
what it tells.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from marshmallow import fields, validate

INT32 = validate.Range(min=-(2**31), max=2**31 - 1)

#: ISO 8601 as BI tools write it: digits past the sixth only when they are zeros (.NET writes
#: seven), and a blank before the offset, which is a ``+`` that somebody did not escape in a URL.
ISO_8601 = re.compile(
    r"(\d{4}-\d{2}-\d{2})"
    r"(?:[T ](\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,6}0*)?)?)(Z|[-+ ]\d{2}(?::?\d{2})?)?)?",
    re.ASCII | re.IGNORECASE,
)


def parse_utc(text: str) -> datetime:
    """Return the aware UTC moment that an ISO 8601 text names.

    Without an offset it is UTC; a date alone is its midnight.

    :raises ValueError: when it is no such text, or no such moment in the years 1-9999 of UTC.
    """
    match = ISO_8601.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"not an ISO 8601 date: {text!r}")
    date, time, offset = match.groups()
    moment = datetime.fromisoformat(
        f"{date}T{time or '00:00'}{(offset or 'Z').upper().replace(' ', '+')}"
    )
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"outside the years 1-9999: {text!r}") from error


def format_utc(moment: datetime) -> str:
    """Return a moment as ``2024-01-01T00:00:00.000000Z``; a naive one is UTC."""
    utc = moment if moment.tzinfo is None else moment.astimezone(UTC)
    return utc.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


class UTCDateTime(fields.AwareDateTime):
    """A moment in UTC, always with six digits and ``Z``, so that text order is time order."""

    def _serialize(self, value: datetime | None, *args: Any, **kwargs: Any) -> str | None:
        return None if value is None else format_utc(value)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> datetime:
        if not isinstance(value, str):
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        try:
            return parse_utc(value)
        except ValueError as error:
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE) from error


class PrimaryKey(fields.Integer):
    """The key of a related row: ``channel = PrimaryKey(attribute="channel_id")``."""


#: What the published OPTIONS document calls a field; a subclass before its parents.
TYPE_NAMES: dict[type[fields.Field[Any]], str] = {
    PrimaryKey: "pk field",
    fields.Integer: "integer",
    fields.Float: "float",
    fields.Decimal: "decimal",
    fields.Boolean: "boolean",
    fields.Email: "email",
    fields.Url: "url",
    fields.String: "string",
    fields.DateTime: "datetime",
    fields.Date: "date",
    fields.Time: "time",
    fields.Enum: "choice",
}


def type_name(field: fields.Field[Any]) -> str:
    """Return what the OPTIONS document calls the type of ``field``."""
    return next((name for kind, name in TYPE_NAMES.items() if isinstance(field, kind)), "field")


def _limits(field: fields.Field[Any]) -> dict[str, Any]:
    limits: dict[str, Any] = {}
    for validator in field.validators:
        if isinstance(validator, validate.Range):
            limits |= {"min_value": validator.min, "max_value": validator.max}
        elif isinstance(validator, validate.Length):
            limits |= {"min_length": validator.min, "max_length": validator.max}
    return {name: limit for name, limit in limits.items() if limit is not None}


def describe(name: str, field: fields.Field[Any]) -> dict[str, Any]:
    """Return what the OPTIONS document says of a field, in its published order of keys.

    :param name: the published name; the label is made from it unless the field's metadata has one.
    """
    return {
        "type": type_name(field),
        "required": field.required,
        "read_only": field.dump_only,
        "label": field.metadata.get("label") or name.replace("_", " ").capitalize(),
        **_limits(field),
    }
