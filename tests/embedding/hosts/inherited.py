"""Customers that are one kind of a larger thing, in one table and in two."""

from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, ForeignKey, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column, sessionmaker

from omsflask import OMS, customers

from .host import ROWS, Host, fill, new_app, verify

#: Others in the same table, of the same values.
OTHERS = [row | {"id": row["id"] + 500} for row in ROWS]


class Base(DeclarativeBase):
    pass


class Kinds:
    """Rows of several classes, told apart by their kind."""

    kind: Mapped[str]

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805
        return {"polymorphic_on": "kind", "polymorphic_identity": cls.__name__}


class Party(Kinds, Base):
    __tablename__ = "parties"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str]
    created_date: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class PartyCustomer(Party):
    __tablename__ = "party_customers"
    id: Mapped[int] = mapped_column(ForeignKey("parties.id"), primary_key=True)
    modified_date: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    omnitron_id: Mapped[int]
    first_name: Mapped[str | None]
    last_name: Mapped[str | None]
    phone_number: Mapped[str | None]
    erp_code: Mapped[str | None]
    channel_id: Mapped[int | None]


class Buyer(Kinds, Base):
    __tablename__ = "buyers"

    id: Mapped[int] = mapped_column(primary_key=True)
    created_date: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    modified_date: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    omnitron_id: Mapped[int]
    email: Mapped[str]
    first_name: Mapped[str | None]
    last_name: Mapped[str | None]
    phone_number: Mapped[str | None]
    erp_code: Mapped[str | None]
    channel_id: Mapped[int | None]


class Consumer(Buyer):
    pass


class LoyalConsumer(Consumer):
    pass


def joined(url: str) -> Host:
    """Customers are the rows of two tables that belong together."""
    app, engine = new_app(), create_engine(url)
    Base.metadata.create_all(engine)
    parties = [_only(Party, row) | {"kind": "PartyCustomer"} for row in ROWS]
    parties += [_only(Party, row) | {"kind": "Party"} for row in OTHERS]
    details = [_only(PartyCustomer.__table__, row) for row in ROWS]
    fill(engine, (Party.__table__, parties), (PartyCustomer.__table__, details))
    return _serve(app, engine, PartyCustomer)


def single_table(url: str) -> Host:
    """Customers are those rows of a table that say so, themselves or as a kind of customer."""
    app, engine = new_app(), create_engine(url)
    Base.metadata.create_all(engine)
    kinds = ("Consumer", "LoyalConsumer")
    rows = [_only(Buyer, row) | {"kind": kinds[row["id"] % 2]} for row in ROWS]
    rows += [_only(Buyer, row) | {"kind": "Buyer"} for row in OTHERS]
    fill(engine, (Buyer.__table__, rows))
    return _serve(app, engine, Consumer)


def _only(table: Any, row: dict[str, Any]) -> dict[str, Any]:
    columns = getattr(table, "__table__", table).c
    return {name: value for name, value in row.items() if name in columns}


def _serve(app: Any, engine: Any, model: type[Any]) -> Host:
    oms = OMS(sessionmaker(engine), verify_token=verify)
    oms.add(customers.list_simple.bind(model))
    oms.init_app(app)
    return Host(app, engine)
