"""Loading into a host's database: where the mixins are, and nowhere else."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from commands.conftest import counts
from conftest import Client
from flask import Flask
from sqlalchemy import Engine, String, TypeDecorator, create_engine, func, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from omsflask import OMS, ChannelMixin, CustomerMixin, customers
from omsflask.commands.cli import oms
from omsflask.commands.load import writing
from omsflask.standalone.sample_data import plausible

from .hosts.host import ROWS, Host, verify


def test_a_host_takes_what_it_gives_where_it_has_the_mixins(
    host: Host, guest: Client, tmp_path: Path
) -> None:
    file = tmp_path / "customers.json"
    file.write_bytes(guest.get(f"{host.path}?limit=1000").data)
    result = host.app.test_cli_runner().invoke(oms, ["load", str(file), "--dry-run"])
    with host.app.app_context():
        models = host.app.extensions["oms"]._models(CustomerMixin)
    if models:
        assert counts(result) == f"0 added, 0 changed, {len(ROWS)} unchanged, 0 refused"
    else:
        assert result.exit_code == 1
        assert result.stderr == (
            "Error: This needs one model with omsflask.CustomerMixin, and the app has 0.\n"
        )


def test_a_loaded_customer_is_of_the_hosts_kind(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    class Base(DeclarativeBase):
        pass

    class Channel(ChannelMixin, Base):
        pass

    class Customer(CustomerMixin, Base):
        kind: Mapped[str]
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "customer"}  # noqa: RUF012

    class Vip(Customer):
        __mapper_args__ = {"polymorphic_identity": "vip"}  # noqa: RUF012

    engine = create_engine(new_database())
    Base.metadata.create_all(engine)
    app, extension = Flask("host"), OMS(sessionmaker(engine), verify_token=verify)
    extension.add(customers.list_simple.bind(Vip))
    extension.init_app(app)
    file = tmp_path / "a.jsonl"
    for name in ("Ali", "Veli"):
        file.write_text(
            f'{{"id": 1, "omnitron_id": 1, "email": "a@b.example", "first_name": "{name}"}}'
        )
        result = app.test_cli_runner().invoke(oms, ["load", str(file)])
        assert result.exit_code == 0, result.stderr
    with engine.connect() as connection:
        rows = connection.execute(select(Customer.kind, Customer.first_name)).all()
    assert rows == [("customer", "Veli")]
    engine.dispose()


class Shouted(TypeDecorator[str]):
    """Text that is stored in a form of the host's own."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: Any) -> str | None:
        return value and f"<{value}>"

    def process_result_value(self, value: str | None, _dialect: Any) -> str | None:
        return value and value[1:-1]


class Plain(DeclarativeBase):
    pass


class PlainChannel(ChannelMixin, Plain):
    pass


class Secretive(CustomerMixin, Plain):
    """A customer whose name is stored in another form, in a column of another name."""

    __table_args__ = ()

    first_name: Mapped[str | None] = mapped_column("given", Shouted(255))
    last_name: Mapped[str | None] = mapped_column("family", String(255))


class Renamed(DeclarativeBase):
    pass


class OtherChannel(ChannelMixin, Renamed):
    pass


class Other(CustomerMixin, Renamed):
    """A customer in columns of other names, with one more that the database fills."""

    __table_args__ = ()

    first_name: Mapped[str | None] = mapped_column("given name", String(255))
    email: Mapped[str] = mapped_column("e%mail", String(254))
    source: Mapped[str] = mapped_column(String(9), server_default="file")


class Numbered(DeclarativeBase):
    pass


class NumberedChannel(ChannelMixin, Numbered):
    pass


class WithDefault(CustomerMixin, Numbered):
    """A customer with a number that Python makes."""

    number: Mapped[str] = mapped_column(String(36), default=lambda: str(uuid4()))


def own_app(base: type[DeclarativeBase], model: type[Any], engine: Engine) -> Flask:
    """Return an app with a model of a host's."""
    base.metadata.create_all(engine)
    app, extension = Flask("host"), OMS(sessionmaker(engine), verify_token=verify)
    extension.add(customers.list_simple.bind(model))
    extension.init_app(app)
    return app


@pytest.mark.parametrize(
    ("base", "model", "by_the_thousand"),
    [(Plain, Secretive, False), (Numbered, WithDefault, False), (Renamed, Other, True)],
)
def test_what_a_host_does_by_itself_is_done_for_many_rows(
    new_database: Callable[[], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    base: type[DeclarativeBase],
    model: type[Any],
    by_the_thousand: bool,
) -> None:
    staged: list[Any] = []
    for name in ("insert_rows", "update_rows"):
        write = getattr(writing, name)
        monkeypatch.setattr(
            writing, name, lambda *them, write=write: staged.append(1) or write(*them)
        )
    engine = create_engine(new_database())
    app = own_app(base, model, engine)
    file = tmp_path / "a.jsonl"
    for name in ("Ali", "Veli"):
        rows = [row | {"first_name": name} for row in plausible(200)]
        shown = customers.CustomerSchema().dump(rows, many=True)
        file.write_text("\n".join(map(json.dumps, shown)))
        result = app.test_cli_runner().invoke(oms, ["load", str(file), "--create-channels"])
        assert result.exit_code == 0, result.stderr
        with Session(engine) as session:
            stored = session.scalars(select(model).order_by(model.id)).all()
            for customer, row in zip(stored, rows, strict=True):
                assert customer.first_name == name
                assert (customer.last_name, customer.email) == (row["last_name"], row["email"])
            if model is WithDefault:
                assert len({customer.number for customer in stored}) == len(rows)
    assert bool(staged) == by_the_thousand
    if model is Secretive:
        with engine.connect() as connection:
            assert set(connection.scalars(text("SELECT given FROM customers"))) == {"<Veli>"}
    engine.dispose()


def test_a_hosts_transaction_holds_what_is_loaded(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    """A host's tests bind its session to a connection, and roll all back."""
    engine = create_engine(new_database())
    Renamed.metadata.create_all(engine)
    file = tmp_path / "a.jsonl"
    rows = customers.CustomerSchema().dump([*plausible(200)], many=True)
    file.write_text("\n".join(map(json.dumps, rows)))
    with engine.connect() as connection:
        transaction = connection.begin()
        app, extension = Flask("host"), OMS(lambda: Session(connection), verify_token=verify)
        extension.add(customers.list_simple.bind(Other))
        extension.init_app(app)
        for said in ("200 added", "0 added, 0 changed, 200 unchanged"):
            result = app.test_cli_runner().invoke(oms, ["load", str(file), "--create-channels"])
            assert counts(result).startswith(said), result.stderr
        result = app.test_cli_runner().invoke(oms, ["forget", "7", "--yes"])
        assert result.exit_code == 0, result.stderr
        assert connection.scalar(select(func.count()).select_from(Other)) == 199
        transaction.rollback()
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(Other)) == 0
    engine.dispose()
