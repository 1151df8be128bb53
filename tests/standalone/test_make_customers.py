"""``make-customers``: many, the same for the same seed, behind those that are there."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from commands.test_commands import Shell
from sqlalchemy import create_engine, func, insert, select

from omsflask.standalone.app import Channel, Customer
from omsflask.standalone.make_customers import BATCH_ROWS
from omsflask.standalone.sample_data import plausible

CUSTOMERS = Customer.__table__


@pytest.fixture
def rows(shell: Shell) -> Callable[[], list[dict[str, Any]]]:
    """Return what is stored, in order."""

    def read() -> list[dict[str, Any]]:
        engine = create_engine(shell.url)
        with engine.connect() as connection:
            found = connection.execute(select(CUSTOMERS).order_by(CUSTOMERS.c.id)).mappings()
            result = [dict(row) for row in found]
        engine.dispose()
        return result

    return read


@pytest.fixture
def shell(tmp_path: Any, new_database: Callable[[], str]) -> Shell:
    return Shell(tmp_path, new_database())


def _unzoned(row: dict[str, Any]) -> list[Any]:
    return [it.replace(tzinfo=None) if isinstance(it, datetime) else it for it in row.values()]


def test_the_same_seed_makes_the_same_customers(
    shell: Shell, rows: Callable[[], list[dict[str, Any]]]
) -> None:
    result = shell("make-customers", "300", "--seed", "7")
    assert result.exit_code == 0
    assert result.stderr.endswith("\nAdded 300 customers.\n")
    assert [*map(_unzoned, rows())] == [*map(_unzoned, plausible(300, seed=7))]
    assert rows()[0] != next(plausible(1, seed=8))


def test_more_come_behind_and_the_next_key_is_free(
    shell: Shell, rows: Callable[[], list[dict[str, Any]]]
) -> None:
    shell("make-customers", f"{BATCH_ROWS + 1}")
    shell("make-customers", "2")
    assert [row["id"] for row in rows()] == [*range(1, BATCH_ROWS + 4)]
    engine = create_engine(shell.url)
    with engine.begin() as connection:
        values = {"omnitron_id": 1, "email": "a@example.com"}
        inserted = connection.execute(insert(Customer).values(values)).inserted_primary_key
        assert inserted is not None
        (key,) = inserted
        channel = connection.execute(insert(Channel).values(name="Kiosk")).inserted_primary_key
        assert connection.scalar(select(func.count()).select_from(Channel)) == 5
    engine.dispose()
    assert (key, channel[0]) == (BATCH_ROWS + 4, 5)


def test_they_are_as_unlike_as_customers_are(
    shell: Shell, rows: Callable[[], list[dict[str, Any]]]
) -> None:
    shell("make-customers", "1000")
    made = rows()
    assert {*map(len, {row["phone_number"] or "" for row in made})} == {0, 11, 13}
    assert any("İ" in row["first_name"] for row in made)
    stamps = [row["modified_date"] for row in made]
    assert len(set(stamps)) < len(stamps)
    most = max(range(1, 5), key=lambda it: sum(row["channel_id"] == it for row in made))
    assert most == 1


@pytest.mark.parametrize("number", ["0", "-1", "many", "1e6"])
def test_a_wrong_number_is_refused(shell: Shell, number: str) -> None:
    result = shell("make-customers", "--", number)
    assert result.exit_code == 2
    assert number in result.stderr
