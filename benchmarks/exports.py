"""Whole exports, beside the engine's own dump of the same selection, in one run, as ratios.

``python -m benchmarks.exports [ROWS …]`` measures on SQLite and on the PostgreSQL that the extra
``test`` brings: rows a second over HTTP, the time to the first byte, and the server's peak memory.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import Any

import xlsxwriter

from omsflask.customers import list_simple
from omsflask.sql.database import Database as Source
from omsflask.sql.export import Export
from omsflask.sql.query import Query
from omsflask.sql.selection import Selection
from omsflask.standalone.app import Customer, create_app, db
from omsflask.standalone.sample_data import COLUMNS

from .servers import Database, databases, serving
from .stacks import PATH

RUNS = 5
SELECTION = f"SELECT {', '.join(COLUMNS)} FROM customers ORDER BY id"


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


def own_dump(database: Database) -> float:
    """Return the seconds that the engine's own client takes for the same columns as CSV."""
    if database.psql is None:
        command = ["sqlite3", "-csv", database.url.removeprefix("sqlite:///"), SELECTION]
    else:
        plain = database.url.replace("postgresql+psycopg", "postgresql")
        command = [database.psql, plain, "-c", rf"\copy ({SELECTION}) TO STDOUT (FORMAT csv)"]
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def plain_xlsxwriter(url: str) -> float:
    """Return the seconds that xlsxwriter's constant_memory mode takes for the same rows."""
    app = create_app({"OMS_DATABASE_URL": url})
    with app.app_context(), tempfile.NamedTemporaryFile(suffix=".xlsx") as file:
        start = time.perf_counter()
        listing, query = list_simple.bind(Customer), Query.of(list_simple)
        export = Export(Selection(listing, query, Source(db.engine)))
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


def measure(database: Database) -> None:
    """Print the lines of one database."""
    with serving("wsgi:app", database.url, "-w", "1") as server:
        for format_name in ("csv", "xlsx"):
            download(server.port, database.key, "csv&id__lt=0")
            ours, theirs, memory = [], [], 0.0
            for _ in range(RUNS):
                taken, peak = peak_memory(
                    server.workers[0].pid,
                    partial(download, server.port, database.key, format_name),
                )
                ours.append(taken)
                memory = max(memory, peak)
                if format_name == "csv":
                    theirs.append(own_dump(database))
                elif database.rows <= 100_000:
                    theirs.append(plain_xlsxwriter(database.url))
            ratios = [other / whole for other, (_, whole, _) in zip(theirs, ours, strict=False)]
            whole = median(whole for _, whole, _ in ours)
            print(
                f"| {database.engine} | {database.rows:,} | {format_name}"
                f" | {database.rows / whole:,.0f} | {f'{median(ratios):.2f}' if ratios else ''}"
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
    for engine in ("SQLite", "PostgreSQL"):
        for database in databases(engine, sizes):
            measure(database)


if __name__ == "__main__":
    main()
