"""The mixins in a host's own hierarchy: what inherits from a customer is one."""

from collections.abc import Callable
from typing import Any

import pytest
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import ForeignKey, MetaData, create_engine, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from omsflask import ChannelMixin, CustomerMixin, customers
from omsflask.sql.database import Database
from omsflask.sql.query import Query
from omsflask.sql.selection import Selection


def plain() -> Any:
    return type("Base", (DeclarativeBase,), {})


def flask_sqlalchemy() -> Any:
    return SQLAlchemy().Model


@pytest.fixture(params=[plain, flask_sqlalchemy])
def models(request: pytest.FixtureRequest) -> Any:
    """A host's customer, one that shares its table, and one with a table more."""
    base = request.param()

    class Channel(ChannelMixin, base):
        pass

    class Customer(CustomerMixin, base):
        kind: Mapped[str]
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "customer"}  # noqa: RUF012

    class Vip(Customer):
        __mapper_args__ = {"polymorphic_identity": "vip"}  # noqa: RUF012

    class Dealer(Customer):
        __tablename__ = "dealers"
        __mapper_args__ = {"polymorphic_identity": "dealer"}  # noqa: RUF012

        id: Mapped[int] = mapped_column(ForeignKey("customers.id"), primary_key=True)
        level: Mapped[int]

    return Customer, Vip, Dealer


def test_what_inherits_shares_the_table_and_its_indexes(models: Any) -> None:
    customer, vip, dealer = models
    assert vip.__table__ is customer.__table__
    assert len(customer.__table__.indexes) == 8
    assert ([*dealer.__table__.c.keys()], dealer.__table__.indexes) == (["id", "level"], set())


def test_what_inherits_is_listed_alone(models: Any, new_database: Callable[[], str]) -> None:
    customer, vip, dealer = models
    engine = create_engine(new_database())
    customer.metadata.create_all(engine)
    with sessionmaker(engine).begin() as session:
        values = {"omnitron_id": 1, "email": "a@example.com"}
        session.add_all([customer(id=1, **values), vip(id=2, **values)])
        session.add_all([dealer(id=3, level=1, **values)])
    with engine.connect() as connection:
        shown = {}
        for model in models:
            query = Query.of(customers.list_simple)
            selection = Selection(customers.list_simple.bind(model), query, Database(engine))
            rows = connection.execute(selection.rows).all()
            shown[model] = [row[0] for row in rows]
            assert connection.scalar(*selection.counted()) == len(rows)
    engine.dispose()
    assert list(shown.values()) == [[1, 2, 3], [2], [3]]


def test_a_schema_of_the_hosts_holds_both_tables() -> None:
    class Base(DeclarativeBase):
        metadata = MetaData(schema="crm")

    class Channel(ChannelMixin, Base):
        pass

    class Customer(CustomerMixin, Base):
        pass

    (key,) = Customer.__table__.foreign_keys
    assert key.column.table is Channel.__table__


def test_a_date_may_be_left_to_the_database(models: Any) -> None:
    customer, *_ = models
    engine = create_engine("sqlite://")
    customer.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(customer(omnitron_id=1, email="a@example.com", modified_date=func.now()))
        session.commit()
        assert session.scalar(select(func.count(customer.id))) == 1
    engine.dispose()
