"""The fields that marshmallow lacks."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from marshmallow import fields, validate

AnyField = fields.Field[Any]

INT32 = validate.Range(min=-(2**31), max=2**31 - 1)

#: ISO 8601 as BI tools write it. Digits past the sixth must be zeros (.NET writes seven). An
#: unescaped ``+`` before the offset, which arrives as a space, is accepted.
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


def title(name: str) -> str:
    """Return ``modified_date`` as ``Modified Date``."""
    return " ".join(word.capitalize() for word in name.split("_") if word)
