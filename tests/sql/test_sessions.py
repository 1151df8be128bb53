"""Sessions of other settings, and databases of other encodings: the answers stay the same."""

import io
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from conftest import Client
from flask import Flask
from marshmallow import Schema, fields
from openpyxl import load_workbook
from sqlalchemy import URL, Connection, DateTime, Engine, Interval, create_engine, insert, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

from omsflask import OMS, FilterSet, ListService, Ordering, customers
from omsflask.standalone.sample_data import plausible
from omsflask.tables.models import ChannelMixin, CustomerMixin

PATH = "/api/v1/oms/customers/list-simple/"
FORMATS = ("json", "csv", "xlsx")


class Base(DeclarativeBase):
    pass


class Channel(ChannelMixin, Base):
    pass


class Customer(CustomerMixin, Base):
    pass


class Step(Base):
    __tablename__ = "steps"

    id: Mapped[int] = mapped_column(primary_key=True)
    lasted: Mapped[timedelta] = mapped_column(Interval)
    begun: Mapped[Any] = mapped_column(DateTime(timezone=True))


class StepSchema(Schema):
    id = fields.Integer()
    lasted = fields.TimeDelta()
    begun = fields.DateTime()


class StepFilters(FilterSet):
    sort = Ordering(begun="Begun")


steps = ListService(resource="steps", name="all", schema=StepSchema, filters=StepFilters)


def client_of(bind: Engine | Connection) -> Client:
    """Return a client of a host over an engine, or over a connection as a host's tests have."""
    app = Flask("host")
    oms = OMS(sessionmaker(bind), verify_token=lambda key: key)
    oms.add(customers.list_simple.bind(Customer))
    oms.add(steps.bind(Step))
    oms.init_app(app)
    app.test_client_class = Client
    client = app.test_client()
    assert isinstance(client, Client)
    client.key = "any"
    return client


def answers(client: Client) -> list[Any]:
    """Return what each format says of the same rows."""
    pages = [client.page(f"format={it}&sort=-modified_date") for it in FORMATS]
    pages += [client.page("sort=-modified_date&limit=3"), client.get("/api/v1/oms/steps/all/")]
    assert [it.status_code for it in pages] == [200] * len(pages)
    pages += [client.get(pages[3].json["next"])]  # type: ignore[index]
    return [_content(it) for it in pages]


def _content(page: Any) -> Any:
    if page.mimetype != "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":
        page.data.decode()
        return [*map(str, page.data.splitlines())] if page.mimetype == "text/csv" else page.json
    return [*load_workbook(io.BytesIO(page.data)).active.iter_rows(values_only=True)]  # type: ignore[union-attr]


def fill(engine: Engine) -> None:
    """Make the tables and some rows."""
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(Channel), [{"id": it, "name": "c"} for it in range(1, 9)])
        connection.execute(insert(Customer), [*plausible(7)])
        moment = connection.scalar(select(Customer.modified_date).where(Customer.id == 1))
        step = {"id": 1, "lasted": timedelta(days=1, seconds=5), "begun": moment}
        connection.execute(insert(Step), [step])


def with_settings(url: URL, **settings: str) -> URL:
    options = " ".join([str(url.query["options"]), *(f"-c {n}={v}" for n, v in settings.items())])
    return url.update_query_dict({"options": options})


@pytest.fixture(scope="module")
def filled(new_schema: Callable[[], URL]) -> Iterator[tuple[URL, list[Any]]]:
    """A schema with rows, and the answers of a usual session."""
    url = new_schema()
    engine = create_engine(url)
    fill(engine)
    yield url, answers(client_of(engine))
    engine.dispose()


SETTINGS: list[dict[str, str]] = [
    {"DateStyle": "German"},
    {"DateStyle": "SQL,DMY"},
    {"DateStyle": "Postgres"},
    {"client_encoding": "LATIN5"},
    {"client_encoding": "WIN1254", "DateStyle": "German"},
    {"IntervalStyle": "iso_8601"},
    {"TimeZone": "Asia/Kolkata", "DateStyle": "SQL"},
]


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
@pytest.mark.parametrize("settings", SETTINGS, ids=[" ".join(it.values()) for it in SETTINGS])
def test_a_session_may_have_other_settings(
    filled: tuple[URL, list[Any]], settings: dict[str, str], driver: str
) -> None:
    url, usual = filled
    engine = create_engine(with_settings(url, **settings).set(drivername=f"postgresql+{driver}"))
    client = client_of(engine)
    assert [answers(client) for _ in range(2)] == [usual] * 2
    # The host's own use of the connection sees what it has set.
    with engine.connect() as connection:
        found = {it: connection.exec_driver_sql(f"SHOW {it}").scalar() for it in settings}
    engine.dispose()
    if driver == "psycopg":
        assert all(str(found[it]).startswith(settings[it].split(",")[0]) for it in settings)


def test_a_hosts_transaction_keeps_its_settings(filled: tuple[URL, list[Any]]) -> None:
    url, usual = filled
    engine = create_engine(url)
    with engine.connect() as connection:
        connection.exec_driver_sql("SET LOCAL datestyle = 'German'")
        assert answers(client_of(connection)) == usual
        assert connection.exec_driver_sql("SHOW datestyle").scalar() == "German, DMY"
        assert connection.in_transaction()
    engine.dispose()


_numbers = count(1)


@pytest.fixture
def new_encoding(postgres: URL) -> Iterator[Callable[..., Engine]]:
    """Make a database of another encoding."""
    admin = create_engine(postgres, isolation_level="AUTOCOMMIT")
    engines = []

    def make(encoding: str, driver: str = "psycopg", **query: str) -> Engine:
        name = f"oms_test_{os.getpid()}_{encoding.lower()}_{next(_numbers)}"
        with admin.connect() as connection:
            connection.exec_driver_sql(
                f"CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'"
                " TEMPLATE template0"
            )
        url = postgres.set(database=name, drivername=f"postgresql+{driver}")
        engines.append(create_engine(url.update_query_dict(query)))
        fill(engines[-1])
        return engines[-1]

    yield make
    for engine in engines:
        engine.dispose()
        with admin.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {engine.url.database}")
    admin.dispose()


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_a_database_may_have_another_encoding(
    new_encoding: Callable[..., Engine], filled: tuple[URL, list[Any]], driver: str
) -> None:
    client = client_of(new_encoding("LATIN5", driver))
    assert answers(client) == filled[1]
    assert client.page("first_name=%C4%B0pek").status_code == 200
    refused = client.page("first_name=%E4%BD%A0")
    assert (refused.status_code, list(refused.json)) == (400, ["detail"])  # type: ignore[arg-type]


def test_a_database_without_an_encoding_holds_utf_8_or_the_answer_is_an_error(
    new_encoding: Callable[..., Engine], filled: tuple[URL, list[Any]]
) -> None:
    engine = new_encoding("SQL_ASCII", client_encoding="utf8")
    client = client_of(engine)
    assert answers(client) == filled[1]
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE customers SET first_name = E'I\\xfe\\xfdl' WHERE id = 2")
    for query in ("", "format=csv", "format=csv&limit=5", "format=xlsx"):
        refused = client.page(query)
        assert (refused.status_code, refused.json) == (
            500,
            {"detail": "The database holds text that is not UTF-8."},
        )
