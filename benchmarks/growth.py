"""What grows with the table and what does not: the main requests at several sizes.

``python -m benchmarks.growth [ROWS …] [--engine SQLite] [--engine PostgreSQL] [--seconds 3]``
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http.client import HTTPConnection
from itertools import islice, pairwise
from statistics import median
from typing import Any
from urllib.parse import quote, urlsplit

import orjson
from sqlalchemy import text

from omsflask.standalone.app import create_app, db
from omsflask.standalone.engine import WITHOUT_TIMEOUTS

from .load import WrongAnswer
from .servers import Database, databases, serving
from .stacks import PATH

ROWS = [10_000, 100_000, 1_000_000, 5_000_000]

#: Of each kind, of which the median is told.
REQUESTS = 31

PULLING = 8

CHANGE = text("UPDATE customers SET last_name = last_name WHERE id = :id")


class Service:
    """The list, asked in process.

    :ivar body: of the last answer.
    """

    def __init__(self, database: Database, **config: Any) -> None:
        self.rows = database.rows
        self.body: Any = None
        self._app = create_app(
            {
                **WITHOUT_TIMEOUTS,
                "OMS_DATABASE_URL": database.url,
                "OMS_TOKEN_MEMORY_SECONDS": 3600,
                **config,
            }
        )
        self._client = self._app.test_client()
        self._headers = {"Authorization": f"Token {database.key}"}

    def ask(self, address: str) -> float:
        """Return in how many milliseconds a query string or a link is answered."""
        path = address if "/" in address else f"{PATH}?{address}"
        begun = time.perf_counter()
        response = self._client.get(path, headers=self._headers)
        ended = time.perf_counter()
        if response.status_code != 200:
            raise WrongAnswer(f"{path}: {response.text}")
        self.body = orjson.loads(response.data)
        return (ended - begun) * 1000

    def write(self) -> None:
        """Commit a change, as somebody else would."""
        with self._app.app_context(), db.engine.begin() as connection:
            connection.execute(CHANGE, {"id": random.randint(1, self.rows)})

    def close(self) -> None:
        """Close its connections."""
        with self._app.app_context():
            db.engine.dispose()


def first(_service: Service) -> Iterator[str]:
    """Ask for the first page."""
    while True:
        yield f"limit={random.randint(9, 11)}"


def thousand(service: Service) -> Iterator[str]:
    """Ask for a page of a thousand rows, one of the first ten."""
    while True:
        yield f"limit=1000&page={random.randint(1, min(10, service.rows // 1000))}"


def middle(service: Service) -> Iterator[str]:
    """Ask for a page by its number, about the one that lies farthest from both ends."""
    while True:
        yield f"page={service.rows // 20 - random.randint(0, 50)}"


def last(service: Service) -> Iterator[str]:
    """Ask for one of the last pages by its number."""
    while True:
        yield f"page={service.rows // 10 - random.randint(0, 50)}"


def last_by_cursor(service: Service) -> Iterator[str]:
    """Walk from the last page backwards."""
    service.ask("sort=id&page=last")
    while True:
        yield service.body["previous"]


def walk(service: Service) -> Iterator[str]:
    """Walk from the middle on, in the order of changes."""
    service.ask(f"sort=modified_date&page={service.rows // 20}")
    while True:
        yield service.body["next"]


def changes(service: Service) -> Iterator[str]:
    """Ask for what was changed since one of the last thousand changes."""
    service.ask("sort=-modified_date&limit=1000")
    since = [row["modified_date"] for row in service.body["results"]]
    while True:
        yield f"modified_date__gte={random.choice(since)}&sort=modified_date"


def by_email(service: Service) -> Iterator[str]:
    """Ask for a customer by e-mail."""
    service.ask(f"id__gt={random.randint(0, service.rows - 1000)}&limit=1000")
    emails = [row["email"] for row in service.body["results"]]
    while True:
        yield f"email={quote(random.choice(emails))}"


@dataclass(frozen=True)
class Case:
    """A kind of request.

    :param asks: yields query strings and links, each when the one before it was answered.
    :param is_busy: whether somebody commits before each request.
    :param kept_seconds: how long at most a count is kept, where it is not as by default.
    """

    name: str
    asks: Callable[[Service], Iterator[str]]
    is_busy: bool = False
    kept_seconds: float = 60.0


CASES = (
    Case("first page", first),
    Case("1,000 rows", thousand),
    Case("middle, by number", middle),
    Case("last, by number", last),
    Case("last, by cursor", last_by_cursor),
    Case("next of a walk", walk),
    Case("changes", changes),
    Case("by e-mail", by_email),
    Case("busy, count kept", first, is_busy=True),
    Case("busy, counted anew", first, is_busy=True, kept_seconds=0.0),
)


def measure(case: Case, database: Database) -> float:
    """Return the median of some requests, in milliseconds."""
    taken = []
    with closing(Service(database, OMS_COUNT_SECONDS=case.kept_seconds)) as service:
        service.ask("")
        for address in islice(case.asks(service), REQUESTS + 1):
            if case.is_busy:
                service.write()
            taken.append(service.ask(address))
    return median(taken[1:])  # The first one is built and counted for the others.


def pull(port: int, key: str, rows: int, seconds: float, start: int) -> int:
    """Walk along ``next`` from a page on, and return how many rows came.

    :raises WrongAnswer: when one is missing.
    """
    connection = HTTPConnection("127.0.0.1", port)
    begin = f"{PATH}?sort=id&limit=1000&page={start}"
    address, pulled, expected = begin, 0, None
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        connection.request("GET", address, headers={"Authorization": f"Token {key}"})
        body = orjson.loads(connection.getresponse().read())
        keys = [row["id"] for row in body["results"]]
        if expected not in (None, keys[0]) or any(b - a != 1 for a, b in pairwise(keys)):
            raise WrongAnswer(f"{address}: rows are missing")
        pulled += len(keys)
        expected = keys[-1] + 1 if body["next"] else None
        link = urlsplit(body["next"] or begin)
        address = f"{link.path}?{link.query}"
    return pulled


def throughput(database: Database, seconds: float) -> float:
    """Return how many rows a second come to processes that pull at once."""
    with serving("wsgi:app", database.url) as server, ProcessPoolExecutor(PULLING) as pool:
        asked = partial(pull, server.port, database.key, database.rows, seconds)
        pages = database.rows // 1000
        return sum(pool.map(asked, [1 + pages * i // PULLING for i in range(PULLING)])) / seconds


def line(database: Database, seconds: float) -> Iterator[str]:
    """Yield the cells of a line of the table."""
    yield f"| {database.engine} | {database.rows:,} |"
    for case in CASES:
        yield f" {measure(case, database):.2f} |"
    yield f" {throughput(database, seconds):,.0f} |\n"


def main() -> None:
    """Measure and print a table in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth")
    parser.add_argument("rows", nargs="*", type=int, default=ROWS, metavar="ROWS")
    parser.add_argument("--engine", action="append", choices=["SQLite", "PostgreSQL"])
    parser.add_argument("--seconds", type=float, default=3.0, help="that processes pull for")
    given = parser.parse_args()
    if min(given.rows) < 10_000:
        parser.error("ROWS: 10000 at least.")
    print(f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, {os.cpu_count()} processors,")
    print(f"Python {platform.python_version()}; ms, median of {REQUESTS} requests in process;")
    print(f"pulled: rows/s that {PULLING} processes walk over at once, by HTTP\n")
    print("| engine | rows |", *(f"{case.name} |" for case in CASES), "pulled |")
    print("| --- |" + " --: |" * (len(CASES) + 2), flush=True)
    for engine in given.engine or ["SQLite", "PostgreSQL"]:
        for database in databases(engine, given.rows):
            for cell in line(database, given.seconds):
                print(cell, end="", flush=True)


if __name__ == "__main__":
    main()
