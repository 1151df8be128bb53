"""Values in their usual form, and the schema that they are spared."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError, fields, post_load, validate

from omsflask import customers
from omsflask.commands.load.checking import loading_schema
from omsflask.commands.load.invisible import unexpected, unseen
from omsflask.commands.load.usual import ADDRESS, MOMENT, Usual
from omsflask.standalone.sample_data import plausible

SCHEMA = loading_schema(customers.CustomerSchema)
USUAL = Usual(SCHEMA)

NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70),
    st.integers(0, 2**33).map(str),
    st.from_regex(r"[-+ ]?[0-9٣١]{1,20}(\.0)?", fullmatch=True),
    st.sampled_from([True, 1.0, 1.5, "", " 1", "1_000", "²", "007"]),
)
MOMENTS = st.one_of(
    st.datetimes().map(lambda it: it.isoformat(timespec="microseconds") + "Z"),
    st.from_regex(MOMENT, fullmatch=True),
    st.sampled_from(["2024-01-31", "2024-01-01T24:00:00.000000Z", "0000-01-01T00:00:00.000000Z"]),
)
ADDRESSES = st.one_of(
    st.from_regex(ADDRESS, fullmatch=True),
    st.emails(),
    st.sampled_from(["a@b", "a@b.c", "a..b@c.de", f"a@{'b' * 70}.com", "ı@b.de", "a@b.de\n"]),
    st.builds("{}@example.com".format, st.text("aıİéß.\u200b", max_size=260)),
)
TEXTS = st.one_of(
    st.text(max_size=300),
    st.text("ab \u00a0\u200b\u3164\ufe0f\x00\ud800ıİ😀", max_size=130),
    st.sampled_from(["", "a\nb", "x" * 64, "x" * 65, "9.05551E+11"]),
)
ANY = st.one_of(st.none(), st.integers(), st.text(max_size=3), st.lists(st.integers(), max_size=1))
VALUES = {
    **dict.fromkeys(("id", "omnitron_id", "channel"), NUMBERS),
    **dict.fromkeys(("created_date", "modified_date"), MOMENTS),
    "email": ADDRESSES,
    **dict.fromkeys(("first_name", "last_name", "phone_number", "erp_code"), TEXTS),
}


@given(
    st.fixed_dictionaries(
        {}, optional={name: st.one_of(values, ANY) for name, values in VALUES.items()}
    )
)
def test_what_is_usual_is_what_the_schema_loads(values: dict[str, Any]) -> None:
    usual = USUAL.load(values)
    if usual is None:
        return
    loaded = SCHEMA.load(values)
    assert loaded == usual
    assert {name: type(loaded[name]) for name in usual} == {
        name: type(value) for name, value in usual.items()
    }
    for value in usual.values():
        assert not isinstance(value, str) or not (unseen(value) or unexpected(value))


@pytest.mark.parametrize("name", VALUES)
@given(data=st.data())
def test_each_value_is_what_the_schema_loads(name: str, data: st.DataObject) -> None:
    values = {"omnitron_id": 1, "email": "a@b.example"} | {name: data.draw(VALUES[name])}
    usual = USUAL.load(values)
    if usual is not None:
        assert SCHEMA.load(values) == usual


def test_nearly_all_rows_are_usual() -> None:
    for row in customers.CustomerSchema().dump(plausible(1000), many=True):
        for values in (row, {name: it if it is None else str(it) for name, it in row.items()}):
            assert USUAL.load(values) == SCHEMA.load(values)


class Even(fields.Integer):
    pass


class Doubled(Schema):
    number = fields.Integer()

    @post_load
    def double(self, values: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {"number": values["number"] * 2}


@pytest.mark.parametrize(
    ("schema", "values"),
    [
        (Doubled, {"number": 1}),
        (Schema.from_dict({"a": Even()}), {"a": 1}),
        (Schema.from_dict({"a": fields.Integer(validate=validate.OneOf([1]))}), {"a": 2}),
        (Schema.from_dict({"a": fields.Integer(validate=validate.Range(min=5))}), {"a": 2}),
        (Schema.from_dict({"a": fields.String(validate=validate.Regexp("b"))}), {"a": "a"}),
        (Schema.from_dict({"a": fields.String(validate=validate.Length(equal=2))}), {"a": "a"}),
        (Schema.from_dict({"a": fields.String(post_load=[str.upper])}), {"a": "a"}),
        (Schema.from_dict({"a": fields.String(), "b": fields.String(load_default="")}), {"a": "a"}),
    ],
)
def test_what_a_schema_does_by_itself_is_left_to_it(
    schema: type[Schema], values: dict[str, Any]
) -> None:
    usual = Usual(loading_schema(schema)).load(values)
    try:
        assert usual in (None, loading_schema(schema).load(values))
    except ValidationError:
        assert usual is None
