"""Whole loads, beside the engine's own import of the same file, in one run, as ratios.

``python -m benchmarks.loads [ROWS …]`` measures on SQLite and on the PostgreSQL that the extra
``test`` brings: rows that are added, rows that are stored already, and rows that all change. The
other is ``sqlite3 .import`` or ``COPY`` into an empty table with the same indexes. ``.import``
checks nothing, and takes the place of no trigger: those of its table are dropped.
"""

from __future__ import annotations

import csv
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

from omsflask.customers import CustomerSchema
from omsflask.standalone.sample_data import COLUMNS, plausible

from .servers import fill, postgresql

RUNS = 3

HEADER = [*CustomerSchema().fields]


@dataclass(frozen=True)
class Empty:
    """A database without customers, and one for the engine's own import.

    :param psql: of PostgreSQL, its own client.
    """

    url: str
    other: str
    psql: str | None = None


def write(path: Path, rows: int) -> Path:
    """Write so many customers as the service's CSV."""
    shown = CustomerSchema()
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, HEADER)
        writer.writeheader()
        writer.writerows(map(shown.dump, plausible(rows)))
    return path


def write_changes(path: Path, rows: int) -> Path:
    """Write the same customers without dates, all of one first name."""
    with path.open("w", newline="", encoding="utf-8") as file:
        names = ("id", "omnitron_id", "email", "first_name")
        writer = csv.DictWriter(file, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(row | {"first_name": "Deniz"} for row in plausible(rows))
    return path


def load(url: str, file: Path) -> tuple[float, float]:
    """Return the seconds that a load takes, and its peak resident memory in MB."""
    environ = os.environ | {"OMS_DATABASE_URL": url}
    command = [sys.executable, "-m", "omsflask", "load", str(file)]
    start = time.perf_counter()
    process = subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"The load of {file} ended with {process.returncode}.")
    return time.perf_counter() - start, used.ru_maxrss / 1024


def own_import(empty: Empty, file: Path) -> float:
    """Return the seconds that the engine's own client takes for the same file."""
    if empty.psql is None:
        path = empty.other.removeprefix("sqlite:///")
        command = ["sqlite3", path, f".import --csv --skip 1 {file} customers"]
    else:
        copy = rf"\copy customers ({', '.join(COLUMNS)}) FROM '{file}' (FORMAT csv, HEADER)"
        command = [empty.psql, _plain(empty.other), "-q", "-c", copy]
    start = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - start


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg", "postgresql")


@contextmanager
def empties(engine: str) -> Iterator[Iterator[Empty]]:
    """Give databases without customers, one after the other."""
    if engine == "SQLite":
        yield _sqlite_files()
        return
    with postgresql() as server:
        yield _databases(server)


def _sqlite_files() -> Iterator[Empty]:
    while True:
        with tempfile.TemporaryDirectory() as folder:
            url, other = (f"sqlite:///{folder}/{name}.sqlite3" for name in ("ours", "other"))
            for it in (url, other):
                fill(it, 0)
            with closing(sqlite3.connect(other.removeprefix("sqlite:///"))) as connection:
                for name in ("stamp", "inserted", "updated"):
                    connection.execute(f"DROP TRIGGER customers_{name}")
            yield Empty(url, other)


def _databases(server: Any) -> Iterator[Empty]:
    psql = str(server.bin_path / "psql")
    for number in count():
        names = [f"{name}_{number}" for name in ("ours", "other")]
        urls = [
            server.get_uri(it).replace("postgresql://", "postgresql+psycopg://") for it in names
        ]
        for name, url in zip(names, urls, strict=True):
            server.psql(f"CREATE DATABASE {name}")
            fill(url, 0)
        yield Empty(urls[0], urls[1], psql)
        for name in names:
            server.psql(f"DROP DATABASE {name}")


def measure(engine: str, rows: int, folder: Path) -> None:
    """Print the lines of one engine and number of rows."""
    file = write(folder / "customers.csv", rows)
    changed = write_changes(folder / "changed.csv", rows)
    taken: dict[str, list[tuple[float, float]]] = {"added": [], "unchanged": [], "changed": []}
    others = []
    with empties(engine) as databases:
        for _, empty in zip(range(RUNS), databases, strict=False):
            for name, it in (("added", file), ("unchanged", file), ("changed", changed)):
                taken[name].append(load(empty.url, it))
            others.append(own_import(empty, file))
    for name, runs in taken.items():
        ratio = median(seconds / other for (seconds, _), other in zip(runs, others, strict=True))
        print(
            f"| {engine} | {rows:,} | {name} | {rows / median(it for it, _ in runs):,.0f}"
            f" | {rows / median(others):,.0f} | {ratio:.2f} | {max(it for _, it in runs):.0f} |",
            flush=True,
        )


def main() -> None:
    """Measure and print a table in Markdown."""
    sizes = [int(it) for it in sys.argv[1:]] or [10_000, 200_000, 1_000_000]
    print(f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, {os.cpu_count()} processors,")
    print(f"Python {platform.python_version()}; median of {RUNS} runs, in turn with the other.\n")
    print("| engine | rows | of the file are | rows/s | the other's | × its time | peak MB |")
    print("| --- | --: | --- | --: | --: | --: | --: |")
    for engine in ("SQLite", "PostgreSQL"):
        for rows in sizes:
            with tempfile.TemporaryDirectory() as folder:
                measure(engine, rows, Path(folder))


if __name__ == "__main__":
    main()
