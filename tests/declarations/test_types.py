"""The table of field types: no type lacks a part, and every class of marshmallow's has a type."""

import enum
from dataclasses import fields as parts_of
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import pytest
from marshmallow import Schema, ValidationError, fields
from sqlalchemy import (
    REAL,
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Double,
    Enum,
    Float,
    Integer,
    Interval,
    Numeric,
    String,
    Time,
    Uuid,
)

from omsflask.declarations.comparison import Single
from omsflask.declarations.parameters import parameter_field
from omsflask.declarations.sql_types import NAMES, SQL_NAMES
from omsflask.declarations.types import ANY, TYPES, FieldType, type_name, type_of
from omsflask.declarations.values import adapted, keep, read
from omsflask.renderers.xlsx import FORMATS
from omsflask.renderers.xlsx_cells import WRITERS


class Size(enum.Enum):
    SMALL = "s"


#: Other types of columns than those that the table has.
OTHERS = {"other", "binary"}


@pytest.mark.parametrize("row", TYPES.values(), ids=TYPES)
def test_no_type_lacks_a_part(row: FieldType) -> None:
    missing = [it.name for it in parts_of(FieldType) if getattr(row, it.name) is None]
    # A type of a column that others share is found by another name; some have no order.
    assert set(missing) <= {"python", "keep", "read"}
    assert (row.keep is None) == (row.read is None)
    assert row.fields
    assert row.shows | row.compares | row.unchanged <= {*TYPES, *OTHERS}
    assert row.unchanged <= row.shows | {"choice"}
    assert row.cell in WRITERS
    assert row.width > 0
    assert row.invalid.endswith(".")


def test_the_names_of_columns_types_are_of_the_table() -> None:
    assert {*NAMES.values(), *SQL_NAMES.values()} <= {*TYPES, *OTHERS}
    assert {*TYPES} | OTHERS >= ANY
    assert {*FORMATS} <= {*WRITERS}


CLASSES = [
    it for it in vars(fields).values() if isinstance(it, type) and issubclass(it, fields.Field)
]


@pytest.mark.parametrize("cls", dict.fromkeys(CLASSES), ids=lambda it: it.__name__)
def test_every_class_of_marshmallow_has_a_type(cls: type[Any]) -> None:
    rows = [row.name for row in TYPES.values() if issubclass(cls, row.fields)]
    # Only those two, and what no subclass of it is shown by, are left to the row of all.
    general = {"Field", "Raw", "Constant", "Number", "_TemporalField"}
    assert (rows[0] == "json") == (cls.__name__ in general)


#: For each type of column that is ordered: its SQL type, a value, and as a cursor keeps it.
KEPT: dict[str, tuple[Any, Any, Any]] = {
    "integer": (Integer(), 2**63 - 1, 2**63 - 1),
    "float": (Float(), float("-inf"), "-inf"),
    "decimal": (Numeric(), Decimal("1E+3"), "1000"),
    "boolean": (Boolean(), True, True),
    "string": (String(), "ç", "ç"),
    "uuid": (Uuid(), UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    "datetime": (
        DateTime(timezone=True),
        datetime(1, 1, 1, tzinfo=UTC),
        "0001-01-01 00:00:00+00:00",
    ),
    "date": (Date(), date(9999, 12, 31), "9999-12-31"),
    "time": (Time(), time(1, 2, 3, 4), "01:02:03.000004"),
    "duration": (Interval(), timedelta(days=-1), -86_400_000_000),
    "choice": (Enum(Size), Size.SMALL, "SMALL"),
}


def test_every_type_with_an_order_is_kept_by_a_cursor() -> None:
    ordered = {row.name for row in TYPES.values() if row.keep}
    assert ordered - set(KEPT) == {"pk field", "email", "url"}


@pytest.mark.parametrize("name", KEPT)
def test_a_cursor_gives_back_what_it_keeps(name: str) -> None:
    sql_type, value, kept = KEPT[name]
    assert keep(sql_type, value) == kept
    assert read(sql_type, orjson.loads(orjson.dumps(kept))) == value
    assert keep(sql_type, None) is None
    assert read(sql_type, None) is None
    for forged in ({}, [], "\0", "\ud800", "no such", True, 2**63):
        taken = (name, type(forged)) in {("string", str), ("boolean", bool), ("float", int)}
        if not taken or forged == "\0":
            with pytest.raises((ArithmeticError, LookupError, TypeError, ValueError)):
                read(sql_type, forged)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_a_cursor_keeps_numbers_without_end(value: str) -> None:
    number = read(Numeric(), keep(Numeric(), Decimal(value)))
    assert str(number) == value
    assert str(read(Float(), keep(Float(), float(value)))) == str(float(value))


BOUND = [
    (Integer(), 5, 5, BigInteger),
    (Integer(), Decimal("1.5"), Decimal("1.5"), Numeric),
    (Integer(), 1e50, Decimal("1E+50"), Numeric),
    (Numeric(12, 2), 0.1, Decimal("0.1"), Numeric),
    (Numeric(12, 2), True, 1, Numeric),
    (Float(), Decimal("0.1"), 0.1, Float),
    (Float(), 5, 5, BigInteger),
    (REAL(), 0.1, 0.1, Single),
    (Double(), 1e300, 1e300, Double),
    (Integer(), True, 1, Integer),
    (Boolean(), True, True, Boolean),
    (DateTime(), datetime(2024, 1, 1, 3, tzinfo=UTC), datetime(2024, 1, 1, 3), DateTime),
    (DateTime(timezone=True), date(2024, 1, 1), datetime(2024, 1, 1, tzinfo=UTC), DateTime),
    (Date(), date(2024, 1, 1), date(2024, 1, 1), Date),
    (String(), UUID(int=1), "00000000-0000-0000-0000-000000000001", String),
    (Uuid(as_uuid=False), UUID(int=1), "00000000-0000-0000-0000-000000000001", Uuid),
]


@pytest.mark.parametrize(("sql_type", "value", "bound", "as_type"), BOUND)
def test_a_value_is_bound_as_its_column_can_compare_it(
    sql_type: Any, value: Any, bound: Any, as_type: type[Any]
) -> None:
    found, found_type = adapted(sql_type, value)
    assert (found, type(found), type(found_type)) == (bound, type(bound), as_type)


READ = [
    (fields.DateTime(), "9999-12-31T23:59:59-14:00", "Enter a valid date/time."),
    (fields.DateTime(), "0001-01-01T00:00:00+14:00", "Enter a valid date/time."),
    (fields.NaiveDateTime(timezone=UTC), "9999-12-31T23:59:59-14:00", "Enter a valid date/time."),
    (fields.AwareDateTime(), "9999-12-31T23:59:59-14:00", "Enter a valid date/time."),
    (fields.Time(), "10:00+03:00", "Enter a valid time."),
    (fields.TimeDelta(), "1e99", "Enter a number."),
    (fields.TimeDelta(), "999999999999", "Enter a number."),
    (fields.List(fields.Integer()), "1,,2", "Enter a value between every two commas."),
]


@pytest.mark.parametrize(("field", "text", "message"), READ)
def test_a_text_that_no_column_can_compare_is_refused(field: Any, text: str, message: str) -> None:
    with pytest.raises(ValidationError) as raised:
        parameter_field(field).deserialize(text)
    assert raised.value.messages == [message]


def test_a_field_may_raise_what_it_likes() -> None:
    class Odd(fields.Integer):
        def _deserialize(self, *_: Any, **__: Any) -> int:
            raise KeyError("odd")

    with pytest.raises(ValidationError, match="Enter a whole number"):
        parameter_field(Odd()).deserialize("1")


def test_a_class_of_field_brings_a_type_of_its_own() -> None:
    class Cents(fields.Integer):
        oms_type = replace(TYPES["decimal"], name="cents", fields=(), published="money")

    assert type_of(Cents()) is Cents.oms_type
    assert type_name(Cents()) == "money"
    assert Schema.from_dict({"it": Cents()})().fields["it"].oms_type is Cents.oms_type
