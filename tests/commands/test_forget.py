"""Customers who ask to be forgotten."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import Result
from conftest import dispose, make_app
from flask import Flask
from sqlalchemy import insert, select

from omsflask.commands.cli import oms
from omsflask.standalone.app import Customer, db
from omsflask.standalone.sample_data import published

from .conftest import table


@pytest.fixture
def shop(new_database: Callable[[], str]) -> Iterator[Flask]:
    rows = [*published()]
    rows[8]["email"] = "ALI.test@akinon.com"
    app = make_app(new_database(), rows)
    yield app
    dispose(app)


def forget(app: Flask, *arguments: str, answer: str | None = None) -> Result:
    result = app.test_cli_runner().invoke(oms, ["forget", *arguments], input=answer)
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result


def ids(app: Flask) -> list[int]:
    with app.app_context(), db.engine.connect() as connection:
        return [*connection.execute(select(Customer.id).order_by(Customer.id)).scalars()]


def printed(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_who_is_forgotten_is_printed_and_gone(shop: Flask) -> None:
    asked = forget(shop, "ali.TEST@akinon.com", answer="n\n")
    assert asked.exit_code == 1
    assert "Erase 2 customers? [y/N]" in asked.stderr
    assert '"email": "ALI.test@akinon.com"' in asked.stderr
    assert len(ids(shop)) == 10
    done = forget(shop, "ali.TEST@akinon.com", answer="y\n")
    assert [(row["id"], row["first_name"]) for row in printed(done)] == [(1, "Ali"), (9, "Emre")]
    assert printed(done)[0]["modified_date"] == "2023-10-06T08:42:53.427050Z"
    assert "Erased 2 customers.\n" in done.stderr
    assert ids(shop) == [2, 3, 4, 5, 6, 7, 8, 10]
    again = forget(shop, "ali.TEST@akinon.com", "--yes")
    assert (again.exit_code, again.stdout) == (1, "")
    assert again.stderr == "Error: There is no customer ali.TEST@akinon.com.\n"


def test_an_id_is_one_customer(shop: Flask) -> None:
    result = forget(shop, "3", "--yes")
    assert result.exit_code == 0
    assert [row["email"] for row in printed(result)] == ["ahmet.test@akinon.com"]
    assert result.stderr.startswith("Erased one customer.\n")
    assert 3 not in ids(shop)


def test_it_is_said_what_is_kept_where(shop: Flask) -> None:
    said = forget(shop, "3", "--yes").stderr.splitlines()
    with shop.app_context():
        engine = db.engine.dialect.name
    kept = {"postgresql": ("VACUUM", "pg_stats", "ANALYZE", "WAL"), "sqlite": ("VACUUM", "-wal")}
    for word in (*kept[engine], "Replicas, backups, exported files"):
        assert word in said[-1]


@pytest.mark.parametrize(
    ("stored", "who", "erased", "not_erased"),
    [
        (["ÖZGE@example.org", "x@example.org"], "özge@EXAMPLE.org", [0], []),
        (["özge@example.org", "Özge@example.org"], "ÖZGE@example.org", [0, 1], []),
        (["mike@example.org", "mıke@example.org"], "mike@example.org", [0], []),
        (["mike@example.org", "mıke@example.org"], "MIKE@example.org", [0], [1]),
        (["ipek@example.org"], "İPEK@example.org", [], [0]),
    ],
)
def test_an_address_is_erased_in_any_case(
    shop: Flask, stored: list[str], who: str, erased: list[int], not_erased: list[int]
) -> None:
    with shop.app_context(), db.engine.begin() as connection:
        for number, email in enumerate(stored):
            connection.execute(
                insert(Customer), {"id": 100 + number, "omnitron_id": 1, "email": email}
            )
    result = forget(shop, who, "--yes")
    assert [row["id"] - 100 for row in printed(result)] == erased
    assert [it - 100 for it in ids(shop) if it >= 100] == [
        it for it in range(len(stored)) if it not in erased
    ]
    shown = [json.loads(it) for it in result.stderr.splitlines() if it.startswith("{")]
    assert [row["id"] - 100 for row in shown] == not_erased
    if not erased:
        assert f"There is no customer {who}. Give the id of one.\n" in result.stderr


@pytest.mark.parametrize("who", ["0", "%@akinon.com", "9223372036854775807"])
def test_nobody_is_a_sentence(shop: Flask, who: str) -> None:
    result = forget(shop, who, "--yes")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"Error: There is no customer {who}.\n"
    assert len(ids(shop)) == 10


@pytest.mark.parametrize("who", ["Ali", "", "1.5", "9223372036854775808", "a\0@b.example"])
def test_what_is_neither_is_a_sentence(shop: Flask, who: str) -> None:
    result = forget(shop, who, "--yes")
    assert result.exit_code == 2
    assert f"{who!r} is neither an e-mail address nor an id." in result.stderr


def test_who_is_referred_to_stays(shop: Flask) -> None:
    with shop.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE orders (customer_id bigint REFERENCES customers (id))"
        )
        connection.exec_driver_sql("INSERT INTO orders VALUES (3)")
    result = forget(shop, "3", "--yes")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: Other rows refer to them: ")
    assert result.stderr.count("\n") == 1
    assert 3 in ids(shop)


def test_what_was_printed_can_be_loaded(shop: Flask, tmp_path: Any) -> None:
    file = tmp_path / "forgotten.jsonl"
    file.write_text(forget(shop, "2", "--yes").stdout)
    result = shop.test_cli_runner().invoke(oms, ["load", str(file)])
    assert result.stderr == table(added=1)
    assert 2 in ids(shop)
