"""Changes by the thousand and one by one, which must come to the same."""

import random
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import dispose, make_app
from sqlalchemy import URL, create_engine, event, make_url, text

from omsflask import customers
from omsflask.commands.load import runs, writing
from omsflask.standalone.app import create_app, db
from omsflask.standalone.sample_data import plausible

from .conftest import ALI, Shop, counts

#: More rows than are written one by one.
MANY = writing.FEW + 10


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect by what way rows are written."""
    taken: list[str] = []

    def watch(owner: Any, name: str) -> None:
        write = getattr(owner, name)

        def watched(*arguments: Any) -> Any:
            taken.append(name)
            return write(*arguments)

        monkeypatch.setattr(owner, name, watched)

    for name in ("insert_rows", "update_rows"):
        watch(writing, name)
    for name in ("_insert", "_update"):
        watch(writing.Writer, name)
    return taken


def test_few_rows_are_written_one_by_one_and_many_at_once(shop: Shop, ways: list[str]) -> None:
    for number, expected in ((writing.FEW, ["_insert", "_update"]), (MANY, ["insert_rows"])):
        rows = [ALI | {"id": it} for it in range(1, number + 1)]
        shop.empty()
        ways.clear()
        shop.load("a.jsonl", rows)
        shop.load("a.jsonl", [row | {"first_name": "Ali"} for row in rows])
        assert ways == (expected if number == writing.FEW else [*expected, "update_rows"])


def history(seed: int) -> Iterator[list[dict[str, Any]]]:
    """Yield files, each of which adds and changes customers in all ways."""
    choose = random.Random(seed)
    dated = datetime(2020, 1, 1, tzinfo=UTC)
    for step in range(4):
        file = []
        for row in customers.CustomerSchema().dump(plausible(MANY * 3, seed=step), many=True):
            for name in ("created_date", "modified_date", "last_name", "erp_code", "channel"):
                if choose.random() < 0.3:
                    del row[name]
            if choose.random() < 0.2:
                row["modified_date"] = (dated + timedelta(days=row["id"])).isoformat()
            if choose.random() < 0.1:
                row["first_name"] = None
            file.append(row)
        yield file


def test_both_ways_come_to_the_same(
    new_database: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shops = []
    begun = datetime.now(UTC) - timedelta(seconds=1)
    for few in (0, 10**9):
        monkeypatch.setattr(writing, "FEW", few)
        shop = Shop(make_app(new_database(), []), tmp_path)
        shops.append((shop, [counts(shop.load("a.jsonl", file)) for file in history(7)]))
    (one, said), (other, also_said) = shops
    assert said == also_said
    assert "changed" in said[-1]
    for row, same in zip(one.customers(), other.customers(), strict=True):
        for name in ("created_date", "modified_date"):
            stamped = row[name] >= begun
            assert stamped == (same[name] >= begun)
            if stamped:
                same[name] = row[name]
        assert row == same
    for shop, _ in shops:
        dispose(shop.app)


def test_many_are_stamped_as_one_is(shop: Shop) -> None:
    old = datetime(2020, 1, 1, tzinfo=UTC)
    begun = datetime.now(UTC) - timedelta(seconds=1)
    ids = range(1, 4 * MANY, 4)
    shop.add(*({"id": it + n, "created_date": old, "modified_date": old}
               for it in ids for n in range(4)))  # fmt: skip
    given = [{}, {"first_name": "x"}, {"first_name": "x", "modified_date": "2020-01-01"},
             {"modified_date": "2021-01-01", "created_date": "2019-01-01"}]  # fmt: skip
    rows = [ALI | {"id": it + n} | values for it in ids for n, values in enumerate(given)]
    result = shop.load("a.jsonl", rows)
    assert counts(result).startswith(f"0 added, {3 * MANY} changed, {MANY} unchanged")
    for row in shop.customers():
        created, modified = row["created_date"], row["modified_date"]
        match (row["id"] - 1) % 4:
            case 0 | 2:
                assert (created, modified) == (old, old)
            case 1:
                assert created == old
                assert modified >= begun
            case 3:
                assert (created.year, modified.year) == (2019, 2021)


def test_keys_that_the_database_gives_come_after_those_of_the_same_file(shop: Shop) -> None:
    rows = [{"omnitron_id": it, "email": f"a{it}@b.example"} for it in range(2 * MANY)]
    given = [row | {"id": 50_000 - row["omnitron_id"]} for row in rows[1::2]]
    rows[1::2] = given
    for file in (rows[:4], rows):
        result = shop.load("a.jsonl", file, "--key", "email")
        assert result.exit_code == 0, result.stderr
    ids = [row["id"] for row in shop.customers()]
    assert ids[:MANY] == [row["id"] for row in reversed(given)]
    assert ids[MANY] > 50_000 - 1


def test_keys_that_the_database_gives_are_in_the_order_of_the_file(shop: Shop) -> None:
    shop.load("a.jsonl", [ALI | {"id": 90_000}])
    rows = [{"omnitron_id": it, "email": f"a{it}@b.example"} for it in range(MANY)]
    assert f"{MANY} added" in shop.load("a.csv", rows, "--key", "email").stderr
    assert [row["omnitron_id"] for row in shop.customers()] == [55, *range(MANY)]
    assert [row["id"] for row in shop.customers()] == [*range(90_000, 90_001 + MANY)]


@pytest.mark.parametrize("number", [2, MANY])
def test_only_what_differs_is_set(shop: Shop, number: int) -> None:
    shop.add(*({"id": it} for it in range(number)))
    with shop.app.app_context():
        engine = db.engine
    updates: list[str] = []

    def collect(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        updates.extend(re.findall(r"^UPDATE .*", statement))

    event.listen(engine, "before_cursor_execute", collect)
    shop.load("a.jsonl", [ALI | {"id": it, "first_name": "Ali"} for it in range(number)])
    event.remove(engine, "before_cursor_execute", collect)
    [update] = updates
    assert "first_name" in update
    assert "modified_date" in update
    assert "email" not in update


NASTY = ["\\", "\\N", "\t", "a\\tb", "\x01", "'", '"', ",", "%s", "{}", ":a", "😀" * 30, "\ufeff",
         "İıŞş", "null", "\\.", "$$", "\x7f", "\ue000", " x ", "\\\\"]  # fmt: skip


def test_texts_are_written_as_they_are(shop: Shop) -> None:
    rows = [
        ALI | {"id": it, "first_name": NASTY[it % len(NASTY)], "last_name": None}
        for it in range(MANY)
    ]
    shop.load("a.jsonl", rows)
    assert [row["first_name"] for row in shop.customers()] == [row["first_name"] for row in rows]
    shop.load("a.jsonl", [row | {"last_name": row["first_name"]} for row in rows])
    assert [row["last_name"] for row in shop.customers()] == [row["first_name"] for row in rows]


def test_a_database_that_leaves_rows_out_is_told(shop: Shop) -> None:
    with shop.app.app_context():
        engine = db.engine
    if engine.dialect.name == "sqlite":
        make = (
            "CREATE TRIGGER left_out BEFORE INSERT ON customers WHEN NEW.id = 7"
            " BEGIN SELECT RAISE(IGNORE); END",
        )
        drop: tuple[str, ...] = ("DROP TRIGGER left_out",)
    else:
        make = (
            "CREATE FUNCTION left_out() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN IF NEW.id = 7 THEN RETURN NULL; END IF; RETURN NEW; END'",
            "CREATE TRIGGER left_out BEFORE INSERT ON customers FOR EACH ROW"
            " EXECUTE FUNCTION left_out()",
        )
        drop = ("DROP FUNCTION left_out CASCADE",)
    with engine.begin() as connection:
        for statement in make:
            connection.exec_driver_sql(statement)
    for number in (10, MANY):
        result = shop.load("a.jsonl", [ALI | {"id": it} for it in range(1, number + 1)])
        assert result.exit_code == 1
        assert f"The database took {number - 1} of {number} rows." in result.stderr
        assert shop.customers() == []
    with engine.begin() as connection:
        for statement in drop:
            connection.exec_driver_sql(statement)


def test_who_may_make_no_temporary_table_loads_too(
    new_schema: Callable[[], URL], tmp_path: Path, ways: list[str]
) -> None:
    url = new_schema()
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    dispose(make_app(url.render_as_string(hide_password=False), []))
    with admin.connect() as connection:
        database, schema = connection.execute(
            text("SELECT current_database(), current_schema")
        ).one()
        for statement in (
            f"REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC",
            "CREATE ROLE restricted LOGIN",
            f"GRANT USAGE ON SCHEMA {schema} TO restricted",
            f"GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO restricted",
            f"GRANT ALL ON SEQUENCE {schema}.customers_id_seq TO restricted",
        ):
            connection.execute(text(statement))
        own = url.set(username="restricted").render_as_string(hide_password=False)
        shop = Shop(create_app({"OMS_DATABASE_URL": own, "TESTING": True}), tmp_path)
        rows = [ALI | {"id": it} for it in range(1, MANY + 1)]
        try:
            for said in (f"{MANY} added", f"0 added, 0 changed, {MANY} unchanged"):
                assert counts(shop.load("a.jsonl", rows)).startswith(said)
        finally:
            dispose(shop.app)
            connection.execute(text("DROP OWNED BY restricted"))
            connection.execute(text("DROP ROLE restricted"))
            connection.execute(text(f"GRANT TEMPORARY ON DATABASE {database} TO PUBLIC"))
    admin.dispose()
    assert ways == ["_insert"]


@pytest.mark.parametrize("number", [10, MANY])
def test_a_text_that_the_connection_cannot_carry_is_refused(
    new_schema: Callable[[], URL], tmp_path: Path, number: int
) -> None:
    url = new_schema()
    dispose(make_app(url.render_as_string(hide_password=False), []))
    latin = url.update_query_dict({"client_encoding": "latin1"})
    config = {"OMS_DATABASE_URL": latin.render_as_string(hide_password=False), "TESTING": True}
    shop = Shop(create_app(config), tmp_path)
    rows = [ALI | {"id": it, "first_name": "é"} for it in range(1, number + 1)]
    rows[3]["first_name"] = "İ"
    result = shop.load("a.jsonl", rows)
    assert "a.jsonl, line 4: The database does not take it: 'latin-1' codec can't" in result.stderr
    assert counts(result) == f"{number - 1} added, 0 changed, 0 unchanged, 1 refused"
    dispose(shop.app)


def test_a_statement_that_a_driver_prepares_finds_each_temporary_table(
    new_database: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "BATCH_ROWS", MANY)
    url = make_url(new_database())
    if url.get_backend_name() == "postgresql":
        url = url.update_query_dict({"prepare_threshold": "1"})
    shop = Shop(make_app(url.render_as_string(hide_password=False), []), tmp_path)
    rows = [ALI | {"id": it} for it in range(1, 12 * MANY + 1)]
    assert f"{len(rows)} added" in counts(shop.load("a.jsonl", rows))
    changed = [row | {"first_name": "Veli"} for row in rows]
    assert f"{len(rows)} changed" in counts(shop.load("a.jsonl", changed))
    assert {row["first_name"] for row in shop.customers()} == {"Veli"}
    dispose(shop.app)
