"""A load on its way, its end, and what is said of it."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import dispose, make_app
from sqlalchemy import event

from omsflask import customers
from omsflask.commands.load import runs, storing
from omsflask.standalone.app import db
from omsflask.standalone.sample_data import plausible

from .conftest import ALI, Shop, counts


def test_twenty_refused_rows_are_named_and_the_others_counted(shop: Shop) -> None:
    result = shop.load("a.jsonl", [{"id": it} for it in range(25)])
    lines = result.stderr.splitlines()
    assert len(lines) == 26
    assert lines[20] == "and 5 more rows were refused."
    assert counts(result) == "0 added, 0 changed, 0 unchanged, 25 refused"


def test_a_dry_run_says_what_would_be(shop: Shop) -> None:
    shop.add({"id": 1}, {"id": 2})
    before = shop.customers()
    rows = [{"id": 1}, {"id": 2, "first_name": "x"}, {"id": 3, "channel": 9}, {"id": "x"}]
    content = [ALI | row for row in rows]
    options = ("--dry-run", "--create-channels", "--rejects", shop.folder / "r.jsonl")
    result = shop.load("a.jsonl", content, *options)
    assert result.exit_code == 1
    assert result.stderr.endswith(
        f"{shop.folder}/a.jsonl, line 2, customer 2:\n"
        "  - first_name: null\n"
        '  + first_name: "x"\n'
        "Nothing was written. It would be:\n"
        "          1 added\n"
        "          1 changed: first_name 1\n"
        "          1 unchanged\n"
        "          1 refused\n"
        "          0 warned\n"
    )
    assert shop.customers() == before
    assert (shop.folder / "r.jsonl").read_text().count("\n") == 1
    assert shop.load("b.jsonl", content[:1], "--dry-run").exit_code == 0


def test_all_or_nothing_is_nothing_when_a_row_is_refused(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "BATCH_ROWS", 2)
    rows = [ALI | {"id": it} for it in range(1, 6)]
    result = shop.load("a.jsonl", [*rows, {}], "--all-or-nothing")
    assert result.exit_code == 1
    assert "Nothing was written. It would be:\n          5 added\n" in result.stderr
    assert shop.customers() == []
    assert shop.load("a.jsonl", rows, "--all-or-nothing").exit_code == 0
    assert len(shop.customers()) == 5


def test_an_interrupted_load_leaves_whole_batches(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "BATCH_ROWS", 2)
    monkeypatch.setattr(runs, "COMMIT_SECONDS", 0)
    rows = [ALI | {"id": it} for it in range(1, 8)]
    check = runs.Checker.check

    def interrupted(self: runs.Checker, row: Any) -> None:
        if row.place == "line 6":
            raise KeyboardInterrupt
        check(self, row)

    with monkeypatch.context() as patch:
        patch.setattr(runs.Checker, "check", interrupted)
        result = shop.load("a.jsonl", rows)
    assert result.exit_code == 130
    assert "Error: Interrupted.\n          4 added\n" in result.stderr
    assert "run it again to load the rest" in result.stderr
    assert [row["id"] for row in shop.customers()] == [1, 2, 3, 4]
    assert counts(shop.load("a.jsonl", rows)).startswith("3 added, 0 changed, 4 unchanged")


@pytest.fixture
def strict_shop(shop: Shop) -> Iterator[Shop]:
    """A shop in which nobody may have the address of another."""
    with shop.app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("CREATE UNIQUE INDEX once ON customers (email)")
    yield shop
    with shop.app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("DROP INDEX once")


def test_a_row_that_the_database_refuses_is_named(strict_shop: Shop) -> None:
    strict_shop.add({"id": 900, "email": "v500@example.com"})
    rows = [ALI | {"id": it, "email": f"v{it}@example.com"} for it in range(1, 801)]
    rows[700]["email"] = "v7@example.com"
    result = strict_shop.load("a.jsonl", rows)
    assert result.exit_code == 1
    for number in (500, 701):
        [line] = [it for it in result.stderr.splitlines() if f"a.jsonl, line {number}: " in it]
        assert ": The database does not take it: " in line
        assert "\\" not in line
    assert counts(result) == "798 added, 0 changed, 0 unchanged, 2 refused"
    assert len(strict_shop.customers()) == 799
    again = strict_shop.load("a.jsonl", rows)
    assert counts(again) == "0 added, 0 changed, 798 unchanged, 2 refused"


def test_a_database_that_refuses_much_ends_the_load(
    strict_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "BATCH_ROWS", 2)
    monkeypatch.setattr(runs, "COMMIT_SECONDS", 0)
    monkeypatch.setattr(storing, "MAX_REFUSED", 1)
    rows = [ALI | {"id": it, "email": f"v{it}@example.com"} for it in (1, 2, 3, 4)]
    for row in rows[2:]:
        row["email"] = "v1@example.com"
    result = strict_shop.load("a.jsonl", rows)
    assert result.exit_code == 1
    [error] = [it for it in result.stderr.splitlines() if it.startswith("Error: ")]
    assert error.startswith("Error: The database did not take it: ")
    assert "\\" not in error
    assert "2 added" in result.stderr
    assert [row["id"] for row in strict_shop.customers()] == [1, 2]


def test_a_full_disk_leaves_whole_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "BATCH_ROWS", 100)
    monkeypatch.setattr(runs, "COMMIT_SECONDS", 0)
    shop = Shop(make_app(f"sqlite:///{tmp_path}/full.sqlite3", []), tmp_path)
    with shop.app.app_context():
        engine = db.engine
    engine.dispose()

    def limit(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA max_page_count = 100")

    event.listen(engine, "connect", limit)
    rows = [ALI | {"id": it, "first_name": "x" * 99} for it in range(1, 3001)]
    result = shop.load("a.jsonl", rows)
    event.remove(engine, "connect", limit)
    engine.dispose()
    assert result.exit_code == 1
    assert "Error: The database did not take it: database or disk is full.\n" in result.stderr
    loaded = len(shop.customers())
    assert 0 < loaded < 3000
    assert loaded % 100 == 0
    assert f" {loaded:,} added" in result.stderr
    assert f" {3000 - loaded:,} added" in shop("load", tmp_path / "a.jsonl").stderr
    dispose(shop.app)


@pytest.fixture
def far_shop(new_database: Callable[[], str], tmp_path: Path) -> Iterator[Shop]:
    """A shop that commands in processes of their own load into."""
    app = make_app(new_database(), [])
    yield Shop(app, tmp_path)
    dispose(app)


def start(shop: Shop, *arguments: str | Path) -> subprocess.Popen[str]:
    """Start a load in a process of its own."""
    names = {"OMS_DATABASE_URL": shop.app.config["OMS_DATABASE_URL"]}
    environ = os.environ | names | {"OMS_INSTANCE_PATH": str(shop.folder)}
    command = [sys.executable, "-m", "omsflask", "load", *map(str, arguments)]
    return subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_a_load_that_is_killed_again_and_again_ends_equal_to_the_file(far_shop: Shop) -> None:
    rows = [*plausible(60_000)]
    file = far_shop.file("a.csv", customers.CustomerSchema().dump(rows, many=True))
    loaded = [0]
    for _ in range(10):
        with start(far_shop, file) as process:
            enough = loaded[-1] + random.choice([0, runs.BATCH_ROWS])
            while process.poll() is None and len(far_shop.emails()) < enough:
                time.sleep(0.05)
            time.sleep(random.uniform(0, 0.3))
            process.kill()
        loaded.append(len(far_shop.emails()))
        assert loaded[-1] % runs.BATCH_ROWS == 0
    assert loaded == sorted(loaded)
    with start(far_shop, file) as process:
        _, said = process.communicate()
    assert f" {len(rows) - loaded[-1]:,} added\n" in said
    assert f" 0 changed\n {loaded[-1]:>10,} unchanged\n" in said
    assert far_shop.customers() == rows


@pytest.mark.slow
def test_two_loads_at_once_add_nobody_twice(far_shop: Shop) -> None:
    rows = [ALI | {"email": f"ali{it}@example.com"} for it in range(3 * runs.BATCH_ROWS)]
    file = far_shop.file("a.csv", rows)
    with (
        start(far_shop, file, "--key", "email") as one,
        start(far_shop, file, "--key", "email") as two,
    ):
        ends = one.communicate()[1], two.communicate()[1]
    assert all(" 0 changed\n" in said and " 0 refused\n" in said for said in ends)
    assert len(far_shop.customers()) == len(rows)
