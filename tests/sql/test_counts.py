"""Counts: as good as the rows while nobody commits, kept for a time when they are dear."""

from collections.abc import Callable
from typing import Any

import pytest
from conftest import Client, make_app, make_client, settle
from sqlalchemy import create_engine, event

from omsflask.errors import InvalidParameters
from omsflask.sql import counts, names
from omsflask.sql.cursors import Cursor
from omsflask.standalone.app import db
from omsflask.standalone.sample_data import plausible


class Database:
    """What else writes to a client's database, and what is asked of it."""

    def __init__(self, client: Client) -> None:
        self.client = client
        with client.application.app_context():
            self.engine = db.engine
        self.url = self.engine.url
        self.counted = 0
        event.listen(self.engine, "before_cursor_execute", self._count)

    def _count(self, _conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        self.counted += "count(*)" in statement

    def write(self, statement: str) -> None:
        """Run a statement as another process would."""
        engine = create_engine(self.url)
        with engine.begin() as connection:
            connection.exec_driver_sql(statement)
        engine.dispose()

    def fewest(self, ask: Callable[[], object]) -> int:
        """Return how often is counted at least: a PostgreSQL that cleans up commits too."""
        tries = []
        for _ in range(5):
            before = self.counted
            ask()
            tries.append(self.counted - before)
        return min(tries)

    def count(self, query: str = "") -> int:
        """Return the count that a page tells."""
        body = self.client.page(query).json
        assert body is not None
        return int(body["count"])


@pytest.fixture
def database(new_client: Callable[..., Client], monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.setattr(counts, "CHEAP_SECONDS", 60.0)  # On a busy machine nothing is cheap.
    client = new_client([*plausible(30)], OMS_TOKEN_MEMORY_SECONDS=600)
    client.page()
    settle()
    client.page()
    return Database(client)


def test_a_count_is_made_once_while_nobody_commits(database: Database) -> None:
    def pages() -> None:
        for query in ("", "page=2", "limit=7", "sort=-id", "page=last", ""):
            assert database.count(query) == 30

    def ranges() -> None:
        assert [database.count(f"id__gt={i}") for i in (10, 20, 10, 20)] == [20, 10, 20, 10]

    assert database.fewest(pages) == 0
    assert database.fewest(ranges) == 0


def test_a_count_is_good_for_later_watermarks(database: Database) -> None:
    query = "modified_date__gte=2023-01-01&sort=modified_date"
    assert database.fewest(lambda: [database.count(query) for _ in range(5)]) == 0
    assert database.count(query) == 30


def test_a_count_is_none_for_later_horizons_where_a_row_waits(database: Database) -> None:
    is_sqlite = database.engine.dialect.name == "sqlite"
    later = "datetime('now', '1 hour')" if is_sqlite else "now() + interval '1 hour'"
    database.write(f"UPDATE customers SET modified_date = {later} WHERE id = 1")
    query = "modified_date__gte=2023-01-01&limit=100"
    for _ in range(3):
        assert database.count(query) == len(database.client.ids(query)) == 29 + is_sqlite


def test_a_commit_is_seen_at_once(database: Database) -> None:
    for left in (29, 28, 27):
        database.write(f"DELETE FROM customers WHERE id = {left + 1}")
        assert database.count() == left
        assert database.count("page=2") == left
    assert database.counted == 3
    database.write("DELETE FROM customers")
    assert database.client.page().json == {
        "count": 0, "next": None, "previous": None, "results": [],
    }  # fmt: skip
    assert database.client.page("page=last").json["results"] == []


def test_the_last_page_is_found_when_others_went(database: Database) -> None:
    assert database.client.ids("page=last") == [*range(21, 31)]
    database.write("DELETE FROM customers WHERE id > 15")
    assert database.client.ids("page=last") == [*range(11, 16)]


def test_a_dear_count_is_kept_though_rows_change(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counts, "CHEAP_SECONDS", 0.0)
    monkeypatch.setattr(counts, "TTL_FACTOR", 1e9)
    database.write("UPDATE customers SET first_name = 'A' WHERE id = 1")
    assert database.count() == 30
    database.write("DELETE FROM customers WHERE id > 25")
    page = database.client.page("page=3").json
    assert page["count"] == 30
    assert [row["id"] for row in page["results"]] == [21, 22, 23, 24, 25]
    assert page["next"] is None
    last = database.client.page("page=last").json
    assert (last["count"], last["results"][-1]["id"]) == (25, 25)


def test_a_cheap_count_is_never_kept(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "TTL_FACTOR", 1e9)
    database.write("DELETE FROM customers WHERE id > 25")
    assert database.count() == 25
    database.write("DELETE FROM customers WHERE id > 20")
    assert database.count() == 20


def test_keeping_counts_can_be_turned_off(new_client: Callable[..., Client]) -> None:
    database = Database(new_client([*plausible(3)], OMS_COUNT_SECONDS=0))
    assert [database.count() for _ in range(3)] == [3, 3, 3]
    assert database.counted == 3


def test_a_file_uses_an_exact_count_and_makes_one(database: Database) -> None:
    assert database.count("id__gt=5") == 25
    before = database.counted
    for _ in range(3):
        answer = database.client.page("id__gt=5&format=csv")
        assert (answer.headers["X-Total-Count"], answer.text.count("\r\n")) == ("25", 26)
    assert database.counted - before < 2  # A PostgreSQL that cleans up meanwhile commits too.
    database.write("DELETE FROM customers WHERE id > 20")
    answer = database.client.page("id__gt=5&format=csv")
    assert (answer.headers["X-Total-Count"], answer.text.count("\r\n")) == ("15", 16)
    before = database.counted
    assert database.count("id__gt=5") == 15
    assert database.counted - before < 2


def test_counts_do_not_pile_up(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "MAX_COUNTS", 3)
    for i in (1, 2, 3, 4, 1):
        database.count(f"id__gt={i}")
    assert database.counted == 5
    assert database.count("id__gt=4") == 26
    assert database.counted == 5


def test_what_a_host_has_not_committed_is_counted_and_not_remembered() -> None:
    app = make_app("sqlite://", [*plausible(3)])
    with app.app_context():
        assert db.engine.pool is not None
    client = make_client(app)
    count = lambda: client.page().json["count"]  # noqa: E731
    assert count() == 3
    with app.app_context(), db.engine.connect() as connection:
        connection.exec_driver_sql("DELETE FROM customers WHERE id = 1")
        assert count() == 2
        connection.rollback()
    assert count() == 3


@pytest.fixture
def shallow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omsflask.sql.plan.DEEP_OFFSET", 4)
    monkeypatch.setattr("omsflask.sql.pagination.DEEP_OFFSET", 4)


@pytest.mark.usefixtures("shallow")
@pytest.mark.parametrize("sort", ["id", "-modified_date"])
def test_who_follows_page_numbers_passes_over_no_row_twice(database: Database, sort: str) -> None:
    sent: list[tuple[str, int]] = []

    def listen(_conn: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        offset = values.get(names.OFFSET, 0) if isinstance(values, dict) else values[-1:]
        sent.append((statement, offset))

    event.listen(database.engine, "before_cursor_execute", listen)
    for number in range(1, 6):
        # A PostgreSQL that cleans up meanwhile commits too, and the pages are asked for again.
        for _ in range(3):
            sent.clear()
            database.client.ids(f"sort={sort}&limit=3&page={number}")
            if len(sent) == 1:
                break
        statement, offset = sent[-1]
        assert ("WHERE" in statement) == (number > 2)
        assert offset in ((3, (3,)) if number == 2 else (0, (0,)))


@pytest.mark.usefixtures("shallow")
def test_a_place_that_no_cursor_can_hold_is_none(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise InvalidParameters({"cursor": ["Invalid cursor."]})

    monkeypatch.setattr(Cursor, "decode", refuse)
    pages = [database.client.ids(f"limit=3&page={number}") for number in range(1, 11)]
    assert [id_ for page in pages for id_ in page] == [*range(1, 31)]


@pytest.mark.usefixtures("shallow")
@pytest.mark.parametrize("sort", ["id", "-modified_date"])
def test_places_are_good_while_nobody_commits(database: Database, sort: str) -> None:
    query = f"sort={sort}&limit=2"
    for number in range(1, 8):
        database.client.page(f"{query}&page={number}")
    database.write("DELETE FROM customers WHERE id IN (2, 3, 29)")
    whole = database.client.ids(f"sort={sort}&limit=100")
    for number in range(7, 10):
        page = database.client.ids(f"{query}&page={number}")
        assert page == whole[2 * number - 2 : 2 * number]
    database.write(f"DELETE FROM customers WHERE id NOT IN ({', '.join(map(str, whole[:5]))})")
    assert database.client.page(f"{query}&page=9").status_code == 404
    assert database.client.ids(f"{query}&page=3") == whole[4:5]


@pytest.mark.usefixtures("shallow")
@pytest.mark.parametrize("query", ["", "sort=-modified_date", "id__gt=5", "channel_id=1&sort=-id"])
def test_deep_pages_are_the_rows_of_the_whole(
    new_client: Callable[..., Client], query: str
) -> None:
    client = new_client([*plausible(40)])
    whole = client.ids(f"{query}&limit=100")
    for limit in (1, 3, 7):
        pages: list[int] = []
        for number in range(1, -(-len(whole) // limit) + 1):
            body = client.page(f"{query}&limit={limit}&page={number}").json
            pages += [row["id"] for row in body["results"]]
            assert (body["next"] is None) == (len(pages) == len(whole)), body["next"]
        assert pages == whole
        assert client.page(f"{query}&limit={limit}&page={number + 1}").status_code == 404
