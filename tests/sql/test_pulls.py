"""What pulls find among inserts, updates, deletes and late commits, in any interleaving."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from conftest import PATH, Client, dispose, make_app, make_client, settle
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, delete, event, insert, select, update

from omsflask.declarations.fields import format_utc
from omsflask.standalone.app import Customer, db
from omsflask.standalone.sample_data import plausible

ROWS = [*plausible(7)]
WRITERS = 2

#: The commoner, the oftener.
KINDS = (
    *("tick", "begin", "update", "insert", "delete", "commit", "rollback"),
    *("change", "change", "change", "read", "read", "read", "read"),
)

#: What a writer may do, where it can be done, and to the how-manieth customer.
Step = tuple[str, int, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(KINDS),
        st.integers(0, WRITERS - 1),
        st.integers(0, len(ROWS)),
    ),
    min_size=20,
    max_size=80,
)
LIMITS = st.integers(2, 4)

SAME = settings(derandomize=True, deadline=None, database=None)
QUICK_WALKS = settings(SAME, max_examples=6)
QUICK_MIRRORS = settings(SAME, max_examples=25)
THOROUGH = settings(SAME, max_examples=150)


class Clock:
    """SQLite's, which counts in milliseconds: here it goes on when it is told to."""

    def __init__(self) -> None:
        self._ticks = 0

    def tick(self) -> None:
        self._ticks += 1

    def rule(self, engine: Engine) -> None:
        """Let every connection take its moments from here."""
        event.listen(engine, "connect", lambda driver, _: self._rule(driver))
        engine.dispose()

    def _rule(self, driver: Any) -> None:
        driver.create_function("strftime", 2, lambda *_: self._now())

    def _now(self) -> str:
        now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(milliseconds=self._ticks)
        return f"{now:%Y-%m-%d %H:%M:%S.%f}"


@dataclass
class Writer:
    """A connection, and whom its transaction has made, changed and deleted."""

    connection: Connection
    made: set[int] = field(default_factory=set)
    changed: set[int] = field(default_factory=set)
    gone: set[int] = field(default_factory=set)
    is_open: bool = False


class Shop:
    """A table of customers, and those who write to it, by turns or at once."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self.client, self._clock = client, clock
        with client.application.app_context():
            self._engine = db.engine
        self._keys = count(1000)

    def __enter__(self) -> Shop:
        with self._engine.begin() as connection:
            connection.execute(delete(Customer))
            connection.execute(insert(Customer), ROWS)
        self._writers = [Writer(self._engine.connect()) for _ in range(WRITERS)]
        self._there = {row["id"] for row in ROWS}
        self._watched: set[int] = set()
        return self

    def __exit__(self, *_: object) -> None:
        for writer in self._writers:
            writer.connection.close()

    def rows(self) -> dict[int, Any]:
        """Return when each customer was changed who is committed."""
        wanted = select(Customer.id, Customer.modified_date)
        with self._engine.connect() as connection:
            return {row.id: row for row in connection.execute(wanted)}

    def watch(self) -> set[int]:
        """Return a set that those will be in who are changed from now on."""
        self._watched = set()
        return self._watched

    def do(self, step: str, number: int, pick: int) -> None:
        """Take a step of a writer's."""
        # SQLite lets nobody write beside an open transaction.
        if self._engine.dialect.name == "sqlite":
            number = next((i for i, it in enumerate(self._writers) if it.is_open), number)
        getattr(self, f"_{step}")(self._writers[number], pick)

    def settle(self) -> None:
        """Let every transaction end well."""
        for writer in self._writers:
            self._commit(writer)

    def _tick(self, _writer: Writer, _pick: int) -> None:
        self._clock.tick()

    def _begin(self, writer: Writer, _pick: int) -> None:
        if self._engine.dialect.name == "postgresql":
            writer.connection.exec_driver_sql("SELECT 1")

    def _insert(self, writer: Writer, pick: int) -> None:
        id_ = next(self._keys)
        made = insert(Customer).values(id=id_, omnitron_id=pick, email=f"{pick}@example.com")
        writer.connection.execute(made)
        writer.made.add(id_)
        writer.is_open = True

    def _update(self, writer: Writer, pick: int) -> None:
        for id_ in self._free(pick):
            changed = update(Customer).where(Customer.id == id_).values(omnitron_id=pick)
            writer.connection.execute(changed)
            writer.changed.add(id_)
            writer.is_open = True

    def _delete(self, writer: Writer, pick: int) -> None:
        for id_ in self._free(pick):
            writer.connection.execute(delete(Customer).where(Customer.id == id_))
            writer.gone.add(id_)
            writer.is_open = True

    def _change(self, writer: Writer, pick: int) -> None:
        self._update(writer, pick)
        self._commit(writer)

    def _free(self, pick: int) -> list[int]:
        """Return a customer whom no open transaction has touched."""
        taken = set().union(*(it.changed | it.gone for it in self._writers))
        free = sorted(self._there - taken)
        return free and [free[pick % len(free)]]

    def _commit(self, writer: Writer, _pick: int = 0) -> None:
        writer.connection.commit()
        self._there = self._there - writer.gone | writer.made
        self._watched |= writer.made | writer.changed | writer.gone
        self._end(writer)

    def _rollback(self, writer: Writer, _pick: int) -> None:
        writer.connection.rollback()
        self._end(writer)

    def _end(self, writer: Writer) -> None:
        writer.made, writer.changed, writer.gone = set(), set(), set()
        writer.is_open = False


class Walk:
    """A way along ``next``, a page at a time."""

    def __init__(self, client: Client, query: str) -> None:
        self._client, self._link = client, f"{PATH}?{query}"
        self.rows: list[dict[str, Any]] = []
        self.moments: list[str] = []

    def pages(self) -> Iterator[None]:
        """Read all pages, and wait after each."""
        while self._link:
            response = self._client.get(self._link)
            assert response.status_code == 200, response.text
            body: Any = response.json
            self._link = body["next"]
            self.rows += body["results"]
            self.moments += response.headers.getlist("OMS-Complete-Until")
            yield


class Mirror:
    """A copy that is kept as docs/pulling.md says."""

    def __init__(self, client: Client, limit: int) -> None:
        self._client, self._limit = client, limit
        self._since = ""
        self._turns = self._turns_of_pages()
        self.turns = 0
        self.rows: dict[int, dict[str, Any]] = {}

    def read(self) -> None:
        """Read a page."""
        next(self._turns)

    def catch_up(self) -> None:
        """Go on until a whole turn is over that has not yet begun."""
        end = self.turns + 2
        while self.turns < end:
            self.read()

    def _turns_of_pages(self) -> Iterator[None]:
        while True:
            for part in (self._pull, self._pull, self._pull, self._reconcile):
                yield from part()
            self.turns += 1

    def _pull(self) -> Iterator[None]:
        query = f"sort=modified_date&modified_date__gte={self._since}&limit={self._limit}"
        walk = Walk(self._client, query)
        yield from walk.pages()
        self.rows |= {row["id"]: row for row in walk.rows}
        self._since = max(self._since, min(walk.moments))

    def _reconcile(self) -> Iterator[None]:
        known = set(self.rows)
        walk = Walk(self._client, f"sort=id&limit={self._limit}")
        yield from walk.pages()
        for gone in known - {row["id"] for row in walk.rows}:
            del self.rows[gone]


@pytest.fixture(scope="module")
def shop(new_database: Callable[[], str]) -> Iterator[Shop]:
    app = make_app(new_database(), [], OMS_TOKEN_MEMORY_SECONDS=600)
    clock = Clock()
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            clock.rule(db.engine)
    client = make_client(app)
    client.page()
    settle()
    yield Shop(client, clock)
    dispose(app)


def act(shop: Shop, steps: list[Step], read: Callable[[], None]) -> None:
    """Take the steps of the writers, and between them the reader's."""
    for step in steps:
        if step[0] == "read":
            read()
        else:
            shop.do(*step)


def check_walk(shop: Shop, order: str, limit: int, steps: list[Step]) -> None:
    """Whoever stays as he is while others change is met, and once."""
    with shop:
        act(shop, steps[::2], lambda: None)
        there, changed = shop.rows(), shop.watch()
        walk = Walk(shop.client, f"{order}&limit={limit}")
        pages = walk.pages()
        act(shop, steps[1::2], lambda: next(pages, None))
        list(pages)
        met = Counter(row["id"] for row in walk.rows)
        if "modified_date" in order:
            waiting = {id_ for id_, row in there.items() if is_waiting(row, walk.moments)}
            assert there.keys() - changed - waiting <= met.keys()
            assert {id_ for id_, times in met.items() if times > 1} <= changed
        else:
            assert there.keys() & shop.rows().keys() <= met.keys()
            assert set(met.values()) <= {1}


def is_waiting(row: Any, moments: list[str]) -> bool:
    """Whether a row was newer than what was said to be complete."""
    return any(format_utc(row.modified_date) >= moment for moment in moments)


def check_mirror(shop: Shop, limit: int, steps: list[Step]) -> None:
    """A mirror that is kept as documented holds what the table holds."""
    with shop:
        mirror = Mirror(shop.client, limit)
        act(shop, steps, mirror.read)
        shop.settle()
        mirror.catch_up()
        listed: Any = shop.client.page("limit=1000").json
        assert mirror.rows == {row["id"]: row for row in listed["results"]}


ORDERS = ["cursor=", "sort=id", "sort=-id", "sort=modified_date", "sort=-modified_date"]


@pytest.mark.parametrize("order", ORDERS)
@QUICK_WALKS
@given(limit=LIMITS, steps=STEPS)
def test_a_walk_meets_whoever_stays_once(
    shop: Shop, order: str, limit: int, steps: list[Step]
) -> None:
    check_walk(shop, order, limit, steps)


READ = ("read", 0, 0)

#: A transaction that began before the walk did writes during it: the horizon goes back.
LATE_LOCK = [("begin", 0, 0), ("change", 1, 6), READ, ("update", 0, 0), READ, READ]

#: A page ends among stamps of one millisecond, and in the same one somebody before it is changed.
TIES = [
    *[("update", 0, 4), ("update", 0, 5), ("commit", 0, 0), READ, READ, READ],
    *[("change", 0, 2), ("tick", 0, 0), ("change", 0, 0), READ],
]


@QUICK_MIRRORS
@example(limit=2, steps=LATE_LOCK)
@example(limit=2, steps=TIES)
@given(limit=LIMITS, steps=STEPS)
def test_a_mirror_equals_the_table(shop: Shop, limit: int, steps: list[Step]) -> None:
    check_mirror(shop, limit, steps)


@pytest.mark.slow
@pytest.mark.parametrize("order", ORDERS)
@THOROUGH
@given(limit=LIMITS, steps=STEPS)
def test_many_walks(shop: Shop, order: str, limit: int, steps: list[Step]) -> None:
    check_walk(shop, order, limit, steps)


@pytest.mark.slow
@THOROUGH
@given(limit=LIMITS, steps=STEPS)
def test_many_mirrors(shop: Shop, limit: int, steps: list[Step]) -> None:
    check_mirror(shop, limit, steps)
