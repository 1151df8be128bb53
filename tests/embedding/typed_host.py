"""A host that is checked strictly: what it says to the service has types. Nothing runs it."""

import enum
from dataclasses import dataclass
from typing import Any

from flask import Flask
from marshmallow import Schema, fields, validate
from sqlalchemy import Select, create_engine, func
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    mapped_column,
    scoped_session,
    sessionmaker,
)

from omsflask import (
    OMS,
    BoundService,
    ChannelMixin,
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


class Channel(ChannelMixin, Base):
    pass


class Customer(CustomerMixin, Base):
    account_id: Mapped[int]


class Token(TokenMixin, Base):
    __tablename__ = "api_tokens"


class Person(Base):
    __tablename__ = "people"

    id: Mapped[int] = mapped_column(primary_key=True)
    partner: Mapped[str | None]


class Size(enum.Enum):
    SMALL = "s"


class ThingSchema(Schema):
    id = fields.Integer()
    size = fields.Enum(Size, by_value=True)
    channel = PrimaryKey(attribute="channel_id")
    changed = UTCDateTime()


class ThingFilters(FilterSet):
    sort = Ordering("-id", id="ID")
    id = Filter(fields.Integer, lookups=("exact", "in"), label="Number")
    size = Filter(fields.Enum(Size, by_value=True), published="string")
    price = Filter(fields.Decimal(validate=validate.Range(min=0)), lookups=["range"])


@dataclass(frozen=True)
class Account:
    id: int

    @classmethod
    def for_token(cls, key: str) -> "Account | None":
        return cls(1) if key else None


def own(statement: Select[Any], holder: Account) -> Select[Any]:
    return statement.where(Customer.account_id == holder.id)


def create_app() -> Flask:
    engine = create_engine("sqlite://")
    app = Flask(__name__)
    things = ListService(resource="things", name="all", schema=ThingSchema, filters=ThingFilters)
    bound: BoundService = customers.list_simple.bind(Customer, scope=own)
    oms = OMS(scoped_session(sessionmaker(engine)), verify_token=Account.for_token)
    oms.add(bound)
    oms.add(
        things.bind(
            Person,
            scope=lambda statement, holder: statement.where(Person.id == holder.id),
            erp_code=Person.partner,
            size=func.upper(Person.partner),
            channel=Person.id,
        )
    )
    oms.init_app(app)
    oms.init_app(app, url_prefix="/v2")
    app.register_blueprint(oms.blueprint("again"), url_prefix="/again")
    OMS(sessionmaker(engine))
    OMS(Session(engine), verify_token=lambda key: key or None)
    OMS(lambda: Session(engine))
    OMS(verify_token=Account.for_token)
    name: str = Token.__tablename__
    modified: Mapped[Any] = Customer.modified_date
    print(name, modified, oms.tokens.issue("warehouse").upper())
    return app


def mistakes() -> None:
    """What a checker refuses: an ignore that is not needed is an error itself."""
    OMS(5)  # type: ignore[arg-type]
    OMS(verify_token=5)  # type: ignore[arg-type]
    OMS().add(customers.list_simple)  # type: ignore[arg-type]
    Filter("integer")  # type: ignore[arg-type]
    Ordering(id=1)  # type: ignore[arg-type]
    ListService("things", "all", ThingSchema, ThingFilters)  # type: ignore[call-arg]
    customers.list_simple.bind(Customer, scope=5)  # type: ignore[arg-type]
