"""One declaration runs everything: change it, and parsing, SQL and OPTIONS follow."""

import json

import pytest
from conftest import Client
from flask import Flask
from marshmallow import Schema, fields, validate
from sqlalchemy import create_engine

from omsflask import OMS, Filter, FilterSet, ListService, Ordering, UTCDateTime, customers
from omsflask.declarations.introspection import metadata
from omsflask.sql import names
from omsflask.sql.database import Database
from omsflask.sql.query import Query, whole_order
from omsflask.sql.selection import Selection
from omsflask.standalone.app import Customer


class LongerSchema(customers.CustomerSchema):
    erp_code = fields.String(validate=validate.Length(max=99), metadata={"label": "Code"})


class MoreFilters(customers.CustomerFilters):
    sort = Ordering("-email", id="ID", email="E-mail")
    omnitron_id = Filter(fields.Integer, lookups=("exact", "gte"))


@pytest.fixture
def changed(client: Client) -> Client:
    """A client of an app over the same database whose service is declared otherwise."""
    service = ListService(
        resource="people", name="list-all", schema=LongerSchema, filters=MoreFilters
    )
    url = client.application.config["OMS_DATABASE_URL"]
    app = Flask("host")
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    engine = create_engine(url)
    from sqlalchemy.orm import sessionmaker

    oms = OMS(sessionmaker(engine), verify_token=lambda key: key or None)
    oms.add(service.bind(Customer))
    oms.init_app(app)
    app.test_client_class = Client
    other = app.test_client()
    assert isinstance(other, Client)
    other.key = "anything"
    yield other
    engine.dispose()


PATH = "/api/v1/oms/people/list-all/"


def test_a_new_filter_is_parsed_selected_and_published(changed: Client) -> None:
    body = changed.get(f"{PATH}?omnitron_id__gte=81&omnitron_id=81").json
    assert [row["id"] for row in body["results"]] == [8]
    assert changed.get(f"{PATH}?omnitron_id__gte=x").json == {
        "omnitron_id__gte": ["Enter a whole number."]
    }
    assert changed.options(PATH).json["filters"][-1] == {
        "label": "Omnitron Id",
        "field_name": "omnitron_id",
        "type": "integer",
        "lookup_expr": ["exact", "gte"],
        "extra": {"required": False},
    }


def test_a_changed_field_is_published(changed: Client) -> None:
    field = changed.options(PATH).json["actions"]["GET"]["erp_code"]
    assert (field["label"], field["max_length"]) == ("Code", 99)
    assert changed.options(PATH).json["name"] == "list-all"


def test_a_changed_ordering_sorts_parses_and_is_published(changed: Client) -> None:
    body = changed.get(f"{PATH}?limit=1000").json
    emails = [row["email"] for row in body["results"]]
    assert emails == sorted(emails, reverse=True)
    assert changed.get(f"{PATH}?sort=modified_date").status_code == 400
    choices = changed.options(PATH).json["filters"][0]["extra"]["choices"]
    assert choices[-1] == ["-email", "E-mail (descending)"]


def test_a_text_order_is_walked_too(changed: Client) -> None:
    whole = [row["id"] for row in changed.get(f"{PATH}?sort=email&limit=1000").json["results"]]
    walked, link = [], f"{PATH}?sort=email&limit=20"
    while link:
        body = changed.get(link).json
        walked += [row["id"] for row in body["results"]]
        link = body["next"]
    assert walked == whole


def sql(filters: dict[str, object]) -> str:
    listing = customers.list_simple.bind(Customer)
    query = Query.of(customers.list_simple, filters=filters)
    where = Selection(listing, query, Database(create_engine("sqlite://"))).rows.whereclause
    return str(where).replace(names.PREFIX, "")


@pytest.mark.parametrize(
    ("filters", "where"),
    [
        ({"id__gt": 1}, "customers.id > :0_0"),
        ({"email": "a@b"}, "customers.email = :0_0"),
        (
            {"channel_id": 1, "id__lte": 2},
            "customers.channel_id = :0_0 AND customers.id <= :1_0",
        ),
    ],
)
def test_values_are_bound(filters: dict[str, object], where: str) -> None:
    assert sql(filters) == where


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("", ("id",)),
        ("-id", ("-id",)),
        ("modified_date", ("modified_date", "id")),
        ("-modified_date", ("-modified_date", "-id")),
        ("-modified_date,id", ("-modified_date", "id")),
    ],
)
def test_an_order_ends_in_the_key_in_its_own_direction(sort: str, order: tuple[str, ...]) -> None:
    ordering = customers.CustomerFilters.ordering
    assert ordering is not None
    terms = ordering.parse(sort) if sort else ()
    assert tuple(map(str, whole_order(customers.list_simple, terms))) == order


def test_the_name_of_a_filter_is_read() -> None:
    class Filters(FilterSet):
        created__gte = Filter(UTCDateTime)
        double__under = Filter(fields.String)

    assert [(it.column, it.lookup.name) for it in Filters.parameters.values()] == [
        ("created", "gte"),
        ("double__under", "exact"),
    ]


def test_wrong_declarations_fail_with_a_sentence() -> None:
    with pytest.raises(TypeError, match="names a lookup and lists others"):

        class Twice(FilterSet):
            id__gt = Filter(fields.Integer, lookups=("gt", "gte"))

    with pytest.raises(TypeError, match="unknown lookups"):

        class Unknown(FilterSet):
            id = Filter(fields.Integer, lookups=("near",))

    with pytest.raises(TypeError, match="more than one Ordering"):

        class Orderings(FilterSet):
            sort = Ordering(id="ID")
            order = Ordering(id="ID")

    class Filters(FilterSet):
        sort = Ordering(nothing="Nothing")

    with pytest.raises(TypeError, match="no field nothing"):
        ListService(resource="x", name="y", schema=customers.CustomerSchema, filters=Filters)


def test_a_model_that_lacks_columns_fails_with_a_sentence() -> None:
    from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

    class Base(DeclarativeBase):
        pass

    class Person(Base):
        __tablename__ = "people"
        id: Mapped[int] = mapped_column(primary_key=True)
        mail: Mapped[str]

    with pytest.raises(TypeError, match=r"Person has no column channel_id, created_date, email,"):
        customers.list_simple.bind(Person)
    with pytest.raises(TypeError, match="it shows no emial"):
        customers.list_simple.bind(Person, emial=Person.mail)


class Everything(Schema):
    id = fields.Integer(dump_only=True)
    price = fields.Decimal(places=2, as_string=True)
    paid = fields.Boolean(required=True)
    day = fields.Date()
    page = fields.Url(data_key="homepage")
    size = fields.Float(validate=validate.Range(min=0))


def test_every_kind_of_field_describes_itself() -> None:
    service = ListService(resource="x", name="y", schema=Everything, filters=FilterSet)
    described = metadata(service, ["application/json"])
    types = {name: it["type"] for name, it in described["actions"]["GET"].items()}
    assert types == {
        "id": "integer",
        "price": "decimal",
        "paid": "boolean",
        "day": "date",
        "homepage": "url",
        "size": "float",
    }
    assert described["actions"]["GET"]["size"]["min_value"] == 0
    assert json.dumps(described)
