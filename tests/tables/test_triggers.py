"""The dates of what is written by hand in SQL, by the database itself."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import JSON, Engine, MetaData, Table, create_engine, event, inspect, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from omsflask import ChannelMixin, CustomerMixin
from omsflask.tables import triggers
from omsflask.tables.models import Moment, clock

LONG_AGO = "2023-01-01 00:00:00.000000"


class Base(DeclarativeBase):
    """A host's models."""


class Channel(ChannelMixin, Base):
    pass


class Customer(CustomerMixin, Base):
    """By another name, with columns that have another name, a bad one and no equality."""

    __tablename__ = "Our buyers"
    __table_args__ = ()

    modified_date: Mapped[datetime] = mapped_column("changed at", Moment)
    order: Mapped[int | None]
    tags: Mapped[Any] = mapped_column(JSON, nullable=True)


class Plain(DeclarativeBase):
    """A host's models, by the usual names."""


class PlainChannel(ChannelMixin, Plain):
    pass


class PlainCustomer(CustomerMixin, Plain):
    pass


@pytest.fixture
def engine(new_database: Callable[[], str]) -> Iterator[Engine]:
    """The mixin's tables, and three customers of long ago."""
    engine = create_engine(new_database())
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _recursive)
    Plain.metadata.create_all(engine)
    with engine.begin() as connection:
        for id_ in (1, 2, 3):
            connection.exec_driver_sql(
                "INSERT INTO customers (id, created_date, modified_date, omnitron_id, email)"
                f" VALUES ({id_}, '{LONG_AGO}', '{LONG_AGO}', 1, 'a@example.com')"
            )
    yield engine
    engine.dispose()


def _recursive(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA recursive_triggers = ON")


def run(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def dates(engine: Engine) -> dict[int, tuple[datetime, datetime]]:
    with Session(engine) as session:
        return {
            it.id: (_aware(it.created_date), _aware(it.modified_date))
            for it in session.query(PlainCustomer)
        }


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def is_now(moment: datetime) -> bool:
    return abs(datetime.now(UTC) - moment) < timedelta(minutes=1)


def test_what_is_inserted_without_dates_is_dated(engine: Engine) -> None:
    run(engine, "DELETE FROM customers")
    run(engine, "INSERT INTO customers (omnitron_id, email) VALUES (1, 'b@example.com')")
    ((created, modified),) = dates(engine).values()
    assert is_now(created)
    assert is_now(modified)


def test_dates_that_are_inserted_stay_as_given(engine: Engine) -> None:
    assert {it.year for row in dates(engine).values() for it in row} == {2023}


def test_what_is_updated_is_stamped_and_nothing_else(engine: Engine) -> None:
    run(engine, "UPDATE customers SET email = 'b@example.com' WHERE id > 1")
    found = dates(engine)
    assert [is_now(modified) for _, modified in found.values()] == [False, True, True]
    assert {created.year for created, _ in found.values()} == {2023}


def test_a_date_that_an_update_sets_stays_as_given(engine: Engine) -> None:
    run(engine, "UPDATE customers SET email = 'b@x', modified_date = '2022-02-02 00:00:00.000000'")
    assert {modified.year for _, modified in dates(engine).values()} == {2022}


def test_a_load_that_is_repeated_keeps_its_dates(engine: Engine) -> None:
    load = (
        "INSERT INTO customers (id, created_date, modified_date, omnitron_id, email)"
        f" VALUES (1, '{LONG_AGO}', '{LONG_AGO}', 1, '{{}}') ON CONFLICT (id) DO UPDATE"
        " SET email = excluded.email, modified_date = excluded.modified_date"
    )
    run(engine, load.format("a@example.com"))
    assert not is_now(dates(engine)[1][1])
    run(engine, load.format("another@example.com"))
    assert is_now(dates(engine)[1][1]), "who has changed and says that it has not"


def test_a_stamp_is_later_than_all_that_are_committed(engine: Engine) -> None:
    run(engine, "UPDATE customers SET last_name = 'x' WHERE id = 1")
    run(engine, "UPDATE customers SET last_name = 'x' WHERE id = 2")
    found = dates(engine)
    assert found[1][1] <= found[2][1]


def test_a_stamp_is_taken_when_the_statement_runs(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE customers SET last_name = 'x' WHERE id = 1")
        between = _aware(connection.scalars(select(clock())).one())
        connection.exec_driver_sql("UPDATE customers SET last_name = 'x' WHERE id = 2")
    found = dates(engine)
    assert found[1][1] <= between <= found[2][1]


@pytest.fixture
def others(new_database: Callable[[], str]) -> Iterator[Engine]:
    """The tables of the host with other names."""
    engine = create_engine(new_database())
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


def test_other_names_and_types_do(others: Engine) -> None:
    with Session(others) as session:
        customer = Customer(id=1, omnitron_id=1, email="a@x", modified_date=datetime(2023, 1, 1))
        session.add(customer)
        session.commit()
        for column, value in [('"order"', "5"), ("tags", "'[1]'"), ("id", "7")]:
            run(others, f'UPDATE "Our buyers" SET "changed at" = \'{LONG_AGO}\'')
            run(others, f'UPDATE "Our buyers" SET {column} = {value}')
            changed = session.query(Customer.modified_date).scalar()
            assert is_now(_aware(changed)), column
            session.rollback()


def test_nothing_outlives_the_table(others: Engine) -> None:
    Base.metadata.drop_all(others)
    with others.connect() as connection:
        assert inspect(connection).get_table_names() == []
        left = connection.exec_driver_sql(LEFT[others.dialect.name]).all()
    assert left == []


LEFT = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT proname FROM pg_proc WHERE pronamespace = current_schema()::regnamespace",
}


def test_a_host_adds_it_to_a_table_that_it_has(others: Engine) -> None:
    """As in a migration: again after a column was added, and without the models."""
    run(others, 'ALTER TABLE "Our buyers" ADD COLUMN colour TEXT')
    run(others, "INSERT INTO \"Our buyers\" (omnitron_id, email, \"changed at\")"
        f" VALUES (1, 'a@x', '{LONG_AGO}')")  # fmt: skip
    with others.begin() as connection:
        table = Table("Our buyers", MetaData(), autoload_with=connection)
        triggers.drop(connection, table, "changed at")
    assert _stamped(others, "red") is False
    with others.begin() as connection:
        triggers.create(connection, table, "changed at")
        triggers.create(connection, table, "changed at")
    assert _stamped(others, "blue") is True


def _stamped(engine: Engine, colour: str) -> bool:
    run(engine, f"UPDATE \"Our buyers\" SET colour = '{colour}'")
    with Session(engine) as session:
        return is_now(_aware(session.query(Customer.modified_date).scalar()))


@pytest.fixture
def schema(engine: Engine) -> Iterator[str]:
    """Another schema, which is an attached file on SQLite."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _attach)
        engine.dispose()
        yield "crm"
        return
    name = f"crm_{id(engine)}"
    run(engine, f"CREATE SCHEMA {name}")
    yield name
    run(engine, f"DROP SCHEMA {name} CASCADE")


def _attach(connection: Any, _record: Any) -> None:
    connection.execute("ATTACH ':memory:' AS crm")


@pytest.mark.parametrize("named_by", ["model", "engine"])
def test_a_table_of_another_schema_has_its_trigger(
    engine: Engine, schema: str, named_by: str
) -> None:
    class Elsewhere(DeclarativeBase):
        metadata = MetaData(schema=schema if named_by == "model" else None)

    class Channel(ChannelMixin, Elsewhere):
        pass

    class Customer(CustomerMixin, Elsewhere):
        pass

    with engine.connect() as connection:
        if named_by == "engine":
            connection.execution_options(schema_translate_map={None: schema})
        Elsewhere.metadata.create_all(connection)
        for statement in (
            "INSERT INTO {}.customers (omnitron_id, email, modified_date) VALUES (1, 'a', '{}')",
            "UPDATE {}.customers SET email = 'b'",
        ):
            connection.exec_driver_sql(statement.format(schema, LONG_AGO))
        with Session(connection) as session:
            assert is_now(_aware(session.query(Customer.modified_date).scalar()))
        Elsewhere.metadata.drop_all(connection)
        connection.commit()


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("CURRENT_TIMESTAMP", None),
        ("'2024-01-31 10:00:00'", "2024-01-31 10:00:00.000000"),
        ("'2024-01-31T10:00:00.5Z'", "2024-01-31 10:00:00.500000"),
        ("'2024-01-31T10:00:00.123456'", "2024-01-31 10:00:00.123000"),
        ("'2024-01-31 10:00:00+03:00'", "2024-01-31 07:00:00.000000"),
        ("'2024-01-31'", "2024-01-31 00:00:00.000000"),
        ("'2024-01-31 10:00:00.123456'", "2024-01-31 10:00:00.123456"),
        ("'yesterday'", "yesterday"),
    ],
)
def test_sqlite_gives_a_date_the_form_that_it_is_compared_in(
    written: str, kept: str | None
) -> None:
    engine = create_engine("sqlite://")
    event.listen(engine, "connect", _recursive)
    Plain.metadata.create_all(engine)
    with engine.begin() as connection:
        for id_, date in ((1, f"'{LONG_AGO}'"), (2, written)):
            connection.exec_driver_sql(
                "INSERT INTO customers (id, created_date, modified_date, omnitron_id, email)"
                f" VALUES ({id_}, '{LONG_AGO}', {date}, 1, 'a@example.com')"
            )
        connection.exec_driver_sql(f"UPDATE customers SET modified_date = {written} WHERE id = 1")
        found = connection.exec_driver_sql("SELECT modified_date FROM customers").scalars().all()
    engine.dispose()
    assert all(it == kept if kept else len(it) == 26 for it in found), found
