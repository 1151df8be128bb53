"""Percent signs: in names of tables and columns, in SQL and in values."""

import csv
import io
from collections.abc import Callable, Iterator

import pytest
from conftest import Client
from flask import Flask
from sqlalchemy import BigInteger, ForeignKey, String, create_engine, insert, literal_column, update
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column, sessionmaker

from omsflask import OMS, ChannelMixin, CustomerMixin, TokenMixin, customers
from omsflask.commands.cli import oms as commands
from omsflask.standalone.sample_data import channels, plausible

PATH = "/api/v1/oms/customers/list-simple/"


class Base(DeclarativeBase):
    pass


class Channel(ChannelMixin, Base):
    __tablename__ = "chan%s"


class Customer(CustomerMixin, Base):
    __tablename__ = "cust%(o)s"

    nick: Mapped[str | None] = mapped_column("rate%", String(255))

    @declared_attr
    def channel_id(cls) -> Mapped[int | None]:  # noqa: N805
        return mapped_column(BigInteger, ForeignKey("chan%s.id"))


class Token(TokenMixin, Base):
    __tablename__ = "tok%%ens"


@pytest.fixture(scope="module")
def client(new_database: Callable[[], str]) -> Iterator[Client]:
    """A client of a host whose names and values are full of percent signs."""
    engine = create_engine(new_database())
    Base.metadata.create_all(engine)
    rows = [row | {"last_name": "10%", "rate%": "%s%%"} for row in plausible(4)]
    with engine.begin() as connection:
        connection.execute(insert(Channel), [*channels()])
        connection.execute(insert(Customer), rows)
        connection.execute(update(Customer).values({"rate%": "%(x)s"}).where(Customer.id == 2))
    app = Flask("host")
    app.testing = True
    oms = OMS(sessionmaker(engine))
    discount = Customer.last_name + literal_column("'%d%%'", String)
    oms.add(customers.list_simple.bind(Customer, first_name=Customer.nick, erp_code=discount))
    oms.init_app(app)
    app.cli.add_command(commands)
    app.test_client_class = Client
    client = app.test_client()
    assert isinstance(client, Client)
    made = app.test_cli_runner().invoke(args=["oms", "token", "create", "100%"])
    client.key = made.output.split()[-1]
    yield client
    engine.dispose()


@pytest.mark.parametrize("query", ["", "last_name=10%25", "first_name=%25%25%25s", "id__gte=1"])
def test_a_percent_sign_is_a_character(client: Client, query: str) -> None:
    answers = [client.page(f"{query}&format=csv{limit}") for limit in ("", "&limit=9")]
    assert [it.status_code for it in answers] == [200, 200]
    whole, page = ([*csv.DictReader(io.StringIO(it.text))] for it in answers)
    shown = client.page(query).json["results"]  # type: ignore[index]
    names = ("first_name", "last_name", "erp_code")
    assert [[row[it] for it in names] for row in whole] == [
        [row[it] for it in names] for row in shown
    ]
    assert whole == page
    assert {row["erp_code"] for row in shown} <= {"10%%d%%"}


def test_the_names_are_found(client: Client) -> None:
    assert client.page("sort=modified_date").headers["OMS-Complete-Until"]


def test_commands_take_them_too(client: Client, tmp_path: object) -> None:
    file = f"{tmp_path}/people.csv"
    with open(file, "w", encoding="utf-8") as people:
        people.write("id,omnitron_id,email,last_name\n77,1,n%25s@example.org,%s%\n")
    run = client.application.test_cli_runner()
    for arguments in (["load", file], ["load", file], ["init-db"], ["token", "list"]):
        done = run.invoke(args=["oms", *arguments])
        assert done.exit_code == 0, done.output
    assert client.page("id__gt=76").json["results"][0]["last_name"] == "%s%"  # type: ignore[index]
    done = run.invoke(args=["oms", "forget", "77", "--yes"])
    assert done.exit_code == 0, done.output
