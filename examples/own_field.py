"""A field type of a host's own: money that a column keeps in cents.

A class of field brings its row of facts as ``oms_type``. ``replace`` takes those of another type.
"""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from marshmallow import Schema, fields
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from omsflask import Filter, FilterSet, ListService, Ordering
from omsflask.declarations.types import TYPES


def bind_cents(value: Decimal, sql_type: Any) -> tuple[int, Any]:
    """Return an amount as its column is compared with it; a fraction of a cent is refused."""
    cents = value * 100
    if cents != int(cents):
        raise ValueError(value)
    return TYPES["integer"].bind(int(cents), sql_type)


class Money(fields.Decimal):
    """An amount, ``"9.90"``, of a column that keeps 990."""

    oms_type = replace(
        TYPES["decimal"],
        name="money",
        fields=(),
        published="money",
        shows=frozenset(["integer"]),
        compares=frozenset(["integer"]),
        cast=lambda cents: Decimal(cents) / 100,
        bind=bind_cents,
    )


class Base(DeclarativeBase):
    """The host's tables."""


class Price(Base):
    """A price."""

    __tablename__ = "prices"

    id: Mapped[int] = mapped_column(primary_key=True)
    amount: Mapped[int]


class PriceSchema(Schema):
    """A price as it is shown."""

    id = fields.Integer()
    amount = Money(places=2)


class PriceFilters(FilterSet):
    """How prices may be sorted and narrowed."""

    sort = Ordering(amount="Amount")
    amount = Filter(Money, lookups=("exact", "gte", "in"))


prices = ListService(resource="prices", name="all", schema=PriceSchema, filters=PriceFilters)
listing = prices.bind(Price)
