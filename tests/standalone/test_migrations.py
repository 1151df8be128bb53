"""The standalone app's revisions: what they make is what the models say."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from click.testing import CliRunner, Result
from conftest import dispose, make_client
from flask import Flask
from flask.cli import ScriptInfo
from sqlalchemy import Connection, Engine, create_engine, insert, inspect
from sqlalchemy.orm import DeclarativeBase, sessionmaker

from omsflask import OMS, ChannelMixin, CustomerMixin, customers
from omsflask.__main__ import omsflask
from omsflask.standalone import migrations
from omsflask.standalone.app import Channel, Customer, create_app, db
from omsflask.standalone.sample_data import channels, plausible

#: What ``init-db`` made before there were revisions.
UNMIGRATED = Path(__file__).parent / "unmigrated"

TRIGGERS = {
    "sqlite": "SELECT sql FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": """
        SELECT pg_get_triggerdef(oid) || pg_get_functiondef(tgfoid)
        FROM pg_trigger WHERE tgrelid = to_regclass('customers') AND NOT tgisinternal
    """,
}
FUNCTIONS = "SELECT proname FROM pg_proc WHERE pronamespace = current_schema()::regnamespace"


@pytest.fixture
def new_app(new_database: Callable[[], str]) -> Iterator[Callable[[], Flask]]:
    """Make an app over an empty database, in its context."""
    opened = []

    def make() -> Flask:
        app = create_app({"OMS_DATABASE_URL": new_database(), "TESTING": True})
        opened.append((app, app.app_context()))
        opened[-1][1].push()
        return app

    yield make
    for app, context in reversed(opened):
        dispose(app)
        context.pop()


@pytest.fixture
def app(new_app: Callable[[], Flask]) -> Flask:
    """An app over an empty database."""
    return new_app()


@pytest.fixture
def unmigrated(app: Flask) -> Flask:
    """An app over a database from before there were revisions, whose last customer is gone."""
    statements = (UNMIGRATED / f"{db.engine.dialect.name}.sql").read_text().split(";\n")
    with db.engine.begin() as connection:
        for statement in filter(str.strip, statements):
            connection.exec_driver_sql(statement)
        connection.execute(insert(Channel), [*channels()])
        rows = [dict([*row.items()][1:]) for row in plausible(5)]
        connection.execute(insert(Customer), rows)
        connection.execute(Customer.__table__.delete().where(Customer.id == 5))
    return app


def run(app: Flask, *arguments: str) -> Result:
    return CliRunner().invoke(omsflask, arguments, obj=ScriptInfo(create_app=lambda: app))


def differences(engine: Engine) -> list[object]:
    options = {"compare_type": True, "compare_server_default": True}
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, db.metadata))


def triggers(connection: Connection) -> list[str]:
    """Return what the triggers are, but for their schema's name and how they were laid out."""
    texts = connection.exec_driver_sql(TRIGGERS[connection.dialect.name]).scalars()
    return [" ".join(re.sub(r"oms_test_\d+_\d+\.|\"", "", text).split()) for text in texts]


def assert_as_the_models_say(new_app: Callable[[], Flask]) -> None:
    assert differences(db.engine) == []
    with db.engine.connect() as connection:
        migrated = triggers(connection)
    new_app()
    db.create_all()
    with db.engine.connect() as connection:
        assert migrated == triggers(connection)
    assert len(migrated) == {"sqlite": 3, "postgresql": 1}[db.engine.dialect.name]


def test_an_empty_database_becomes_what_the_models_say(
    app: Flask, new_app: Callable[[], Flask]
) -> None:
    result = run(app, "db", "upgrade")
    assert result.stderr == "Upgraded to 0001.\nUpgraded to 0002.\nUpgraded to 0003.\n"
    assert run(app, "db", "upgrade").stderr == ""
    assert_as_the_models_say(new_app)


def test_a_database_from_before_is_taken_over(
    unmigrated: Flask, new_app: Callable[[], Flask]
) -> None:
    client = make_client(unmigrated)
    before = client.page("format=csv").data
    assert run(unmigrated, "init-db").stderr.endswith("The database is up to date.\n")
    assert client.page("format=csv").data == before
    with db.engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO customers (omnitron_id, email) VALUES (1, 'a@x')")
    assert client.ids() == [1, 2, 3, 4, 6], "no key is used twice"
    assert_as_the_models_say(new_app)


def test_sqlite_looks_at_the_values_when_it_is_brought_up_to_date(unmigrated: Flask) -> None:
    run(unmigrated, "init-db")
    with db.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            known = connection.exec_driver_sql("SELECT idx FROM sqlite_stat1").scalars()
            assert {"ix_customers_email", "ix_customers_channel_id_id"} <= {*known}


def test_what_was_left_half_made_is_completed(
    unmigrated: Flask, new_app: Callable[[], Flask]
) -> None:
    Customer.__table__.drop(db.engine)
    migrations.upgrade()
    assert_as_the_models_say(new_app)


def test_tables_of_somebody_elses_are_left_alone(app: Flask) -> None:
    with db.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT)")
    result = run(app, "init-db")
    assert result.exit_code == 1
    assert result.stderr == "Error: Not made by this service, though named so: customers.\n"
    with db.engine.connect() as connection:
        assert inspect(connection).get_table_names() == ["customers"]


def test_back_at_the_start_nothing_is_left(unmigrated: Flask) -> None:
    run(unmigrated, "db", "upgrade")
    result = run(unmigrated, "db", "downgrade", "0001")
    assert result.stderr == "Downgraded to 0002.\nDowngraded to 0001.\n"
    assert make_client(unmigrated).ids() == [1, 2, 3, 4]
    run(unmigrated, "db", "downgrade", "base")
    with db.engine.connect() as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]
        assert triggers(connection) == []
        if connection.dialect.name == "postgresql":
            assert connection.exec_driver_sql(FUNCTIONS).all() == []


def test_a_hosts_init_db_creates_what_is_missing(new_database: Callable[[], str]) -> None:
    class Base(DeclarativeBase):
        pass

    class Channel(ChannelMixin, Base):
        pass

    class Customer(CustomerMixin, Base):
        pass

    host, engine = Flask("host"), create_engine(new_database())
    oms = OMS(sessionmaker(engine), verify_token=lambda key: key)
    oms.add(customers.list_simple.bind(Customer))
    oms.init_app(host)
    said = [run(host, "init-db").stderr for _ in range(2)]
    assert said == ["Created channels, customers.\n", "Nothing was missing.\n"]
    assert "alembic_version" not in inspect(engine).get_table_names()
    engine.dispose()


def test_a_database_from_the_future_is_a_sentence(app: Flask) -> None:
    migrations.upgrade()
    with db.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    result = run(app, "init-db")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "9999" in result.stderr


def test_without_flask_migrate_the_answer_is_a_sentence(app: Flask) -> None:
    del app.extensions["migrate"]
    result = run(app, "init-db")
    assert result.stderr == (
        "Error: Flask-Migrate is not installed: pip install 'omsflask[server]'.\n"
    )
