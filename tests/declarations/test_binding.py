"""A service meets a model: what is found, and what fails at start-up with a sentence."""

import enum
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from conftest import Client
from flask import Flask
from marshmallow import Schema, fields, validate
from sqlalchemy import (
    ARRAY,
    JSON,
    Boolean,
    Date,
    DateTime,
    Engine,
    Float,
    ForeignKey,
    Integer,
    Interval,
    LargeBinary,
    Numeric,
    SmallInteger,
    String,
    Text,
    TypeDecorator,
    Uuid,
    create_engine,
    func,
    select,
    type_coerce,
)
from sqlalchemy import Enum as SQLEnum
from sqlalchemy.dialects.postgresql import HSTORE, JSONB
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
from sqlalchemy.types import NullType

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
    UTCDateTime,
    customers,
)


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


class Mood(enum.StrEnum):
    CALM = "calm"


class Encoded(TypeDecorator[Any]):
    """A host's own type that does not say what it makes of a text."""

    impl = String
    cache_ok = True

    def process_result_value(self, value: Any, _dialect: object) -> Any:
        return value


class Counted(Encoded):
    python_type = int


class Priced(Encoded):
    python_type = Decimal


class Trimmed(TypeDecorator[str]):
    """It changes what goes in, not what comes out."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: Any, _dialect: object) -> Any:
        return value and value.strip()


class Shout(fields.Integer):
    def _serialize(self, value: Any, *_: Any, **__: Any) -> Any:
        return f"{value}!"


def typed(sql_type: Any) -> Any:
    """Return a column of a type, of the table of buyers."""
    return type_coerce(Buyer.name, sql_type)


#: A field, the type of its column, and the advice where the two do not fit; nothing where they do.
PAIRS: list[tuple[Any, Any, str | None]] = [
    (fields.Integer(), SmallInteger(), None),
    (fields.Integer(), Numeric(10, 0), None),
    (fields.Integer(), Counted(), None),
    (fields.Integer(), NullType(), None),
    (fields.Integer(), String(20), "; use String."),
    (fields.Integer(), Text(), "; use String."),
    (fields.Integer(), Numeric(10, 2), "; use Decimal."),
    (fields.Integer(), Float(), "; use Float."),
    (fields.Integer(), Boolean(), "; use Boolean."),
    (fields.Integer(), Uuid(), "; use UUID."),
    (fields.Integer(), Uuid(as_uuid=False), "; use UUID."),
    (
        fields.Integer(),
        Encoded(),
        "; if its values are of another type, give Encoded a python_type.",
    ),
    (fields.Integer(), Priced(), "; use Decimal."),
    (fields.Integer(), Interval(), "; use TimeDelta."),
    (fields.Integer(), Trimmed(), "give Trimmed a python_type."),
    (fields.Integer(), SQLEnum(Kind), "; use Enum."),
    (PrimaryKey(), Uuid(), "; use UUID."),
    (PrimaryKey(), String(), "; use String."),
    (fields.Float(), Integer(), None),
    (fields.Float(), Date(), "; use Date."),
    (fields.Decimal(), Integer(), None),
    (fields.Decimal(), Priced(), None),
    (fields.Decimal(), Encoded(), None),
    (fields.Decimal(), String(), "; use String."),
    (fields.Boolean(), Integer(), None),
    (fields.Boolean(), Encoded(), None),
    (fields.Boolean(), String(1), "; use String."),
    (fields.String(), Integer(), None),
    (fields.String(), Uuid(), None),
    (fields.String(), Trimmed(), None),
    (fields.String(), SQLEnum("a", "b"), None),
    (fields.String(), SQLEnum(Mood), None),
    (fields.String(), SQLEnum(Kind), "; use Enum."),
    (fields.String(), JSON(), "; use Raw."),
    (fields.String(), DateTime(), "; use UTCDateTime."),
    (fields.String(), LargeBinary(), "cannot show."),
    (fields.Email(), JSON(), "; use Raw."),
    (fields.Date(), DateTime(), None),
    (fields.Date(), String(), "; use String."),
    (UTCDateTime(), Date(), "; use Date."),
    (UTCDateTime(), String(), "; use String."),
    (fields.DateTime(), Integer(), "; use Integer."),
    (fields.Time(), DateTime(), "; use UTCDateTime."),
    (fields.TimeDelta(), Interval(), None),
    (fields.TimeDelta(), Integer(), "; use Integer."),
    (fields.UUID(), String(36), None),
    (fields.UUID(), Integer(), "; use Integer."),
    (fields.Enum(Kind), SQLEnum("ONE", "TWO"), None),
    (fields.Enum(Kind), Uuid(), "; use UUID."),
    (fields.Raw(), JSON(), None),
    (fields.Raw(), Integer(), None),
    (fields.Raw(), LargeBinary(), "cannot show."),
    (fields.Dict(), JSONB(), None),
    (fields.Dict(), HSTORE(), None),
    (fields.Dict(), String(), "; use String."),
    (fields.List(fields.Integer()), ARRAY(Integer), None),
    (fields.List(fields.Integer()), Integer(), "; use Integer."),
    (fields.Nested(Schema), JSON(), None),
    (fields.Nested(Schema), Integer(), "; use Integer."),
    (fields.Method("dump"), Integer(), "it is a Method field, which reads an object"),
    (fields.Function(str), Integer(), "it is a Function field, which reads an object"),
    (Shout(), String(), None),
]


@pytest.mark.parametrize(
    ("field", "sql_type", "advice"), PAIRS, ids=lambda it: repr(it)[:40].partition("(")[0]
)
def test_a_field_is_bound_to_a_column_whose_values_it_shows(
    field: Any, sql_type: Any, advice: str | None
) -> None:
    bind = partial(service(field).bind, Buyer, it=typed(sql_type))
    if advice is None:
        bind()
        return
    with pytest.raises(TypeError, match=r"^buyers/all cannot be bound: it is ") as raised:
        bind()
    assert advice in str(raised.value)
    assert "\n" not in str(raised.value)


Kinds = fields.Enum(Kind)
Numbers = fields.Enum(Kind, by_value=True)

COMPARED: list[tuple[Any, Any, str | None]] = [
    (fields.Integer(), Float(), None),
    (fields.Integer(), Numeric(10, 2), None),
    (fields.Integer(), String(), "; use String."),
    (fields.Integer(), Uuid(), "; use UUID."),
    (fields.Integer(), Boolean(), "; use Boolean."),
    (fields.Float(), Integer(), None),
    (fields.Decimal(), NullType(), None),
    (fields.String(), Trimmed(), None),
    (fields.String(), Integer(), "; use Integer."),
    (fields.String(), Uuid(), "; use UUID."),
    (fields.String(), Uuid(as_uuid=False), "; use UUID."),
    (fields.String(), Date(), "; use Date."),
    (fields.String(), JSON(), "; use Raw."),
    (fields.Raw(), Integer(), "; use Integer."),
    (fields.UUID(), String(), None),
    (fields.Boolean(), String(), "; use String."),
    (fields.Date(), DateTime(), None),
    (UTCDateTime(), Date(), "; use Date."),
    (fields.List(fields.Integer()), ARRAY(Integer), "; use List."),
    (Kinds, SQLEnum(Kind), None),
    (Kinds, String(), None),
    (Numbers, Integer(), None),
    (Kinds, Integer(), "; use Integer."),
    (Numbers, String(), "; use String."),
    (Kinds, SQLEnum("ONE", "TWO", "THREE"), "ONE, TWO, THREE, and the filter that takes 'ONE'"),
    (Kinds, SQLEnum(Mood), "is an enumeration of CALM, and the filter that takes 'ONE'"),
    (fields.String(validate=validate.OneOf(["ONE"])), SQLEnum(Kind), None),
    (fields.String(validate=validate.OneOf(["a"])), SQLEnum("a", "b"), None),
    (fields.String(validate=validate.OneOf(["c"])), SQLEnum("a", "b"), "takes 'c'"),
    (fields.String(), SQLEnum("a", "b"), "filter it by fields.Enum, or by"),
]


@pytest.mark.parametrize(
    ("field", "sql_type", "advice"), COMPARED, ids=lambda it: repr(it)[:40].partition("(")[0]
)
def test_a_filter_is_bound_to_a_column_that_it_can_be_compared_with(
    field: Any, sql_type: Any, advice: str | None
) -> None:
    listing = service(fields.Raw(attribute="name"), that=Filter(field))
    bind = partial(listing.bind, Buyer, that=typed(sql_type))
    if advice is None:
        bind()
        return
    with pytest.raises(TypeError, match=r"^buyers/all cannot be bound: that is ") as raised:
        bind()
    assert advice in str(raised.value)


def test_whether_a_column_is_null_is_asked_of_every_type() -> None:
    for sql_type in (JSON(), LargeBinary(), SQLEnum(Kind), ARRAY(Integer), Uuid()):
        listing = service(fields.Raw(attribute="name"), that__isnull=Filter(fields.Boolean))
        listing.bind(Buyer, that=typed(sql_type))


def test_a_stamp_that_is_no_moment_is_none() -> None:
    schema = Schema.from_dict({"id": fields.Integer(), "modified_date": fields.Integer()})
    listing = ListService(resource="buyers", name="all", schema=schema, filters=FilterSet)
    assert listing.bind(Buyer, modified_date=Buyer.shop_id).stamp is None
    assert listing.bind(Buyer, modified_date=type_coerce(Buyer.id, Integer)).stamp is None


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
