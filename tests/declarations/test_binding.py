"""A service meets a model: what is found, and what fails at start-up with a sentence."""

import enum
from typing import Any

import pytest
from conftest import Client
from flask import Flask
from marshmallow import Schema, fields, validate
from sqlalchemy import Engine, ForeignKey, create_engine, func, select
from sqlalchemy.ext.associationproxy import association_proxy
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    column_property,
    mapped_column,
    relationship,
    sessionmaker,
    synonym,
)
from sqlalchemy.pool import StaticPool

from omsflask import (
    OMS,
    BoundService,
    CustomerMixin,
    Filter,
    FilterSet,
    ListService,
    Ordering,
    PrimaryKey,
    TokenMixin,
    customers,
)
from omsflask.declarations.binding import ORDERED
from omsflask.sql.cursors import READERS


class Base(DeclarativeBase):
    pass


class Kind(enum.Enum):
    ONE = 1
    TWO = 2


class Shop(Base):
    __tablename__ = "shops"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    buyers: Mapped[list["Buyer"]] = relationship(back_populates="shop")


class Buyer(Base):
    __tablename__ = "buyers"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column("full-name")
    kind: Mapped[Kind]
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    shop: Mapped[Shop] = relationship(back_populates="buyers")
    nickname: Mapped[str] = synonym("name")
    shop_name: Mapped[str] = column_property(
        select(Shop.name).where(Shop.id == shop_id).scalar_subquery()
    )
    shop_title = association_proxy("shop", "name")

    @hybrid_property
    def shouted(self) -> str:
        return self.name.upper()

    @shouted.inplace.expression
    @classmethod
    def _shouted(cls) -> Any:
        return func.upper(cls.name)

    @property
    def plain(self) -> str:
        return self.name


def service(field: Any, **filters: Any) -> ListService:
    """Return a service that shows a key and one field."""
    return ListService(
        resource="buyers",
        name="all",
        schema=type("OneSchema", (Schema,), {"id": fields.Integer(), "it": field}),
        filters=type("OneFilters", (FilterSet,), filters),
    )


def shown(listing: BoundService, query: str = "") -> Any:
    """Return what is shown of two buyers."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    Base.metadata.create_all(engine)
    with sessionmaker(engine).begin() as session:
        shop = Shop(id=7, name="Corner")
        session.add(Buyer(id=1, name="Ada", kind=Kind.ONE, shop=shop))
        session.add(Buyer(id=2, name="Bob", kind=Kind.TWO, shop=shop))
    body = client(engine, listing).get(f"/buyers/all/{query}").json
    engine.dispose()
    return [row["it"] for row in body["results"]] if "results" in body else body


def client(engine: Engine, listing: BoundService) -> Client:
    app = Flask("host")
    oms = OMS(sessionmaker(engine), verify_token=lambda key: key)
    oms.add(listing)
    oms.init_app(app, url_prefix="/")
    app.test_client_class = Client
    client = app.test_client()
    assert isinstance(client, Client)
    client.key = "any"
    return client


FOUND = [
    (fields.String(), {"it": Buyer.name}, ["Ada", "Bob"]),
    (fields.String(attribute="name"), {}, ["Ada", "Bob"]),
    (fields.String(attribute="name"), {"it": Buyer.shouted}, ["ADA", "BOB"]),
    (fields.String(attribute="name"), {"name": Buyer.shouted}, ["ADA", "BOB"]),
    (fields.String(), {"it": Buyer.nickname}, ["Ada", "Bob"]),
    (fields.String(), {"it": Buyer.shouted}, ["ADA", "BOB"]),
    (fields.String(), {"it": Buyer.shop_name}, ["Corner", "Corner"]),
    (fields.String(), {"it": Buyer.name + "!"}, ["Ada!", "Bob!"]),
    (fields.String(), {"it": func.lower(Buyer.name).label("small")}, ["ada", "bob"]),
    (fields.String(), {"it": Buyer.__table__.c["full-name"]}, ["Ada", "Bob"]),
    (PrimaryKey(), {"it": Buyer.shop}, [7, 7]),
    (PrimaryKey(attribute="shop"), {}, [7, 7]),
    (PrimaryKey(attribute="shop_id"), {}, [7, 7]),
    (fields.Enum(Kind), {"it": Buyer.kind}, ["ONE", "TWO"]),
    (fields.Enum(Kind, by_value=True), {"it": Buyer.kind}, [1, 2]),
    (
        fields.String(),
        {"it": select(Shop.name).where(Shop.id == Buyer.shop_id).scalar_subquery()},
        ["Corner", "Corner"],
    ),
]


@pytest.mark.parametrize(("field", "columns", "values"), FOUND)
def test_a_column_is_found_by_any_of_its_names(field: Any, columns: Any, values: Any) -> None:
    assert shown(service(field).bind(Buyer, **columns)) == values


def test_a_published_name_is_no_attribute() -> None:
    field = fields.String(data_key="it")
    schema = type("KeyedSchema", (Schema,), {"id": fields.Integer(), "name": field})
    keyed = ListService(resource="buyers", name="all", schema=schema, filters=FilterSet)
    assert shown(keyed.bind(Buyer)) == ["Ada", "Bob"]
    assert shown(keyed.bind(Buyer, it=Buyer.shouted)) == ["ADA", "BOB"]
    assert shown(keyed.bind(Buyer, name=Buyer.shouted)) == ["ADA", "BOB"]


def test_a_filter_may_name_what_is_not_shown() -> None:
    listing = service(
        fields.String(attribute="name"),
        shop_id=Filter(fields.Integer),
        title=Filter(fields.String, lookups=("in",)),
    ).bind(Buyer, title=Buyer.shouted)
    assert shown(listing, "?shop_id=7&title__in=BOB,EVE") == ["Bob"]


def test_a_scope_may_join_another_table() -> None:
    listing = service(fields.String(), sort=Ordering(it="It")).bind(
        Buyer, it=Shop.name, scope=lambda these, _holder: these.join(Shop)
    )
    assert shown(listing, "?sort=-it") == ["Corner", "Corner"]


def test_choices_of_numbers_are_read_as_they_are_shown() -> None:
    listing = service(
        fields.Enum(Kind, by_value=True, attribute="kind"),
        kind=Filter(fields.Enum(Kind, by_value=True)),
        id=Filter(fields.Integer(validate=validate.OneOf([1, 2, 3])), lookups=("exact", "in")),
    ).bind(Buyer)
    assert shown(listing, "?kind=2") == [2]
    assert shown(listing, "?id__in=1,3") == [1]
    message = "Select a valid choice. 01 is not one of the available choices."
    assert shown(listing, "?id=01") == {"id": [message]}


MISSING = [
    ({}, {}, r"buyers/all cannot be bound: Buyer has no column it; name .* bind\(Buyer, it=Buyer"),
    ({"it": Buyer.plain}, {}, "Buyer has no column it"),
    ({"it": Buyer.shop_title}, {}, "Buyer has no column it"),
    ({"it": "name"}, {}, "Buyer has no column it"),
    ({"it": None}, {}, "Buyer has no column it"),
    ({"it": Buyer.name, "that": Buyer.name}, {}, "it shows no that"),
    ({"it": Shop.name}, {}, "it is of another table than Buyer; give it a column_property"),
    ({"it": Buyer.name + Shop.name}, {}, "it is of another table than Buyer"),
    (
        {"it": func.odd(Buyer.name)},
        {"sort": Ordering(it="It")},
        "it cannot be ordered by it, whose",
    ),
    ({"it": Buyer.name}, {"kind": Filter(fields.String)}, "kind is an enumeration; filter it by"),
    ({"it": Buyer.name}, {"age__gt": Filter(fields.Integer)}, "Buyer has no column age"),
]


@pytest.mark.parametrize(("columns", "filters", "sentence"), MISSING)
def test_what_cannot_be_bound_fails_with_a_sentence(
    columns: Any, filters: Any, sentence: str
) -> None:
    with pytest.raises(TypeError, match=sentence):
        service(fields.String(), **filters).bind(Buyer, **columns)


def test_what_may_be_ordered_by_is_what_a_cursor_can_read() -> None:
    assert {*READERS, enum.Enum} == set(ORDERED)


@pytest.mark.parametrize("model", [int, "Buyer", Base, None])
def test_what_is_no_model_fails_with_a_sentence(model: Any) -> None:
    with pytest.raises(TypeError, match="is no mapped class"):
        service(fields.String()).bind(model)


def test_a_relationship_to_many_is_no_column() -> None:
    with pytest.raises(TypeError, match="Shop has no column it"):
        service(PrimaryKey()).bind(Shop, it=Shop.buyers)


def test_an_isnull_asks_nothing_of_an_enumeration() -> None:
    listing = service(fields.Enum(Kind, attribute="kind"), kind__isnull=Filter(fields.Boolean))
    assert shown(listing.bind(Buyer), "?kind__isnull=false") == ["ONE", "TWO"]


@pytest.mark.parametrize("name", ["page", "limit", "cursor", "format"])
def test_a_filter_takes_no_name_that_every_list_uses(name: str) -> None:
    with pytest.raises(TypeError, match=f"Filters.{name} has a name that every list uses"):
        type("Filters", (FilterSet,), {name: Filter(fields.String)})


def test_a_model_is_bound_before_those_that_it_refers_to_are_there() -> None:
    class Early(DeclarativeBase):
        pass

    class Order(Early):
        __tablename__ = "orders"

        id: Mapped[int] = mapped_column(primary_key=True)
        it: Mapped[str]
        lines: Mapped[list["Line"]] = relationship()  # type: ignore[name-defined]  # noqa: F821

    listing = service(fields.String()).bind(Order)
    oms = OMS(sessionmaker(), verify_token=lambda key: key)
    oms.add(listing)
    oms.init_app(Flask("host"))


def test_a_host_with_two_tables_of_tokens_must_say_which() -> None:
    class Host(DeclarativeBase):
        pass

    class Customer(CustomerMixin, Host):
        channel_id: Mapped[int | None]

    class Token(TokenMixin, Host):
        pass

    oms = OMS(sessionmaker())
    oms.add(customers.list_simple.bind(Customer))
    assert oms.tokens.model is Token

    class OtherToken(TokenMixin, Host):
        __tablename__ = "other_tokens"

    with pytest.raises(TypeError, match="TokenMixin beside it, not 2"):
        oms.blueprint()
