"""Columns and indexes for who has no tables yet, as mixins: no database, no metadata of ours.

::

    class Customer(CustomerMixin, db.Model): ...
    class Channel(ChannelMixin, db.Model): ...
    class Token(TokenMixin, db.Model): ...
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, ForeignKey, Index, Integer, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Mapped, declared_attr, has_inherited_table, mapped_column, validates
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

#: SQLite numbers rows by themselves only in a column of just this type.
Key = BigInteger().with_variant(Integer, "sqlite")
Moment = DateTime(timezone=True)


class clock(GenericFunction[datetime]):  # noqa: N801
    """SQL for the moment at which a statement runs, by the database's clock.

    The writing transaction has its lock by then, and the watermark relies on that order.
    PostgreSQL's ``now()`` is the moment at which the transaction began.
    """

    type = Moment
    inherit_cache = True


@compiles(clock, "postgresql")
def _postgresql(_element: clock, _compiler: SQLCompiler, **_: Any) -> str:
    return "clock_timestamp()"


@compiles(clock, "sqlite")
def _sqlite(_element: clock, _compiler: SQLCompiler, **_: Any) -> str:
    return "strftime('%Y-%m-%d %H:%M:%f000', 'now')"


def utc_now() -> datetime:
    """Return the present moment, in UTC."""
    return datetime.now(UTC)


def _in_utc(moment: Any) -> Any:
    # SQLite drops the zone as it stores a moment. The database evaluates SQL expressions.
    return moment.astimezone(UTC) if isinstance(moment, datetime) and moment.tzinfo else moment


class _Tabled:
    """A table of its own for the host's model, and none for what inherits from that."""

    def __init_subclass__(cls, **options: Any) -> None:
        if has_inherited_table(cls):
            for name in ("__tablename__", "__table_args__"):
                if name not in vars(cls):
                    setattr(cls, name, None)
        super().__init_subclass__(**options)


class ChannelMixin(_Tabled):
    """A sales channel: the number that a customer's ``channel`` is, and its name."""

    __tablename__ = "channels"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(String(255))


class CustomerMixin(_Tabled):
    """A customer, with the published columns.

    Every documented filter and sort has an index that ends in the key, so that pages come in order.
    The database itself stamps what is written by hand in SQL (:mod:`omsflask.tables.triggers`).
    """

    __tablename__ = "customers"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    created_date: Mapped[datetime] = mapped_column(Moment, default=clock(), server_default=clock())
    modified_date: Mapped[datetime] = mapped_column(
        Moment, default=clock(), server_default=clock(), onupdate=clock()
    )
    omnitron_id: Mapped[int] = mapped_column(Integer)
    email: Mapped[str] = mapped_column(String(254))
    first_name: Mapped[str | None] = mapped_column(String(255))
    last_name: Mapped[str | None] = mapped_column(String(255))
    phone_number: Mapped[str | None] = mapped_column(String(128))
    erp_code: Mapped[str | None] = mapped_column(String(64))

    @declared_attr
    def channel_id(cls) -> Mapped[int | None]:  # noqa: N805
        """The channel, in the table that :class:`ChannelMixin` makes."""
        return mapped_column(Key, ForeignKey("channels.id"))

    @declared_attr.directive
    def __table_args__(cls) -> tuple[Any, ...]:  # noqa: N805
        """Indexes; keys that are never used twice, so that ``id__gt`` misses nobody."""
        table = cls.__tablename__
        return (
            *(
                Index(f"ix_{table}_{column}", column, "id")
                for column in ("email", "first_name", "last_name", "phone_number", "erp_code")
            ),
            Index(f"ix_{table}_modified_date", "modified_date", "id"),
            # Many customers share a channel: its rows must come in either order.
            Index(f"ix_{table}_channel_id", "channel_id", "modified_date", "id"),
            Index(f"ix_{table}_channel_id_id", "channel_id", "id"),
            {"sqlite_autoincrement": True},
        )

    @validates("created_date", "modified_date")
    def _moment_in_utc(self, _name: str, moment: Any) -> Any:
        return _in_utc(moment)


class TokenMixin(_Tabled):
    """An API token. The key itself is not here: only its SHA-256, and its beginning for lists."""

    __tablename__ = "tokens"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(String(255))
    prefix: Mapped[str] = mapped_column(String(12))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(Moment, default=utc_now)
    expires_at: Mapped[datetime | None] = mapped_column(Moment)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)
    last_used_at: Mapped[datetime | None] = mapped_column(Moment)
