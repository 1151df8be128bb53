"""The table of field types: a row holds every fact about one type.

=============  ===========================================================================
to add         write
=============  ===========================================================================
a type         a row of :data:`TYPES`. Nothing more: a test demands every part of it
a host's type  a class of field with a row of its own: ``oms_type = FieldType(…)``
=============  ===========================================================================

:func:`type_of` finds the row of a field. :func:`.sql_types.column_types` names the rows of a
column's values.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from marshmallow import fields

from . import comparison as compared
from . import cursor_values as kept
from . import shown, validation
from .fields import AnyField, PrimaryKey, UTCDateTime


@dataclass(frozen=True, kw_only=True)
class FieldType:
    """A field type.

    :param name: its key in :data:`TYPES`.
    :param fields: the marshmallow classes of such fields. The first is the one to recommend.
    :param python: the type of a column's values, where it tells this type from others.
    :param published: what OPTIONS calls it, which is Django REST framework's word.
    :param json_schema: what OpenAPI says of a shown value.
    :param shows: the types of columns that such a field shows.
    :param unchanged: those of them whose values are shown as SQL has them.
    :param compares: the types of columns that a filter with such a field narrows.
    :param cast: from a column's value to one that the field serializes.
    :param grammar: from the text of a query string to what the field reads.
    :param invalid: what a client is told of another text.
    :param check: from what the field has read to the value, or a ``ValueError``.
    :param load: from a value of a file to what the field reads.
    :param bind: from a value and its column's SQL type to both as they are bound.
    :param keep: from a column's value to what a cursor keeps; none where it has no order.
    :param read: from that, and the column's SQL type, to the value again.
    :param cell: how a spreadsheet writes it, a key of :data:`.xlsx_cells.WRITERS`.
    :param width: of its column in a spreadsheet, in characters.
    """

    name: str
    fields: tuple[type[AnyField], ...]
    python: type[Any] | None
    published: str
    json_schema: Mapping[str, Any]
    shows: frozenset[str]
    unchanged: frozenset[str]
    compares: frozenset[str]
    cast: Callable[[Any], Any]
    grammar: Callable[[str], Any]
    invalid: str
    check: Callable[[Any], Any]
    load: Callable[[Any], Any]
    bind: Callable[[Any, Any], compared.Bound]
    keep: Callable[[Any], Any] | None
    read: Callable[[Any, Any], Any] | None
    cell: str
    width: int


def _names(text: str = "") -> frozenset[str]:
    return frozenset(text.split())


NUMBERS = _names("integer float decimal")

#: Values with one text, the same on every engine.
TEXTS = NUMBERS | _names("string uuid date time address other")

#: All values that JSON can show.
ANY = TEXTS | _names("boolean datetime duration choice list object json")

AS_IS = shown.as_is

# fmt: off
INTEGER = FieldType(
    name="integer", fields=(fields.Integer,), python=int,
    published="integer", json_schema={"type": "integer"},
    shows=_names("integer"), unchanged=_names("integer"), compares=NUMBERS, cast=shown.finite,
    grammar=validation.whole_number, invalid="Enter a whole number.", check=AS_IS,
    load=validation.file_integer,
    bind=compared.bind_integer, keep=AS_IS, read=kept.read_integer,
    cell="number", width=12,
)
STRING = FieldType(
    name="string", fields=(fields.String,), python=str,
    published="string", json_schema={"type": "string"},
    shows=TEXTS, unchanged=_names("string choice"), compares=_names("string"), cast=AS_IS,
    grammar=validation.plain_text, invalid="Enter a valid value.", check=AS_IS,
    load=validation.file_value,
    bind=compared.bind_as_is, keep=AS_IS, read=kept.read_text,
    cell="text", width=18,
)
FLOAT = FieldType(
    name="float", fields=(fields.Float,), python=float,
    published="float", json_schema={"type": "number", "format": "double"},
    shows=NUMBERS, unchanged=_names(), compares=NUMBERS, cast=shown.finite,
    grammar=validation.float_number, invalid="Enter a number.", check=AS_IS,
    load=validation.file_value,
    bind=compared.bind_float, keep=kept.keep_float, read=kept.read_float,
    cell="number", width=12,
)
JSON = FieldType(
    name="json", fields=(fields.Raw, fields.Field), python=None,
    published="field", json_schema={},
    shows=ANY, unchanged=_names(), compares=_names("string"), cast=AS_IS,
    grammar=validation.plain_text, invalid="Enter a valid value.", check=AS_IS,
    load=validation.file_value,
    bind=compared.bind_as_is, keep=None, read=None,
    cell="any", width=32,
)

#: A subclass stands before its parents.
_ROWS = (
    replace(INTEGER, name="pk field", fields=(PrimaryKey,), python=None, published="pk field"),
    INTEGER,
    FLOAT,
    replace(
        FLOAT, name="decimal", fields=(fields.Decimal,), python=Decimal,
        published="decimal", json_schema={"type": "string", "format": "decimal"},
        cast=AS_IS, grammar=validation.decimal_number,
        bind=compared.bind_decimal, keep=kept.keep_decimal, read=kept.read_decimal,
    ),
    FieldType(
        name="boolean", fields=(fields.Boolean,), python=bool,
        published="boolean", json_schema={"type": "boolean"},
        shows=_names("boolean integer"), unchanged=_names("boolean"),
        compares=_names("boolean integer"), cast=shown.truth,
        grammar=validation.truth, invalid="Must be a valid boolean.", check=AS_IS,
        load=validation.file_value,
        bind=compared.bind_boolean, keep=AS_IS, read=kept.read_boolean,
        cell="boolean", width=8,
    ),
    replace(
        STRING, name="email", fields=(fields.Email,), python=None,
        published="email", json_schema={"type": "string", "format": "email"}, width=32,
    ),
    replace(
        STRING, name="url", fields=(fields.Url,), python=None,
        published="url", json_schema={"type": "string", "format": "uri"}, width=32,
    ),
    STRING,
    replace(
        STRING, name="uuid", fields=(fields.UUID,), python=UUID,
        published="field", json_schema={"type": "string", "format": "uuid"},
        shows=_names("uuid string"), unchanged=_names("string"), compares=_names("uuid string"),
        bind=compared.bind_uuid, keep=kept.keep_as_text, read=kept.read_uuid, width=38,
    ),
    FieldType(
        name="datetime",
        fields=(UTCDateTime, fields.DateTime, fields.NaiveDateTime, fields.AwareDateTime),
        python=datetime,
        published="datetime", json_schema={"type": "string", "format": "date-time"},
        shows=_names("datetime"), unchanged=_names(), compares=_names("datetime"), cast=AS_IS,
        grammar=validation.plain_text, invalid="Enter a valid date/time.",
        check=validation.utc_moment, load=validation.file_value,
        bind=compared.bind_moment, keep=kept.keep_as_text, read=kept.read_moment,
        cell="datetime", width=20,
    ),
    FieldType(
        name="date", fields=(fields.Date,), python=date,
        published="date", json_schema={"type": "string", "format": "date"},
        shows=_names("date datetime"), unchanged=_names(), compares=_names("date datetime"),
        cast=shown.utc_date,
        grammar=validation.calendar_date, invalid="Enter a valid date.", check=AS_IS,
        load=validation.file_value,
        bind=compared.bind_date, keep=kept.keep_as_text, read=kept.read_date,
        cell="date", width=12,
    ),
    FieldType(
        name="time", fields=(fields.Time,), python=time,
        published="time", json_schema={"type": "string", "format": "time"},
        shows=_names("time"), unchanged=_names(), compares=_names("time"), cast=AS_IS,
        grammar=validation.plain_text, invalid="Enter a valid time.",
        check=validation.naive_time, load=validation.file_value,
        bind=compared.bind_as_is, keep=kept.keep_as_text, read=kept.read_time,
        cell="text", width=18,
    ),
    FieldType(
        name="duration", fields=(fields.TimeDelta,), python=timedelta,
        published="field", json_schema={"type": "number"},
        shows=_names("duration"), unchanged=_names(), compares=_names("duration"), cast=AS_IS,
        grammar=validation.float_number, invalid="Enter a number.",
        check=validation.storable_duration, load=validation.file_value,
        bind=compared.bind_as_is, keep=kept.keep_duration, read=kept.read_duration,
        cell="number", width=12,
    ),
    replace(
        JSON, name="choice", fields=(fields.Enum,), python=enum.Enum, published="choice",
        shows=_names("choice string integer"), unchanged=_names("string integer choice"),
        compares=_names("choice"), keep=kept.keep_choice, read=kept.read_choice, width=18,
    ),
    replace(
        STRING, name="address", fields=(fields.IP, fields.IPInterface), python=None,
        published="field",
        shows=_names("address"), unchanged=_names(), compares=_names("address string"),
        cast=shown.ip_address, bind=compared.bind_text, keep=None, read=None,
    ),
    replace(
        JSON, name="list", fields=(fields.List, fields.Tuple), python=list,
        published="list", json_schema={"type": "array"},
        shows=_names("list json"), compares=_names(),
        grammar=validation.separated, invalid="Enter a list of values.",
        load=validation.json_text,
    ),
    replace(
        JSON, name="object",
        fields=(fields.Dict, fields.Mapping, fields.Nested, fields.Pluck), python=dict,
        published="nested object", json_schema={"type": "object"},
        shows=_names("json object"), compares=_names(), load=validation.json_text,
    ),
    # They read an object, and a list reads columns.
    replace(
        JSON, name="method", fields=(fields.Method, fields.Function),
        shows=_names(), compares=_names(),
    ),
    JSON,
)
# fmt: on

#: By their names; a field has the first type that lists its class.
TYPES: dict[str, FieldType] = {row.name: row for row in _ROWS}


def type_of(field: AnyField) -> FieldType:
    """Return the row of a field: its class's own, or the one of the table."""
    own: FieldType | None = getattr(field, "oms_type", None)
    return own or next(row for row in TYPES.values() if isinstance(field, row.fields))


def type_name(field: AnyField) -> str:
    """Return what the OPTIONS document calls the type of ``field``."""
    return "choice" if shown.choices(field) else type_of(field).published
