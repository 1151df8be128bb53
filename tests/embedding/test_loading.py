"""Loading into a host's database: where the mixins are, and nowhere else."""

from collections.abc import Callable
from pathlib import Path

from commands.conftest import counts
from conftest import Client
from flask import Flask
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, sessionmaker

from omsflask import OMS, ChannelMixin, CustomerMixin, customers
from omsflask.commands.cli import oms

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
