"""The recipes of docs/pulling.md, as they stand there, against a running server."""

import csv
import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
from conftest import PATH, Client
from sqlalchemy import delete, insert, update
from werkzeug.serving import make_server

from omsflask.declarations.fields import parse_utc
from omsflask.standalone.app import Customer, db
from omsflask.standalone.sample_data import plausible

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "pulling.md"
EXAMPLES = ROOT / "examples"
BIN = Path(sys.executable).parent
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

    @property
    def host(self) -> str:
        """The address of the server."""
        return f"http://127.0.0.1:{self.port}"

    def run(self, program: str, *arguments: str) -> None:
        """Run a Python program of the page."""
        self.call(sys.executable, "-c", PROGRAMS[program], *arguments)

    def call(self, *command: str) -> str:
        """Run a command in the folder, with the variables of the page, and return its output."""
        environ = {
            "OMS_URL": f"{self.host}{PATH}",
            "OMS_TOKEN": self.client.key,
            "DLT_DATA_DIR": str(self.folder / "dlt"),
            "RUNTIME__DLTHUB_TELEMETRY": "false",
        }
        done = subprocess.run(
            command, cwd=self.folder, env=os.environ | environ, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

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
    assert set(PROGRAMS) == {"pull", "dlt_pull", "pandas_pull", "polars_pull", "duckdb_pull"}
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


@pytest.mark.slow
def test_the_copy_of_polars(consumer: Consumer) -> None:
    polars = pytest.importorskip("polars", reason="needs the extra: consumers")
    for change in (lambda: None, consumer.change):
        change()
        consumer.run("polars_pull")
        copy = polars.read_parquet(consumer.folder / "customers.parquet")
        rows = copy.select(*TEXTS, "channel", polars.col("modified_date").dt.timestamp("us")).rows()
        assert set(rows) == consumer.compared()
        assert copy["id"].is_unique().all()


def recipe(heading: str, language: str) -> str:
    """Return the code of a recipe."""
    section = PAGE.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return section.split(f"```{language}\n")[1].split("```")[0]


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_curl_pulls_all_and_then_what_changed(consumer: Consumer) -> None:
    pulled = []
    for change in (lambda: None, consumer.change):
        change()
        consumer.call("sh", "-e", "-c", recipe("curl", "sh"))
        with (consumer.folder / "changes.csv").open() as file:
            pulled.append({int(row["id"]) for row in csv.DictReader(file)})
    everybody, changed = pulled
    assert everybody == {row["id"] for row in ROWS}
    assert {row["id"] for row in ROWS if row["id"] % 7 == 0} | {5000} <= changed
    assert len(changed) < len(ROWS) / 2


#: Stand-ins for the services of Google that the script uses.
GOOGLE = """
const { execFileSync } = require('node:child_process');
let written = null;
const PropertiesService = {
  getScriptProperties: () => ({ getProperty: (name) => process.env[name] }),
};
const UrlFetchApp = {
  fetch: (link, { headers }) => {
    const header = 'Authorization: ' + headers.Authorization;
    const text = execFileSync('curl', ['-sf', '-H', header, link], { encoding: 'utf8' });
    return { getContentText: () => text };
  },
};
const sheet = {
  clearContents: () => {},
  getRange: (row, column, rows, columns) => ({
    setNumberFormat(format) { return this; },
    setValues(values) {
      if (values.length !== rows || values.some((it) => it.length !== columns)) throw 'size';
      written = values;
    },
  }),
};
const SpreadsheetApp = { getActiveSheet: () => sheet };
"""


@pytest.mark.skipif(not all(map(shutil.which, ("node", "curl"))), reason="needs Node.js and curl")
def test_the_script_of_google_sheets_writes_every_row(consumer: Consumer) -> None:
    script = f"{GOOGLE}{recipe('Google Sheets', 'javascript')}"
    names, *rows = json.loads(
        consumer.call("node", "-e", f"{script}\npull();\nconsole.log(JSON.stringify(written));")
    )
    listed = consumer.listed()
    assert [dict(zip(names, row, strict=True)) for row in rows] == [
        {name: "" if cell is None else cell for name, cell in listed[key].items()}
        for key in sorted(listed)
    ]


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Install a package into an environment of its own, and return where its commands are."""

    @cache
    def install(package: str) -> Path:
        folder = tmp_path_factory.mktemp(package)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [str(folder / "bin" / "pip"), "install", "--quiet", package]
        done = subprocess.run(pip, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"pip cannot install {package}: {done.stderr[-300:]}")
        return folder / "bin"

    return install


def messages(output: str, kind: str) -> list[dict[str, Any]]:
    """Return the messages of a kind that a tap or a source printed, one JSON object a line."""
    parsed = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    return [message for message in parsed if message["type"] == kind]


@pytest.mark.slow
def test_the_tap_of_singer_pulls_all_and_then_what_changed(
    consumer: Consumer, installed: Callable[[str], Path]
) -> None:
    tap = installed("tap-rest-api-msdk") / "tap-rest-api-msdk"
    config = json.loads((EXAMPLES / "singer.json").read_text())
    config["api_url"] = consumer.host
    config["headers"]["Authorization"] = f"Token {consumer.client.key}"
    (consumer.folder / "config.json").write_text(json.dumps(config))
    (consumer.folder / "state.json").write_text("{}")
    copy: dict[int, Any] = {}
    for change in (lambda: None, consumer.change):
        change()
        output = consumer.call(str(tap), "--config", "config.json", "--state", "state.json")
        records = [message["record"] for message in messages(output, "RECORD")]
        copy |= {record["id"]: record for record in records}
        assert copy == consumer.listed()
        state = messages(output, "STATE")[-1]["value"]
        (consumer.folder / "state.json").write_text(json.dumps(state))
    assert len(records) < len(ROWS) / 2


@pytest.mark.slow
def test_airbyte_pulls_all_and_then_what_changed(
    consumer: Consumer, installed: Callable[[str], Path]
) -> None:
    source = installed("airbyte-cdk") / "source-declarative-manifest"
    config = {"url": f"{consumer.host}{PATH}", "token": consumer.client.key}
    stream = {
        "name": "customers",
        "json_schema": {},
        "supported_sync_modes": ["full_refresh", "incremental"],
    }
    modes = {"sync_mode": "incremental", "destination_sync_mode": "append_dedup"}
    documents = {"config": config, "catalog": {"streams": [{"stream": stream, **modes}]}}
    for name, document in (documents | {"state": []}).items():
        (consumer.folder / f"{name}.json").write_text(json.dumps(document))
    manifest = ["--manifest-path", str(EXAMPLES / "airbyte.yaml"), "--config", "config.json"]
    read = ["read", *manifest, "--catalog", "catalog.json", "--state", "state.json"]
    copy: dict[int, Any] = {}
    for change in (lambda: None, consumer.change):
        change()
        output = consumer.call(str(source), *read)
        records = [message["record"]["data"] for message in messages(output, "RECORD")]
        copy |= {record["id"]: record for record in records}
        # The source leaves NULL out.
        assert copy == {
            key: {name: cell for name, cell in row.items() if cell is not None}
            for key, row in consumer.listed().items()
        }
        state = [message["state"] for message in messages(output, "STATE")]
        (consumer.folder / "state.json").write_text(json.dumps(state[-1:]))
    assert len(records) < len(ROWS) / 2
    assert "SUCCEEDED" in consumer.call(str(source), "check", *manifest)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Start the demo in a folder of its own, and give a function that runs a command there."""
    environ = os.environ | {"OMS_INSTANCE_PATH": str(tmp_path), "PYTHONUNBUFFERED": "1"}

    def run(command: str) -> str:
        done = subprocess.run(
            ["sh", "-e", "-c", command], cwd=tmp_path, env=environ, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    command = [str(BIN / "omsflask"), "demo", "--port", str(free_port())]
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen(command, cwd=tmp_path, env=environ, **output) as server:  # type: ignore[call-overload]
        try:
            printed = "".join(server.stdout.readline() for _ in range(5))
            environ["OMS_TOKEN"] = re.findall(r"oms_\w+", printed)[0]
            environ["OMS_URL"] = re.findall(r"http\S+", printed)[0]
            until_it_answers(environ["OMS_URL"])
            yield run
        finally:
            server.terminate()


@pytest.mark.slow
def test_the_tutorial_leads_to_a_copy_in_duckdb(demo: Callable[[str], str], tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb", reason="needs the extra: consumers")
    (tmp_path / "duckdb_pull.py").write_text(PROGRAMS["duckdb_pull"])
    page = (ROOT / "docs" / "tutorial.md").read_text().replace(".venv/bin/", f"{BIN}/")
    blocks = re.findall(r"```sh\n(.*?)```", page, re.S)
    read, missing, whole, pull, look, change = blocks[2:]
    assert json.loads(demo(read))["count"] == 109
    assert json.loads(demo(missing)) == {"detail": "Invalid page."}
    demo(whole)
    assert len((tmp_path / "customers.csv").read_text().splitlines()) == 110
    demo(pull)
    assert "109" in demo(look)
    demo(change)
    with duckdb.connect(str(tmp_path / "customers.duckdb")) as copy:
        name = copy.execute("SELECT first_name FROM customers WHERE id = 1").fetchone()
    assert name == ("Alican",)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until_it_answers(url: str) -> None:
    """Wait for a server to accept connections."""
    address = urlsplit(url)
    for _ in range(100):
        with suppress(OSError), socket.create_connection((address.hostname, address.port)):
            return
        time.sleep(0.1)
    raise TimeoutError(url)
