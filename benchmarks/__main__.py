"""Pages under gunicorn, beside a view of constant bytes and two other stacks, in turn in one run.

``python -m benchmarks [--seconds 1] [--engine SQLite=100000] [--engine PostgreSQL=1000000]``
"""

from __future__ import annotations

import argparse
import os
import platform
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import median

import orjson

from .load import Request, drive
from .servers import Database, Server, databases, serving
from .stacks import PATH

#: Many short ones: the machine's speed moves within seconds.
ROUNDS = 6

STACKS = {
    "constant": "benchmarks.stacks:constant()",
    "ours": "wsgi:app",
    "naive": "benchmarks.stacks:naive()",
    "DRF": "benchmarks.drf.wsgi:application",
}

COLUMNS = (
    "engine", "rows", "request", "requests/s", "× constant", "× naive", "× DRF", "CPU µs",
    "constant's", "MB",
)  # fmt: skip

#: From a random number generator and the number of rows to a request.
Ask = Callable[[random.Random, int], Request]


def page(limit: int, first: float, last: float) -> Ask:
    """Ask for pages between two parts of the whole, each of which is checked by its keys."""

    def ask(choose: random.Random, rows: int) -> Request:
        pages = rows // limit
        number = choose.randint(max(1, int(pages * first)), max(1, int(pages * last)))
        keys = [*range((number - 1) * limit + 1, number * limit + 1)]
        return f"{PATH}?limit={limit}&page={number}", lambda body: _keys(body) == keys

    return ask


def newest(first: float, last: float) -> Ask:
    """Ask for pages of the newest first."""

    def ask(choose: random.Random, rows: int) -> Request:
        number = choose.randint(int(rows / 10 * first) + 1, int(rows / 10 * last))
        path = f"{PATH}?sort=-modified_date&page={number}"
        return path, lambda body: _are_sorted(body, rows, descending=True)

    return ask


def changes(choose: random.Random, rows: int) -> Request:
    """Ask for what changed in the last days of some 700, oldest first."""
    day = f"2024-11-{choose.randint(10, 24):02d}T{choose.randint(0, 23):02d}:00:00"
    path = f"{PATH}?modified_date__gte={day}Z&sort=modified_date"
    return path, lambda body: _are_sorted(body, rows, since=day)


def behind(choose: random.Random, rows: int) -> Request:
    """Ask for the first page behind a key."""
    key = choose.randint(rows // 2, rows - 20)
    keys = [*range(key + 1, key + 11)]
    return f"{PATH}?id__gt={key}", lambda body: _keys(body) == keys


def description(_choose: random.Random, _rows: int) -> Request:
    """Ask what the list is."""
    return PATH, lambda body: body.startswith(b'{"name":"list-simple"')


@dataclass(frozen=True)
class Case:
    """A kind of request.

    :param stacks: that can answer it.
    """

    name: str
    ask: Ask
    method: str = "GET"
    stacks: tuple[str, ...] = tuple(STACKS)


CASES = (
    Case("page of 10, one of the first 100", page(10, 0, 0.01)),
    Case("page of 1,000", page(1000, 0, 1)),
    Case("page of 10, any", page(10, 0, 1)),
    Case("page of 10, one of the last", page(10, 0.99, 1)),
    Case("the same by -modified_date", newest(0.99, 1)),
    Case("changes since a date, sorted", changes),
    Case("behind a key", behind),
    Case("OPTIONS", description, "OPTIONS", ("constant", "ours")),
)


@dataclass
class Measured:
    """What was seen of a stack."""

    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


def measure(case: Case, database: Database, servers: dict[str, Server], seconds: float) -> str:
    """Drive the servers in turn, and return a line of the table."""
    measured = {name: Measured() for name in case.stacks}
    for turn in range(ROUNDS):
        for name, seen in measured.items():
            server = servers[name]
            requests = _requests(case, database.rows, turn, checked=name != "constant")
            before = server.cpu_seconds()
            answered, passed = drive(
                server.port, requests, database.key, seconds, method=case.method
            )
            seen.rates.append(answered / passed)
            seen.cpu.append((server.cpu_seconds() - before) / answered * 1e6)
    ours = measured["ours"]

    def ratio(name: str) -> str:
        if name not in measured:
            return ""
        pairs = zip(ours.rates, measured[name].rates, strict=True)
        return f"{median(mine / other for mine, other in pairs):.2f}"

    return (
        f"| {database.engine} | {database.rows:,} | {case.name} | {median(ours.rates):,.0f}"
        f" | {ratio('constant')} | {ratio('naive')} | {ratio('DRF')} | {median(ours.cpu):,.0f}"
        f" | {median(measured['constant'].cpu):,.0f} | {servers['ours'].memory():.0f} |"
    )


def _requests(case: Case, rows: int, turn: int, *, checked: bool) -> Iterator[Request]:
    choose = random.Random(turn)
    while True:
        path, is_right = case.ask(choose, rows)
        yield path, is_right if checked else bool


def _keys(body: bytes) -> list[int]:
    return [row["id"] for row in orjson.loads(body)["results"]]


def _are_sorted(body: bytes, rows: int, *, descending: bool = False, since: str = "") -> bool:
    answer = orjson.loads(body)
    order = [(row["modified_date"], row["id"]) for row in answer["results"]]
    is_sorted = order == sorted(order, reverse=descending)
    return is_sorted and 0 < answer["count"] <= rows and min(order)[0] >= since


def main() -> None:
    """Measure and print a table in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--seconds", type=float, default=1.0, help="a stack, a case and a round")
    parser.add_argument("--engine", action="append", metavar="NAME=ROWS")
    given = parser.parse_args()
    print(f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, {os.cpu_count()} processors,")
    print(f"Python {platform.python_version()}; median of {ROUNDS} rounds of {given.seconds:g} s\n")
    print(f"| {' | '.join(COLUMNS)} |")
    print("| --- | --: | --- |" + " --: |" * (len(COLUMNS) - 3))
    for text in given.engine or ["SQLite=100000", "PostgreSQL=1000000"]:
        engine, _, rows = text.partition("=")
        for database in databases(engine, [int(rows)]):
            with ExitStack() as stack:
                servers = {
                    name: stack.enter_context(serving(app, database.url))
                    for name, app in STACKS.items()
                }
                for case in CASES:
                    print(measure(case, database, servers, given.seconds), flush=True)


if __name__ == "__main__":
    main()
