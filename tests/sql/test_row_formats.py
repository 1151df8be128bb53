"""Rows: the same answer in whatever form they come."""

import sqlite3
from collections.abc import Callable

import orjson
import pytest
from conftest import Client
from sqlalchemy import create_engine, func
from sqlalchemy.dialects import postgresql

from omsflask import customers
from omsflask.sql import row_formats
from omsflask.sql.source import source_of
from omsflask.standalone.app import Customer, db
from omsflask.standalone.sample_data import plausible

QUERIES = (
    "", "limit=7&page=2", "sort=-modified_date&limit=5", "cursor=", "page=last", "id__gt=999",
    "erp_code=&limit=3&sort=-id",
)  # fmt: skip

SQLITE = create_engine("sqlite://").dialect


def test_sqlite_writes_what_python_would(
    new_client: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [row | {"first_name": f'Ali"\\\n,\n{i}'} for i, row in enumerate(plausible(25))]
    client = new_client(people, OMS_TOKEN_MEMORY_SECONDS=600)
    written = [client.page(query).data for query in QUERIES]
    monkeypatch.setattr(row_formats, "JSON_SINCE", (99,))
    assert [client.page(query).data for query in QUERIES] == written


def test_a_walk_goes_on_in_the_other_form(
    new_client: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = new_client([*plausible(30)])
    first = client.page("sort=-modified_date&limit=20").json
    monkeypatch.setattr(row_formats, "JSON_SINCE", (99,))
    second = client.get(first["next"]).json
    both = [row["id"] for row in first["results"] + second["results"]]
    assert both == client.ids("sort=-modified_date&limit=30")


def test_json_is_written_where_sqlite_can() -> None:
    listing = customers.list_simple.bind(Customer)
    assert sqlite3.sqlite_version_info >= row_formats.JSON_SINCE
    assert row_formats.json_format(source_of(listing, None), SQLITE) is row_formats.JSON_TEXT
    assert (
        row_formats.json_format(source_of(listing, None), postgresql.dialect())
        is row_formats.TUPLES
    )


def test_no_text_is_taken_for_json() -> None:
    name = func.json_array(Customer.first_name)
    listing = customers.list_simple.bind(Customer, first_name=name)
    assert row_formats.json_format(source_of(listing, None), SQLITE) is row_formats.TUPLES


def test_bytes_that_are_no_text_are_replaced(new_client: Callable[..., Client]) -> None:
    """SQLite keeps any bytes as text; JSON is UTF-8 (RFC 8259, 8.1)."""
    client = new_client([*plausible(3)])
    with client.application.app_context():
        if db.engine.dialect.name != "sqlite":
            return  # PostgreSQL takes no such text.
        with db.engine.begin() as connection:
            connection.exec_driver_sql(
                "UPDATE customers SET first_name = CAST(x'49fe22fd6c' AS TEXT) WHERE id = 2"
            )
    for query in ("", "sort=-modified_date&limit=2"):
        names = [row["first_name"] for row in orjson.loads(client.page(query).data)["results"]]
        assert 'I\ufffd"\ufffdl' in names
