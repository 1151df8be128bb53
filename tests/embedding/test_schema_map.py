"""A host whose tables are a tenant's, beside others of the same names that must stay."""

from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from commands.conftest import as_csv, counts
from flask import Flask
from sqlalchemy import (
    URL,
    Engine,
    Table,
    create_engine,
    delete,
    event,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, sessionmaker

from omsflask import OMS, ChannelMixin, CustomerMixin, TokenMixin, customers
from omsflask.commands.cli import create_tables, oms
from omsflask.standalone.make_customers import make
from omsflask.standalone.sample_data import plausible
from omsflask.tables.create import advance
from omsflask.tables.staging import lock_writes

TENANT = 'ten"ant %s'


class Base(DeclarativeBase):
    pass


class Channel(ChannelMixin, Base):
    pass


class Customer(CustomerMixin, Base):
    pass


class Token(TokenMixin, Base):
    pass


CUSTOMERS: Table = Customer.__table__

OTHER = {"id": 1, "omnitron_id": 1, "email": "other@example.org"}


@pytest.fixture(params=["sqlite", "postgresql", "postgresql+psycopg2"])
def other(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An engine of the default schema, with a customer. The tenant's schema is there, and empty."""
    if request.param == "sqlite":
        engine = create_engine(f"sqlite:///{tmp_path}/default.sqlite3")
        event.listen(engine, "connect", _attach(tmp_path / "tenant.sqlite3"))
    else:
        new_schema: Callable[[], URL] = request.getfixturevalue("new_schema")
        engine = create_engine(new_schema().set(drivername=request.param))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text(f"DROP SCHEMA IF EXISTS {QUOTED} CASCADE"))
            connection.execute(text(f"CREATE SCHEMA {QUOTED}"))
        Base.metadata.create_all(connection)
        connection.execute(insert(Customer), OTHER)
    yield engine
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text(f"DROP SCHEMA {QUOTED} CASCADE"))
    engine.dispose()


QUOTED = '"{}"'.format(TENANT.replace('"', '""'))


def _attach(file: Path) -> Callable[[Any, Any], None]:
    def attach(connection: Any, _record: Any) -> None:
        connection.execute(f"ATTACH DATABASE '{file}' AS {QUOTED}")

    return attach


@pytest.fixture
def tenant(other: Engine) -> Engine:
    """The tenant's engine."""
    return other.execution_options(schema_translate_map={None: TENANT})


@pytest.fixture
def host(tenant: Engine) -> Flask:
    """The tenant's app, its tables made."""
    app, extension = Flask("tenant"), OMS(sessionmaker(tenant))
    extension.add(customers.list_simple.bind(Customer))
    extension.init_app(app)
    with app.app_context():
        assert sorted(create_tables()) == ["channels", "customers", "tokens"]
        assert create_tables() == []
    return app


@pytest.fixture(autouse=True)
def unharmed(other: Engine) -> Iterator[None]:
    """Whatever is done, the default schema stays as it was."""
    before = _state(other)
    yield
    assert _state(other) == before


def _state(engine: Engine) -> list[Any]:
    with engine.connect() as connection:
        rows = [connection.execute(select(table)).all() for table in (CUSTOMERS, Channel.__table__)]
        last = "SELECT last_value, is_called FROM customers_id_seq"
        if engine.dialect.name == "sqlite":
            last = "SELECT name, seq FROM sqlite_sequence ORDER BY name"
        return [*rows, connection.execute(text(last)).all()]


def emails(engine: Engine) -> list[str]:
    """Return the addresses of the customers that an engine reaches, by key."""
    with engine.connect() as connection:
        return [*connection.scalars(select(Customer.email).order_by(Customer.id))]


def test_a_load_is_the_tenants(host: Flask, tenant: Engine, tmp_path: Path) -> None:
    rows = customers.CustomerSchema().dump([*plausible(300)], many=True)
    file = tmp_path / "a.csv"
    run = host.test_cli_runner()
    for name, said in (
        ("Ali", "300 added, 0 changed, 0 unchanged, 0 refused"),
        ("Ali", "0 added, 0 changed, 300 unchanged, 0 refused"),
        ("Veli", "0 added, 300 changed, 0 unchanged, 0 refused"),
    ):
        file.write_bytes(as_csv([row | {"first_name": name} for row in rows]))
        result = run.invoke(oms, ["load", str(file), "--create-channels"])
        assert counts(result) == said, result.stderr
    assert emails(tenant) == [row["email"] for row in rows]
    file.write_text("omnitron_id,email\n1,new@example.org\n")
    run.invoke(oms, ["load", str(file), "--key", "email"])
    with tenant.connect() as connection:
        found = connection.execute(select(Customer.id).where(Customer.email == "new@example.org"))
        assert found.scalar() == 301


def test_who_is_forgotten_is_the_tenants(host: Flask, tenant: Engine) -> None:
    with tenant.begin() as connection:
        connection.execute(insert(Customer), OTHER | {"id": 7})
    result = host.test_cli_runner().invoke(oms, ["forget", "other@example.org", "--yes"])
    assert '"id": 7' in result.stdout
    assert result.stdout.count("\n") == 1
    assert emails(tenant) == []


def test_customers_are_made_for_the_tenant(host: Flask, tenant: Engine) -> None:
    deque(make(tenant, CUSTOMERS, 20), maxlen=0)
    assert len(emails(tenant)) == 20
    with tenant.begin() as connection:
        row = {"omnitron_id": 1, "email": "new@example.org"}
        assert connection.execute(insert(Customer).values(row)).inserted_primary_key == (21,)


def test_the_next_key_of_an_empty_table_stays(host: Flask, tenant: Engine) -> None:
    with tenant.begin() as connection:
        connection.execute(delete(Customer))
        advance(connection, CUSTOMERS)
        assert connection.scalar(select(func.count()).select_from(Customer)) == 0
        row = {"omnitron_id": 1, "email": "new@example.org"}
        assert connection.execute(insert(Customer).values(row)).inserted_primary_key == (1,)


def test_nobody_else_writes_to_the_tenants_table(
    host: Flask, tenant: Engine, other: Engine
) -> None:
    row = insert(Customer).values(OTHER | {"id": 99})
    hurry = {"sqlite": "PRAGMA busy_timeout = 0", "postgresql": "SET lock_timeout = '100ms'"}
    with tenant.connect() as connection:
        lock_writes(connection, CUSTOMERS)
        for engine in (tenant, other):
            with engine.connect() as late:
                late.execute(text(hurry[engine.dialect.name]))
                if engine is tenant or engine.dialect.name == "sqlite":
                    with pytest.raises(OperationalError):
                        late.execute(row)
                else:
                    late.execute(row)
