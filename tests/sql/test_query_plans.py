"""Every documented query among 100,000 customers: an index serves it, or a line says why not.

The statements are those that the service sends. PostgreSQL tells how many rows its plans meet,
SQLite how many instructions its programs run.
"""

import json
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pytest
from conftest import PATH, Client, dispose, make_app, make_client, settle
from sqlalchemy import Engine, event, insert, update

from omsflask.customers import CustomerFilters
from omsflask.sql.plan import DEEP_OFFSET
from omsflask.standalone.app import Channel, Customer, db
from omsflask.standalone.make_customers import make

pytestmark = pytest.mark.slow

ROWS = 100_000

#: Rows that a page of ten may meet, where nothing else is said below. PostgreSQL would rather pass
#: over some thousand that lie side by side than fetch a hundred that do not.
FEW = {"sqlite": 5_000, "postgresql": 10_000}

#: Of SQLite's, to meet a row and pass it over.
INSTRUCTIONS_A_ROW = 10

#: So many of the last keys are in a channel of their own, and were changed last.
NEW = 1_000

#: By name, a filter that leaves most rows, some, few or none.
FILTERS = {
    "all": "",
    "id__gt, wide": "id__gt=50",
    "id__gte, narrow": f"id__gte={ROWS - 50}",
    "id__lt, narrow": "id__lt=50",
    "id__lte, wide": f"id__lte={ROWS - 50}",
    "first_name": "first_name=Ali",
    "first_name, none": "first_name=Nobody",
    "last_name": "last_name=Kaya",
    "email": "email={email}",
    "phone_number": "phone_number={phone_number}",
    "erp_code": "erp_code={erp_code}",
    "channel_id, wide": "channel_id=1",
    "channel_id": "channel_id=4",
    "channel_id, new": "channel_id=5",
    "channel_id, none": "channel_id=9",
    "modified_date": "modified_date={modified_date}",
    "modified_date__gte, narrow": "modified_date__gte=2025-02-01",
    "modified_date__gt, wide": "modified_date__gt=2023-02-01",
    "modified_date__lt, narrow": "modified_date__lt=2023-01-03",
    "modified_date__lte, wide": "modified_date__lte=2024-12-01",
}

PAIRS = [
    (one, other)
    for one, other in combinations([*FILTERS][1:], 2)
    if re.split("__|,", one)[0] != re.split("__|,", other)[0]
]

SORTS = ("", "sort=id", "sort=-id", "sort=modified_date", "sort=-modified_date")


@dataclass(frozen=True)
class Exemption:
    """Queries that no index serves well.

    :param queries: a pattern of them.
    :param rows: that a page may meet all the same.
    """

    engine: str
    queries: str
    rows: int
    reason: str


EXEMPTIONS = (
    Exemption(
        "sqlite",
        "_name=",
        6_000,
        "A name's customers are met and sorted where a date's order or another filter is asked for"
        " besides: 4 ms at 100,000 rows. An index of each name and date would cost every insert a"
        " third more.",
    ),
    Exemption(
        "sqlite",
        r"_name=.*sort=-?modified_date.*page=",
        15_000,
        "The same far inside, with their rows: 35 ms at 100,000 rows.",
    ),
    Exemption(
        "sqlite",
        r"id__.*modified_date__",
        ROWS + 1_000,
        "Of two ranges SQLite does not know which is the narrow one: 10 ms at 100,000 rows.",
    ),
    Exemption(
        "postgresql",
        "first_name=.*last_name=|_name=.*channel_id=",
        20_000,
        "Two lists of keys are intersected, or one is passed over: 1 to 3 ms at 100,000 rows.",
    ),
)


@dataclass(frozen=True)
class Work:
    """What the database does for a statement.

    :param visited: how many rows of the table and its indexes it meets; on SQLite about.
    """

    statement: str
    plan: str
    visited: int

    @property
    def is_count(self) -> bool:
        """Whether it counts, and does not read."""
        return "count(*)" in self.statement


def on_sqlite(engine: Engine, statement: str, values: Any) -> Work:
    ticks = 0

    def tick() -> int:
        nonlocal ticks
        ticks += 1
        return 0

    with engine.connect() as connection:
        steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        plan = "\n".join(step.detail for step in steps)
        driver: Any = connection.connection.driver_connection
        driver.set_progress_handler(tick, INSTRUCTIONS_A_ROW)
        connection.exec_driver_sql(statement, values).all()
        driver.set_progress_handler(None, 0)
    return Work(statement, plan, ticks)


def on_postgresql(engine: Engine, statement: str, values: Any) -> Work:
    with engine.connect() as connection:
        explained = connection.exec_driver_sql(
            f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}", values
        )
        (plan,) = explained.scalar_one()
    visited = sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for node in nodes(plan["Plan"])
        if node["Node Type"].endswith("Scan") and "Subquery" not in node["Node Type"]
        if not node.get("Relation Name", "").startswith("pg_")
    )
    return Work(statement, json.dumps(plan, indent=1), int(visited))


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for inner in node.get("Plans", ()):
        yield from nodes(inner)


EXPLAIN = {"sqlite": on_sqlite, "postgresql": on_postgresql}

#: The whole table, without an index.
SCAN = {
    "sqlite": r"SCAN customers(?! USING)",
    "postgresql": r'"Node Type": "Seq Scan",[^{}]*"Relation Name": "customers"',
}


class Planner:
    """A client, and what its database does for each of its requests."""

    def __init__(self, client: Client) -> None:
        self.client = client
        with client.application.app_context():
            self.engine = db.engine
        self.name = self.engine.dialect.name
        self._sent: list[tuple[str, Any]] = []
        event.listen(self.engine, "before_cursor_execute", self._note)
        rows = self._json(f"id__gte={ROWS // 2}&limit=100")["results"]
        found = next(row for row in rows if row["phone_number"] and row["erp_code"])
        self._values = {name: str(value).replace("+", "%2B") for name, value in found.items()}

    def _note(self, _conn: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        if "FROM customers" in statement and not statement.startswith("EXPLAIN"):
            self._sent.append((statement, values))

    def _json(self, query: str) -> Any:
        return self.client.get(query if "/" in query else f"{PATH}?{query}").json

    def query(self, *parts: str) -> str:
        """Return the query string of some filters and a sort."""
        return "&".join(part for part in parts if part).format(**self._values)

    def ask(self, query: str) -> tuple[Any, list[Work]]:
        """Return the answer to a query string or a link, and the work that it made."""
        self._sent.clear()
        body = self._json(query)
        sent = [*self._sent]
        return body, [EXPLAIN[self.name](self.engine, *each) for each in sent]

    def check(self, query: str, passed: int = 0) -> Any:
        """Return the answer to a query that meets few rows but those that it passes over."""
        body, works = self.ask(query)
        few = max([FEW[self.name], *(it.rows for it in self.exemptions(query))])
        for work in works:
            most = few + 2 * body["count"] if work.is_count else few + passed
            assert work.visited <= most, f"{query}: {work}"
            assert self.is_served(work, query, body["count"]), f"{query}: {work}"
        return body

    def exemptions(self, query: str) -> Iterator[Exemption]:
        """Yield those that a query falls under."""
        for it in EXEMPTIONS:
            if it.engine == self.name and re.search(it.queries, query):
                yield it

    def is_served(self, work: Work, query: str, matches: int) -> bool:
        """Whether no table is scanned where an index holds what is asked for.

        SQLite's table is an index, of the key. Of most rows the table is the shortest way.
        """
        if not re.search(SCAN[self.name], work.plan):
            return True
        if work.is_count:
            return matches > ROWS / 5
        return self.name == "sqlite" and "modified_date&" not in f"{query}&"


@pytest.fixture(scope="module")
def planner(new_database: Callable[[], str]) -> Iterator[Planner]:
    app = make_app(new_database(), [], OMS_TOKEN_MEMORY_SECONDS=600)
    with app.app_context():
        deque(make(db.engine, Customer.__table__, ROWS), maxlen=0)
        with db.engine.begin() as connection:
            connection.execute(insert(Channel).values(id=5, name="New"))
            recent = update(Customer).where(Customer.id > ROWS - NEW).values(channel_id=5)
            connection.execute(recent)
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            vacuum = "VACUUM " if db.engine.dialect.name == "postgresql" else ""
            connection.exec_driver_sql(f"{vacuum}ANALYZE")
    client = make_client(app)
    client.page()
    settle()
    yield Planner(client)
    dispose(app)


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("name", FILTERS)
def test_pages_meet_few_rows_but_their_own(planner: Planner, name: str, sort: str) -> None:
    query = planner.query(FILTERS[name], sort)
    count = planner.check(query)["count"]
    if count < 30:
        return
    # From far inside a walk: near its start any plan is cheap.
    inside = f"{query}&page={count // 20 + 1}&cursor="
    body = planner.client.page(inside).json
    for link in (body["next"], body["previous"]):
        planner.check(link[link.index(PATH) :])


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("name", FILTERS)
def test_deep_pages_meet_what_they_pass_over_once(planner: Planner, name: str, sort: str) -> None:
    query = planner.query(FILTERS[name], sort)
    count = planner.client.page(query).json["count"]
    if count < 3 * DEEP_OFFSET:
        return
    for number in (DEEP_OFFSET // 10 + 1, count // 30, count // 11):
        planner.check(f"{query}&page={number}", 20 * number)
    if sort != "sort=modified_date" and "modified_date__gt" not in query:
        planner.check(f"{query}&page=last")


@pytest.mark.parametrize("names", PAIRS, ids=" and ".join)
def test_two_filters_are_served_too(planner: Planner, names: tuple[str, str]) -> None:
    for sort in SORTS:
        planner.check(planner.query(*(FILTERS[name] for name in names), sort))


def test_every_documented_filter_and_sort_is_here() -> None:
    assert {re.split("[,=]", name)[0] for name in FILTERS} - {"all"} == {
        *CustomerFilters.parameters
    }
    assert CustomerFilters.ordering is not None
    assert [sort.removeprefix("sort=") for sort in SORTS[1:]] == [*CustomerFilters.ordering.choices]
