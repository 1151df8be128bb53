"""Changes that are pulled while others still commit."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from conftest import Client, dispose, make_app, make_client, server_url
from sqlalchemy import URL, create_engine, func, insert, select, update
from sqlalchemy.orm import Session

from omsflask import customers
from omsflask.declarations.fields import format_utc, parse_utc
from omsflask.declarations.filters import Term
from omsflask.sql.database import Database
from omsflask.sql.query import Query
from omsflask.sql.watermark import watermark
from omsflask.standalone.app import Customer, db
from omsflask.standalone.sample_data import plausible

Late = Callable[..., Client]


@pytest.fixture
def few(new_client: Late) -> Client:
    return new_client([*plausible(3)])


def fewer(url: str) -> Iterator[Client]:
    app = make_app(url, [*plausible(3)])
    yield make_client(app)
    dispose(app)


@pytest.fixture
def few_on_postgresql(new_schema: Callable[[], URL]) -> Iterator[Client]:
    """Many may write at once here."""
    yield from fewer(new_schema().render_as_string(hide_password=False))


@pytest.fixture
def few_on_sqlite(tmp_path: Path) -> Iterator[Client]:
    """A second writer waits for the first here."""
    yield from fewer(f"sqlite:///{tmp_path}/omsflask.sqlite3")


def touch(session: Session, id_: int) -> None:
    session.execute(update(Customer).where(Customer.id == id_).values(last_name="Changed"))


SINCE = "modified_date__gte=2026-01-01"


def test_a_change_waits_for_an_older_transaction(few_on_postgresql: Client) -> None:
    with few_on_postgresql.application.app_context(), Session(db.engine) as late:
        touch(late, 1)
        with Session(db.engine) as early:
            touch(early, 2)
            early.commit()
        for query in (
            SINCE,
            f"{SINCE}&format=csv",
            f"{SINCE}&limit=1",
            "modified_date__gt=2026-01-01",
        ):
            response = few_on_postgresql.page(query)
            assert "Changed" not in response.text
        assert few_on_postgresql.ids("sort=modified_date") == few_on_postgresql.ids(
            "sort=modified_date"
        )
        assert 2 not in few_on_postgresql.ids("sort=modified_date")
        assert "Changed" in few_on_postgresql.page().text, "who does not pull changes sees all"
        until = parse_utc(few_on_postgresql.page(SINCE).headers["OMS-Complete-Until"])
        late.commit()
        stamps = late.scalars(select(Customer.modified_date).where(Customer.id < 3)).all()
        assert all(until <= stamp for stamp in stamps)
    assert sorted(few_on_postgresql.ids(SINCE)) == [1, 2]
    assert sorted(few_on_postgresql.ids(f"modified_date__gte={quote(format_utc(until))}")) == [1, 2]


def test_stamps_are_taken_in_the_order_of_commits(few_on_sqlite: Client) -> None:
    done: list[int] = []
    with few_on_sqlite.application.app_context():
        engine = db.engine

    def write(id_: int) -> None:
        with Session(engine) as session:
            touch(session, id_)
            time.sleep(0.2)
            session.commit()
            done.append(id_)

    threads = [threading.Thread(target=write, args=(id_,)) for id_ in (1, 2, 3)]
    for thread in threads:
        thread.start()
        time.sleep(0.05)
    for thread in threads:
        thread.join()
    assert few_on_sqlite.ids(f"{SINCE}&sort=modified_date") == done


def test_a_reader_holds_nothing_back(few: Client) -> None:
    with few.application.app_context(), Session(db.engine) as reader:
        reader.scalars(select(Customer.id)).all()
        with Session(db.engine) as writer:
            touch(writer, 2)
            writer.commit()
        assert few.ids(SINCE) == [2]


@pytest.mark.slow
def test_a_change_waits_for_a_prepared_transaction(new_server: Callable[[], Any]) -> None:
    server = new_server()
    engine = create_engine(server_url(server), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("ALTER SYSTEM SET max_prepared_transactions = 1")
    engine.dispose()
    server.stop()
    server.ensure_postgres_running()
    for client in fewer(server_url(server).render_as_string(hide_password=False)):
        with engine.connect() as connection:
            for statement in ("BEGIN", CHANGE.format(1), "PREPARE TRANSACTION 'x'"):
                connection.exec_driver_sql(statement)
            connection.exec_driver_sql(CHANGE.format(2))
            assert client.ids(SINCE) == []
            connection.exec_driver_sql("COMMIT PREPARED 'x'")
            assert client.ids(SINCE) == [1, 2]
        engine.dispose()
    server.cleanup()


CHANGE = "UPDATE customers SET last_name = 'Changed' WHERE id = {}"


SLOW_LOCKS = """
    CREATE VIEW pg_locks AS TABLE pg_catalog.pg_locks UNION ALL
    SELECT * FROM pg_catalog.pg_locks
    WHERE (SELECT count(pg_sleep(0.3)) FROM (VALUES (1)) AS once) = 0
"""


def test_a_change_that_begins_while_the_locks_are_read_waits(new_schema: Callable[[], URL]) -> None:
    url = new_schema()
    path = f"{url.query['options']},pg_catalog"
    app = make_app(
        url.update_query_dict({"options": path}).render_as_string(hide_password=False),
        [*plausible(3)],
    )
    client = make_client(app)
    with app.app_context(), Session(db.engine) as late:
        late.connection().exec_driver_sql(SLOW_LOCKS)
        late.commit()
        writer = threading.Timer(0.1, touch, (late, 1))
        writer.start()
        until = parse_utc(client.page(SINCE).headers["OMS-Complete-Until"])
        writer.join()
        stamp = late.scalars(select(Customer.modified_date).where(Customer.id == 1)).one()
    dispose(app)
    assert until < stamp


def test_sqlite_is_complete_until_its_newest_change(few_on_sqlite: Client) -> None:
    with few_on_sqlite.application.app_context(), Session(db.engine) as session:
        touch(session, 2)
        session.commit()
        session.execute(
            update(Customer)
            .where(Customer.id == 3)
            .values(modified_date=datetime.now(UTC) + timedelta(hours=1))
        )
        session.commit()
    response = few_on_sqlite.page("sort=modified_date")
    # Who is dated ahead is shown, and will be met again: the moment does not go beyond the present.
    assert [row["id"] for row in response.json["results"]] == [1, 2, 3]
    newest = response.json["results"][1]["modified_date"]
    assert response.headers["OMS-Complete-Until"] == newest


def test_an_empty_table_names_a_moment_too(new_client: Late) -> None:
    client = new_client([])
    until = client.page("sort=modified_date").headers["OMS-Complete-Until"]
    with client.application.app_context(), db.engine.begin() as connection:
        connection.execute(insert(Customer).values(id=1, omnitron_id=9, email="a@b.example"))
    assert client.ids(f"modified_date__gte={until}") == [1]


@pytest.mark.parametrize("seconds", [0.0, 0.2])
def test_a_forgotten_transaction_holds_rows_back_no_longer_than_the_setting(
    few_on_postgresql: Client, seconds: float
) -> None:
    few_on_postgresql.application.config["OMS_COMMIT_HORIZON_SECONDS"] = seconds
    with few_on_postgresql.application.app_context(), Session(db.engine) as forgotten:
        touch(forgotten, 1)
        with Session(db.engine) as writer:
            touch(writer, 2)
            writer.commit()
        time.sleep(0.3)
        response = few_on_postgresql.page(SINCE)
        assert [row["id"] for row in response.json["results"]] == [2]
        assert ("OMS-Complete-Until" in response.headers) == bool(seconds)


def test_a_date_far_ahead_is_no_change_under_way(new_client: Late) -> None:
    ahead = datetime.now(UTC) + timedelta(days=400)
    rows = [row | {"modified_date": ahead} for row in plausible(2)]
    assert new_client(rows).ids(SINCE) == [1, 2]


def test_the_database_stamps_what_is_inserted_and_changed(few: Client) -> None:
    before = datetime.now(UTC) - timedelta(seconds=5)
    with few.application.app_context():
        with db.engine.begin() as connection:
            connection.execute(insert(Customer).values(id=4, omnitron_id=9, email="a@b.example"))
        customer = db.session.get_one(Customer, 1)
        customer.last_name = "Changed"
        db.session.commit()
        created = customer.created_date
        db.session.remove()
    rows = few.page(SINCE).json["results"]
    assert {row["id"] for row in rows} == {1, 4}
    for row in rows:
        assert before < parse_utc(row["modified_date"]) < before + timedelta(seconds=10)
    assert created.year < 2026


LATE = (
    # What is done before, the table that is written to, and whether the late row is seen in time.
    ("", "customers", True),
    (
        "CREATE TABLE rest (LIKE customers INCLUDING DEFAULTS) ;"
        " ALTER TABLE rest INHERIT customers",
        "rest",
        True,
    ),
    (
        "CREATE TABLE parts (LIKE customers INCLUDING DEFAULTS) PARTITION BY RANGE (id) ;"
        " CREATE TABLE part PARTITION OF parts DEFAULT ;"
        " DROP TABLE customers CASCADE ; ALTER TABLE parts RENAME TO customers",
        "part",
        True,
    ),
    (
        "CREATE TABLE parts (LIKE customers INCLUDING DEFAULTS) PARTITION BY RANGE (id) ;"
        " DROP TABLE customers CASCADE ;"
        " CREATE TABLE customers PARTITION OF parts DEFAULT",
        "parts",
        True,
    ),
    (
        "ALTER TABLE customers RENAME TO crm ; CREATE VIEW customers AS SELECT * FROM crm",
        "crm",
        False,
    ),
)


@pytest.mark.parametrize(("before", "table", "is_known"), LATE, ids=lambda it: str(it)[:30])
def test_nothing_is_promised_without_seeing_who_writes(
    few_on_postgresql: Client, before: str, table: str, is_known: bool
) -> None:
    client = few_on_postgresql
    with client.application.app_context():
        engine = create_engine(db.engine.url)
    insert_one = (
        "INSERT INTO {} (id, created_date, modified_date, omnitron_id, email)"
        " VALUES ({}, clock_timestamp(), clock_timestamp(), 1, 'c@example.org')"
    )
    with engine.begin() as connection:
        for statement in filter(None, before.split(" ; ")):
            connection.exec_driver_sql(statement)
    with engine.connect() as late, engine.connect() as early:
        late.exec_driver_sql(insert_one.format(table, 101))
        early.exec_driver_sql(insert_one.format(table, 102))
        early.commit()
        response = client.page(SINCE)
        late.commit()
    engine.dispose()
    shown = [row["id"] for row in response.json["results"]]  # type: ignore[index]
    assert ("OMS-Complete-Until" in response.headers) is is_known
    assert (102 in shown) is not is_known
    if is_known:
        until = quote(response.headers["OMS-Complete-Until"])
        assert sorted(client.ids(f"modified_date__gte={until}&sort=modified_date")) == [101, 102]


def test_a_watermark_looks_where_the_schema_map_says(few_on_postgresql: Client) -> None:
    with few_on_postgresql.application.app_context():
        engine = db.engine
    schema = str(engine.url.query["options"]).rpartition("=")[2] + "_tenant"
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
    tenant = engine.execution_options(schema_translate_map={None: schema})
    Customer.metadata.create_all(tenant)
    listing = customers.list_simple.bind(Customer)
    query = Query.of(customers.list_simple, order=(Term("modified_date"),))
    row = {"omnitron_id": 1, "email": "c@example.org"}
    with tenant.connect() as late:
        late.execute(insert(Customer), [row])
        begun = late.scalar(select(func.now()))
        assert watermark(Database(tenant), listing, query, 60) < begun  # type: ignore[operator]
        assert watermark(Database(engine), listing, query, 60) > begun  # type: ignore[operator]
