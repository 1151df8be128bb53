"""The table of field types. A row holds every fact about one type.

:func:`type_of` finds the row of a field. :func:`.sql_types.column_types` names the rows of a
column's values.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from marshmallow import fields

from .fields import AnyField, PrimaryKey, UTCDateTime
from .shown import as_is, choices, finite, ip_address, truth, utc_date


@dataclass(frozen=True, kw_only=True)
class FieldType:
    """What a field type is.

    :param name: its key in :data:`TYPES`.
    :param fields: the marshmallow classes of such fields. The first is the one to recommend.
    :param published: what OPTIONS calls it, which is Django REST framework's word.
    :param python: the type of a column's values, where it tells this type from others.
    :param shows: the types of columns that such a field shows.
    :param unchanged: those of them whose values are shown as SQL has them.
    :param compares: the types of columns that a filter with such a field narrows.
    :param cast: from a column's value to one that the field serializes.
    :param cell: how a spreadsheet writes it, a key of :data:`.xlsx_cells.WRITERS`.
    :param width: of its column in a spreadsheet, in characters.
    """

    name: str
    fields: tuple[type[AnyField], ...]
    published: str
    python: type[Any] | None
    shows: frozenset[str]
    unchanged: frozenset[str]
    compares: frozenset[str]
    cast: Callable[[Any], Any]
    cell: str
    width: int


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


NUMBERS = _names("integer float decimal")

#: Values with one text, the same on every engine.
TEXTS = NUMBERS | _names("string uuid date time address other")

#: All values that JSON can show.
ANY = TEXTS | _names("boolean datetime duration choice list object json")

INTEGER = FieldType(
    name="integer",
    fields=(fields.Integer,),
    published="integer",
    python=int,
    shows=_names("integer"),
    unchanged=_names("integer"),
    compares=NUMBERS,
    cast=finite,
    cell="number",
    width=12,
)
STRING = FieldType(
    name="string",
    fields=(fields.String,),
    published="string",
    python=str,
    shows=TEXTS,
    unchanged=_names("string choice"),
    compares=_names("string"),
    cast=as_is,
    cell="text",
    width=18,
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
        unchanged=_names(""),
        compares=NUMBERS,
        cast=finite,
        cell="number",
        width=12,
    ),
    FieldType(
        name="decimal",
        fields=(fields.Decimal,),
        published="decimal",
        python=Decimal,
        shows=NUMBERS,
        unchanged=_names(""),
        compares=NUMBERS,
        cast=as_is,
        cell="number",
        width=12,
    ),
    FieldType(
        name="boolean",
        fields=(fields.Boolean,),
        published="boolean",
        python=bool,
        shows=_names("boolean integer"),
        unchanged=_names("boolean"),
        compares=_names("boolean integer"),
        cast=truth,
        cell="boolean",
        width=8,
    ),
    replace(STRING, name="email", fields=(fields.Email,), published="email", python=None, width=32),
    replace(STRING, name="url", fields=(fields.Url,), published="url", python=None, width=32),
    STRING,
    FieldType(
        name="uuid",
        fields=(fields.UUID,),
        published="field",
        python=UUID,
        shows=_names("uuid string"),
        unchanged=_names("string"),
        compares=_names("uuid string"),
        cast=as_is,
        cell="text",
        width=38,
    ),
    FieldType(
        name="datetime",
        fields=(UTCDateTime, fields.DateTime, fields.NaiveDateTime, fields.AwareDateTime),
        published="datetime",
        python=datetime,
        shows=_names("datetime"),
        unchanged=_names(""),
        compares=_names("datetime"),
        cast=as_is,
        cell="datetime",
        width=20,
    ),
    FieldType(
        name="date",
        fields=(fields.Date,),
        published="date",
        python=date,
        shows=_names("date datetime"),
        unchanged=_names(""),
        compares=_names("date datetime"),
        cast=utc_date,
        cell="date",
        width=12,
    ),
    FieldType(
        name="time",
        fields=(fields.Time,),
        published="time",
        python=time,
        shows=_names("time"),
        unchanged=_names(""),
        compares=_names("time"),
        cast=as_is,
        cell="text",
        width=18,
    ),
    FieldType(
        name="duration",
        fields=(fields.TimeDelta,),
        published="field",
        python=timedelta,
        shows=_names("duration"),
        unchanged=_names(""),
        compares=_names("duration"),
        cast=as_is,
        cell="number",
        width=12,
    ),
    FieldType(
        name="choice",
        fields=(fields.Enum,),
        published="choice",
        python=enum.Enum,
        shows=_names("choice string integer"),
        unchanged=_names("string integer choice"),
        compares=_names("choice"),
        cast=as_is,
        cell="any",
        width=18,
    ),
    FieldType(
        name="address",
        fields=(fields.IP, fields.IPInterface),
        published="field",
        python=None,
        shows=_names("address"),
        unchanged=_names(""),
        compares=_names("address string"),
        cast=ip_address,
        cell="text",
        width=18,
    ),
    FieldType(
        name="list",
        fields=(fields.List, fields.Tuple),
        published="list",
        python=list,
        shows=_names("list json"),
        unchanged=_names(""),
        compares=_names(""),
        cast=as_is,
        cell="any",
        width=32,
    ),
    FieldType(
        name="object",
        fields=(fields.Dict, fields.Mapping, fields.Nested, fields.Pluck),
        published="nested object",
        python=dict,
        shows=_names("json object"),
        unchanged=_names(""),
        compares=_names(""),
        cast=as_is,
        cell="any",
        width=32,
    ),
    FieldType(
        name="method",
        fields=(fields.Method, fields.Function),
        published="field",
        python=None,
        shows=_names(""),
        unchanged=_names(""),
        compares=_names(""),
        cast=as_is,
        cell="any",
        width=18,
    ),
    FieldType(
        name="json",
        fields=(fields.Raw, fields.Field),
        published="field",
        python=None,
        shows=ANY,
        unchanged=_names(""),
        compares=_names("string"),
        cast=as_is,
        cell="any",
        width=32,
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
