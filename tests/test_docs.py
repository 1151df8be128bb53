"""The programs of docs/pulling.md, as they stand there, against a running server."""

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from conftest import PATH, Client
from sqlalchemy import delete, insert, update
from werkzeug.serving import make_server

from omsflask.declarations.fields import parse_utc
from omsflask.standalone.app import Customer, db
from omsflask.standalone.sample_data import plausible

PAGE = Path(__file__).parent.parent / "docs" / "pulling.md"
PROGRAMS = dict(re.findall(r"```python\n# (\w+)\.py\n(.*?)```", PAGE.read_text(), re.S))
ROWS = [*plausible(1200)]

#: The columns that are compared as text.
TEXTS = ("email", "first_name", "last_name", "phone_number", "erp_code")
COMPARED = f"SELECT {', '.join(TEXTS)}, channel, epoch_us(modified_date) FROM"


@dataclass
class Consumer:
    """Somebody with a folder, a token and the page."""

    client: Client
    port: int
    folder: Path

    def run(self, program: str, *arguments: str) -> None:
        """Run a program of the page's."""
        environ = {
            "OMS_URL": f"http://127.0.0.1:{self.port}{PATH}",
            "OMS_TOKEN": self.client.key,
            "DLT_DATA_DIR": str(self.folder / "dlt"),
            "RUNTIME__DLTHUB_TELEMETRY": "false",
        }
        done = subprocess.run(
            [sys.executable, "-c", PROGRAMS[program], *arguments],
            cwd=self.folder,
            env=os.environ | environ,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr

    def change(self) -> None:
        """Change some, and let some come."""
        with self.client.application.app_context(), db.engine.begin() as connection:
            some = update(Customer).where(Customer.id % 7 == 0)
            connection.execute(some.values(phone_number="+905551112233"))
            connection.execute(
                insert(Customer).values(id=5000, omnitron_id=1, email="n@example.com")
            )

    def delete(self) -> None:
        """Delete some."""
        with self.client.application.app_context(), db.engine.begin() as connection:
            connection.execute(delete(Customer).where(Customer.id % 11 == 0))

    def listed(self) -> dict[int, Any]:
        """Return what a copy should hold."""
        pages: list[Any] = [self.client.page(f"limit=1000&page={page}").json for page in (1, 2)]
        return {row["id"]: row for page in pages for row in page["results"]}

    def compared(self) -> set[tuple[Any, ...]]:
        """Return of what a copy should hold the columns that are like to be spoilt."""
        return {
            (*map(row.get, TEXTS), row["channel"], micros(row)) for row in self.listed().values()
        }


def micros(row: dict[str, Any]) -> int:
    since = parse_utc(row["modified_date"]) - datetime(1970, 1, 1, tzinfo=UTC)
    return since // timedelta(microseconds=1)


@pytest.fixture
def consumer(new_client: Callable[..., Client], tmp_path: Path) -> Iterator[Consumer]:
    client = new_client(ROWS)
    server = make_server("127.0.0.1", 0, client.application, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield Consumer(client, server.port, tmp_path)
    server.shutdown()
    thread.join()
    server.server_close()


def test_every_program_is_run_here() -> None:
    assert set(PROGRAMS) == {"pull", "dlt_pull", "pandas_pull", "duckdb_pull"}
    assert PAGE.read_text().count("```python") == len(PROGRAMS)


def test_the_copy_of_requests(consumer: Consumer) -> None:
    def copy() -> dict[int, Any]:
        with closing(sqlite3.connect(consumer.folder / "customers.sqlite3")) as connection:
            rows = connection.execute("SELECT id, document FROM customers")
            return {key: json.loads(document) for key, document in rows}

    for change in (lambda: None, consumer.change):
        change()
        consumer.run("pull")
        assert copy() == consumer.listed()
    consumer.delete()
    consumer.run("pull", "deletions")
    assert copy() == consumer.listed()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("program", "file", "table"),
    [
        ("duckdb_pull", "customers.duckdb", "customers"),
        ("dlt_pull", "customers.duckdb", "oms.customers"),
    ],
)
def test_the_copies_in_duckdb(consumer: Consumer, program: str, file: str, table: str) -> None:
    duckdb = pytest.importorskip("duckdb", reason="needs the extra: consumers")
    if program == "dlt_pull":
        pytest.importorskip("dlt", reason="needs the extra: consumers")
    for change in (lambda: None, consumer.change):
        change()
        consumer.run(program)
        with duckdb.connect(str(consumer.folder / file)) as connection:
            rows = connection.execute(f"{COMPARED} {table}").fetchall()
        assert set(rows) == consumer.compared()
        assert len(rows) == len(consumer.listed())


@pytest.mark.slow
def test_the_copy_of_pandas(consumer: Consumer) -> None:
    pandas = pytest.importorskip("pandas", reason="needs the extra: consumers")
    for change in (lambda: None, consumer.change):
        change()
        consumer.run("pandas_pull")
        copy = pandas.read_pickle(consumer.folder / "customers.pickle")
        since = copy.pop("modified_date") - pandas.Timestamp(0, tz="UTC")
        copy["micros"] = since // pandas.Timedelta(microseconds=1)
        cells = copy[[*TEXTS, "channel", "micros"]].astype(object)
        rows = cells.where(cells.notna(), None).itertuples(index=False, name=None)
        assert set(rows) == consumer.compared()
        assert copy["id"].is_unique
