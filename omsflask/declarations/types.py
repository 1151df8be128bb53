"""The table of field types. A row holds every fact about one type.

:func:`type_of` finds the row of a field. :func:`.sql_types.column_types` names the rows of a
column's values.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from marshmallow import fields

from .fields import PrimaryKey, UTCDateTime, choices

AnyField = fields.Field[Any]


@dataclass(frozen=True, kw_only=True)
class FieldType:
    """What a field type is.

    :param name: its key in :data:`TYPES`.
    :param fields: the marshmallow classes of such fields. The first is the one to recommend.
    :param published: what OPTIONS calls it, which is Django REST framework's word.
    :param python: the type of a column's values, where it tells this type from others.
    :param shows: the types of columns that such a field shows.
    :param compares: the types of columns that a filter with such a field narrows.
    """

    name: str
    fields: tuple[type[AnyField], ...]
    published: str
    python: type[Any] | None
    shows: frozenset[str]
    compares: frozenset[str]


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


NUMBERS = _names("integer float decimal")

#: Values with one text, the same on every engine.
TEXTS = NUMBERS | _names("string uuid date time other")

#: All values that JSON can show.
ANY = TEXTS | _names("boolean datetime duration choice list object json")

INTEGER = FieldType(
    name="integer",
    fields=(fields.Integer,),
    published="integer",
    python=int,
    shows=_names("integer"),
    compares=NUMBERS,
)
STRING = FieldType(
    name="string",
    fields=(fields.String,),
    published="string",
    python=str,
    shows=TEXTS,
    compares=_names("string"),
)

#: A subclass stands before its parents.
_ROWS = (
    replace(
        INTEGER,
        name="pk field",
        fields=(PrimaryKey,),
        published="pk field",
        python=None,
    ),
    INTEGER,
    FieldType(
        name="float",
        fields=(fields.Float,),
        published="float",
        python=float,
        shows=NUMBERS,
        compares=NUMBERS,
    ),
    FieldType(
        name="decimal",
        fields=(fields.Decimal,),
        published="decimal",
        python=Decimal,
        shows=NUMBERS,
        compares=NUMBERS,
    ),
    FieldType(
        name="boolean",
        fields=(fields.Boolean,),
        published="boolean",
        python=bool,
        shows=_names("boolean integer"),
        compares=_names("boolean integer"),
    ),
    replace(STRING, name="email", fields=(fields.Email,), published="email", python=None),
    replace(STRING, name="url", fields=(fields.Url,), published="url", python=None),
    STRING,
    FieldType(
        name="uuid",
        fields=(fields.UUID,),
        published="field",
        python=UUID,
        shows=_names("uuid string"),
        compares=_names("uuid string"),
    ),
    FieldType(
        name="datetime",
        fields=(UTCDateTime, fields.DateTime, fields.NaiveDateTime, fields.AwareDateTime),
        published="datetime",
        python=datetime,
        shows=_names("datetime"),
        compares=_names("datetime"),
    ),
    FieldType(
        name="date",
        fields=(fields.Date,),
        published="date",
        python=date,
        shows=_names("date datetime"),
        compares=_names("date datetime"),
    ),
    FieldType(
        name="time",
        fields=(fields.Time,),
        published="time",
        python=time,
        shows=_names("time"),
        compares=_names("time"),
    ),
    FieldType(
        name="duration",
        fields=(fields.TimeDelta,),
        published="field",
        python=timedelta,
        shows=_names("duration"),
        compares=_names("duration"),
    ),
    FieldType(
        name="choice",
        fields=(fields.Enum,),
        published="choice",
        python=enum.Enum,
        shows=_names("choice string integer"),
        compares=_names("choice"),
    ),
    FieldType(
        name="list",
        fields=(fields.List, fields.Tuple),
        published="list",
        python=list,
        shows=_names("list json"),
        compares=_names(""),
    ),
    FieldType(
        name="object",
        fields=(fields.Dict, fields.Mapping, fields.Nested, fields.Pluck),
        published="nested object",
        python=dict,
        shows=_names("json object"),
        compares=_names(""),
    ),
    FieldType(
        name="method",
        fields=(fields.Method, fields.Function),
        published="field",
        python=None,
        shows=_names(""),
        compares=_names(""),
    ),
    FieldType(
        name="json",
        fields=(fields.Raw, fields.Field),
        published="field",
        python=None,
        shows=ANY,
        compares=_names("string"),
    ),
)

#: By their names; a field has the first type that lists its class.
TYPES: dict[str, FieldType] = {row.name: row for row in _ROWS}


def type_of(field: AnyField) -> FieldType:
    """Return the row of a field's class."""
    return next(row for row in TYPES.values() if isinstance(field, row.fields))


def type_name(field: AnyField) -> str:
    """Return what the OPTIONS document calls the type of ``field``."""
    return "choice" if choices(field) else type_of(field).published
