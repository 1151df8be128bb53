"""Orders: a complete host app with a list service of its own.

It has its own tables, its own accounts and its own idea of who may call; each account sees its own
orders. Try it::

    flask --app examples/orders.py run
    curl -H 'Authorization: Token secret-of-ada' \
        'http://127.0.0.1:5000/api/v1/oms/orders/list-simple/?status__in=paid,shipped&sort=-total'
"""

import decimal
import enum
import os
from datetime import UTC, date, datetime, timedelta

from flask import Flask
from marshmallow import Schema
from marshmallow.fields import Boolean, Date, Decimal, Enum, Integer, String
from marshmallow.validate import Length, OneOf, Range
from sqlalchemy import DateTime, Numeric, create_engine, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, scoped_session, sessionmaker

from omsflask import OMS, Filter, FilterSet, ListService, Ordering, UTCDateTime

# The declarations: what is shown, how it may be narrowed and sorted, and its name.

CURRENCIES = OneOf(["EUR", "TRY", "USD"], labels=["Euro", "Turkish lira", "US dollar"])


class Status(enum.Enum):
    """How far an order has come."""

    OPEN = "open"
    PAID = "paid"
    PARTLY_SHIPPED = "partly-shipped"
    SHIPPED = "shipped"


class OrderSchema(Schema):
    """An order as it is shown."""

    id = Integer(dump_only=True, metadata={"label": "ID"})
    number = String(required=True, validate=Length(max=32))
    placed_date = UTCDateTime(dump_only=True)
    shipped_on = Date(allow_none=True)
    status = Enum(Status, by_value=True)
    total = Decimal(places=2, validate=Range(min=0), metadata={"max_digits": 12})
    currency = String(validate=CURRENCIES)
    is_gift = Boolean()


class OrderFilters(FilterSet):
    """How orders may be sorted and narrowed."""

    sort = Ordering(
        "-placed_date", id="ID", placed_date="Placed Date", total="Total", shipped_on="Shipped On"
    )
    id = Filter(Integer, lookups=("exact", "gt", "in"))
    number = Filter(String)
    status = Filter(Enum(Status, by_value=True), lookups=("exact", "in"))
    currency = Filter(String(validate=CURRENCIES))
    is_gift = Filter(Boolean)
    total = Filter(Decimal, lookups=("exact", "gte", "lte", "range"))
    shipped_on = Filter(Date, lookups=("exact", "gte", "lte", "range", "isnull"))
    placed_date = Filter(UTCDateTime, lookups=("gte", "lt"))


list_simple = ListService(
    resource="orders", name="list-simple", schema=OrderSchema, filters=OrderFilters
)

# The host: its models, its accounts, its app.


class Base(DeclarativeBase):
    """The host's own models."""


class Account(Base):
    """Who may call."""

    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(primary_key=True)
    secret: Mapped[str] = mapped_column(unique=True)


class Order(Base):
    """An order of an account's."""

    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(index=True)
    number: Mapped[str]
    placed_date: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    shipped_on: Mapped[date | None]
    status: Mapped[Status]
    total: Mapped[decimal.Decimal] = mapped_column(Numeric(12, 2))
    currency: Mapped[str]
    is_gift: Mapped[bool]


def create_app(database_url: str = "sqlite:///orders.sqlite3") -> Flask:
    """Return the app, its database filled if it was empty."""
    engine = create_engine(os.environ.get("ORDERS_DATABASE_URL", database_url))
    session = scoped_session(sessionmaker(engine))
    Base.metadata.create_all(engine)
    with sessionmaker(engine).begin() as filling:
        if not filling.scalar(select(func.count(Order.id))):
            filling.add_all([Account(id=1, secret="secret-of-ada")])
            filling.add_all([Account(id=2, secret="secret-of-bob")])
            filling.add_all(plausible_order(number) for number in range(1, 61))

    def account_for_token(key: str) -> Account | None:
        with sessionmaker(engine)() as looking:
            return looking.scalar(select(Account).where(Account.secret == key))

    app = Flask(__name__)
    oms = OMS(session, verify_token=account_for_token)
    oms.add(
        list_simple.bind(
            Order, scope=lambda orders, account: orders.where(Order.account_id == account.id)
        )
    )
    oms.init_app(app)
    app.extensions["engine"] = engine

    @app.teardown_appcontext
    def end_session(_error: BaseException | None) -> None:
        session.remove()

    return app


def plausible_order(number: int) -> Order:
    """Return the order of that number, always the same."""
    placed = datetime(2024, 1, 1, 9, tzinfo=UTC) + timedelta(hours=7 * (number * 37 % 60))
    status = list(Status)[number % 4]
    return Order(
        id=number,
        account_id=2 if number % 3 == 0 else 1,
        number=f"ORD-{number:05}",
        placed_date=placed,
        shipped_on=placed.date() + timedelta(days=2) if status is Status.SHIPPED else None,
        status=status,
        total=decimal.Decimal(number * 7919 % 50000) / 100,
        currency=("EUR", "TRY", "USD")[number % 7 % 3],
        is_gift=number % 5 == 0,
    )
