"""What docs/deployment.md says of SQLite and PostgreSQL: in all else their answers are the same."""

from collections.abc import Callable
from typing import Any

import pytest
from conftest import Client, settle
from sqlalchemy.exc import DBAPIError

from omsflask.standalone.app import db
from omsflask.standalone.sample_data import plausible


@pytest.fixture
def few(new_client: Callable[..., Client]) -> Client:
    return new_client([*plausible(3)])


def engine_name(client: Client) -> str:
    with client.application.app_context():
        return str(db.engine.dialect.name)


def write(client: Client, statement: str) -> None:
    with client.application.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql(statement)


def rows(client: Client, query: str = "") -> list[dict[str, Any]]:
    body = client.page(query).json
    assert body is not None
    return list(body["results"])


def test_all_is_there_up_to_the_newest_change_or_now(few: Client) -> None:
    response = few.page("sort=modified_date")
    newest = response.json["results"][-1]["modified_date"]
    until = response.headers["OMS-Complete-Until"]
    if engine_name(few) == "sqlite":
        assert until == newest
    else:
        assert until > "2026" > newest


def test_stamps_are_as_exact_as_the_engines_clock(few: Client) -> None:
    for id_ in (1, 2, 3):
        write(few, f"UPDATE customers SET last_name = 'Changed' WHERE id = {id_}")
    are_milliseconds = all(row["modified_date"].endswith("000Z") for row in rows(few))
    assert are_milliseconds == (engine_name(few) == "sqlite")


def test_a_date_in_another_form_keeps_its_milliseconds(few: Client) -> None:
    write(
        few, "UPDATE customers SET modified_date = '2030-01-01T03:00:00.123456+03:00' WHERE id = 2"
    )
    kept = {"sqlite": "2030-01-01T00:00:00.123000Z", "postgresql": "2030-01-01T00:00:00.123456Z"}
    shown = kept[engine_name(few)]
    assert few.ids(f"modified_date={shown}") == [2]
    assert [row["modified_date"] for row in rows(few, "id__gt=1&id__lt=3")] == [shown]


@pytest.mark.parametrize(
    ("column", "value"),
    [("omnitron_id", "'none'"), ("omnitron_id", "99999999999"), ("erp_code", f"'{'C' * 65}'")],
)
def test_columns_take_what_is_not_of_their_type(few: Client, column: str, value: str) -> None:
    statement = f"UPDATE customers SET {column} = {value} WHERE id = 1"
    if engine_name(few) == "postgresql":
        with pytest.raises(DBAPIError):
            write(few, statement)
    else:
        write(few, statement)
        assert str(rows(few)[0][column]) == value.strip("'")


def test_a_nul_is_stored_and_shown(few: Client) -> None:
    name = {"sqlite": "char", "postgresql": "chr"}[engine_name(few)]
    statement = f"UPDATE customers SET first_name = 'Ay' || {name}(0) || 'se' WHERE id = 1"
    if engine_name(few) == "postgresql":
        with pytest.raises(DBAPIError):
            write(few, statement)
    else:
        write(few, statement)
        assert rows(few)[0]["first_name"] == "Ay\0se"
        assert few.page("format=csv").text == few.page("format=csv&limit=9").text
        assert ",Ay\0se," in few.page("format=csv").text


def test_an_unchanged_file_is_known_to_every_connection(few: Client) -> None:
    few.application.config["OMS_TOKEN_MEMORY_SECONDS"] = 600
    few.page()
    settle()

    def is_same() -> bool:
        one = few.page("format=csv", buffered=False)  # Its connection is not given back yet.
        other = few.page("format=csv")
        one.close()
        return one.headers["ETag"] == other.headers["ETag"]

    # A PostgreSQL that cleans up meanwhile commits too.
    assert any(is_same() for _ in range(5)) == (engine_name(few) == "postgresql")
