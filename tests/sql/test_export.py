"""Whole exports: one snapshot, bounded, given back in every ending."""

import csv
import io
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from conftest import PATH, Client, dispose, make_app, make_client, settle
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import URL, Connection, Integer, TypeDecorator, create_engine, delete, insert
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from omsflask.customers import list_simple
from omsflask.declarations.fields import format_utc
from omsflask.declarations.filters import Term
from omsflask.declarations.services import BoundService
from omsflask.renderers import RENDERERS
from omsflask.sql.database import Database
from omsflask.sql.export import Export
from omsflask.sql.query import Query
from omsflask.sql.selection import Selection
from omsflask.standalone.app import Customer, db
from omsflask.standalone.sample_data import plausible
from omsflask.tables.models import ChannelMixin, CustomerMixin

listing = list_simple.bind(Customer)


def checked_out(client: Client) -> int:
    settle()
    with client.application.app_context():
        return db.engine.pool.checkedout()  # type: ignore[attr-defined]


@pytest.fixture
def many(new_client: Callable[..., Client]) -> Client:
    """A client of an app with more customers than a batch."""
    return new_client([*plausible(2500)])


@pytest.mark.parametrize("format_name", ["csv", "xlsx"])
def test_an_export_is_one_snapshot(many: Client, format_name: str) -> None:
    response = many.page(f"format={format_name}", buffered=False)
    pieces = response.iter_encoded()
    data = next(pieces)
    with many.application.app_context(), db.engine.begin() as connection:
        connection.execute(delete(Customer).where(Customer.id > 2000))
        connection.execute(insert(Customer), [*plausible(50, first_id=3000)])
    data += b"".join(pieces)
    if format_name == "csv":
        rows = [*csv.reader(io.StringIO(data.decode(), newline=""))]
        assert [row[0] for row in rows[1:]] == [str(it) for it in range(1, 2501)]
    assert response.headers["X-Total-Count"] == "2500"
    assert many.page("format=csv").headers["X-Total-Count"] == "2050"


@pytest.mark.parametrize("ending", ["finished", "abandoned", "never begun"])
@pytest.mark.parametrize("format_name", ["csv", "xlsx"])
def test_the_connection_and_the_slot_are_given_back(
    many: Client, format_name: str, ending: str
) -> None:
    for _ in range(5):
        response = many.page(f"format={format_name}", buffered=False)
        assert response.status_code == 200
        if ending == "finished":
            assert response.data
        elif ending == "abandoned":
            next(response.iter_encoded())
        response.close()
        assert checked_out(many) == 0


@pytest.mark.parametrize("format_name", ["csv", "xlsx"])
def test_a_failure_half_way_ends_the_transfer_and_gives_all_back(
    many: Client, format_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(self: Export, *_: Any) -> Iterator[Any]:
        yield from [[(1, *[None] * 9)]] * 3
        raise OperationalError("SELECT", {}, Exception("gone"))

    monkeypatch.setattr(Export, "batches", failing)
    monkeypatch.setattr(Export, "bulk_text", lambda self: None)
    for _ in range(5):
        response = many.page(f"format={format_name}", buffered=False)
        with pytest.raises(OperationalError):
            b"".join(response.iter_encoded())
        response.close()
        assert checked_out(many) == 0


def test_a_failure_at_once_is_an_answer(many: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(self: Export) -> Iterator[Any]:
        raise OperationalError("SELECT", {}, Exception("gone"))

    monkeypatch.setattr(Export, "bulk_text", failing)
    for _ in range(5):
        response = many.page("format=csv")
        assert response.status_code == 503
        assert response.headers["Retry-After"]
        assert list(response.json) == ["detail"]
        assert checked_out(many) == 0


def test_only_so_many_exports_run_at_a_time(many: Client) -> None:
    running = [many.page("format=csv", buffered=False) for _ in range(2)]
    refused = many.page("format=xlsx")
    assert refused.status_code == 503
    assert refused.json == {"detail": "Too many exports are running. Try again shortly."}
    assert int(refused.headers["Retry-After"]) > 0
    assert many.page("format=csv&limit=5").status_code == 200
    assert many.head(f"{PATH}?format=csv").status_code == 200
    assert many.page().status_code == 200
    for response in running:
        response.close()
    assert many.page("format=csv").status_code == 200


def test_head_reads_no_rows(client: Client, statements: list[str]) -> None:
    client.page()
    statements.clear()
    client.head(f"{PATH}?format=csv")
    assert not [it for it in statements if "email" in it]


@pytest.mark.parametrize("kept_seconds", [0, 60])
def test_an_unchanged_export_is_304(
    client: Client, monkeypatch: pytest.MonkeyPatch, kept_seconds: int
) -> None:
    monkeypatch.setitem(client.application.config, "OMS_COUNT_SECONDS", kept_seconds)
    client.page()
    settle()  # The use of the token is a commit too.
    # On SQLite another connection of the pool may answer, which cannot know: then it is sent again.
    tag = client.page("format=csv").headers["ETag"]
    answers = [client.page("format=csv", headers={"If-None-Match": tag}) for _ in range(3)]
    assert {it.status_code for it in answers} <= {200, 304}
    assert all(it.data == b"" for it in answers if it.status_code == 304)
    assert 304 in {it.status_code for it in answers}


def test_a_changed_export_is_sent_again(many: Client) -> None:
    tags = {many.page("format=csv").headers["ETag"]}
    for id_ in range(1, 4):
        with many.application.app_context(), db.engine.begin() as connection:
            connection.execute(delete(Customer).where(Customer.id == id_))
        tag = many.page("format=csv").headers["ETag"]
        assert tag not in tags
        tags.add(tag)


def test_a_byte_order_mark_is_there_when_asked_for(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(client.application.config, "OMS_CSV_BOM", True)
    assert client.page("format=csv").data.startswith(b"\xef\xbb\xbfid,")


def test_memory_does_not_grow_with_the_rows(new_client: Callable[..., Client]) -> None:
    def peak(number: int, format_name: str) -> int:
        client = new_client([*plausible(number)])
        client.page(f"format={format_name}")  # What is kept once for all is no growth.
        tracemalloc.start()
        response = client.page(f"format={format_name}", buffered=False)
        for _ in response.iter_encoded():
            pass
        response.close()
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    for format_name in ("csv", "xlsx"):
        assert peak(6_000, format_name) < peak(3_000, format_name) + 2**18


letters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
nasty = st.text(letters, max_size=12) | (
    st.sampled_from([
        "=1", "@x", "+90 5", "+x", "-1", "-x", "\t", "a\tb", 'q"q', "a,b", "\r", "\n", "a\r\nb",
        "\\", "\\N", "\\.", "\\,", "\x1e", "\\\x1e", "\x1f",
        "\\\x1f", "a\\", " ", "'=1", "", "+1\n=2",
    ])
)  # fmt: skip


@pytest.fixture(scope="session")
def scratch(new_database: Callable[[], str]) -> Iterator[Client]:
    """A client of an app whose customers come and go."""
    app = make_app(new_database(), [])
    yield make_client(app)
    dispose(app)


def whole_hundredths(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 10_000 * 10_000)


@settings(max_examples=40, deadline=None)
@given(texts=st.lists(st.tuples(nasty, nasty, st.none() | nasty), min_size=1), guard=st.booleans())
def test_what_the_engine_writes_is_what_the_csv_module_writes(
    scratch: Client, texts: list[tuple[str, str, str | None]], guard: bool
) -> None:
    rows = [
        row | {"email": email, "first_name": first_name, "erp_code": erp_code}
        for row, (email, first_name, erp_code) in zip(plausible(len(texts)), texts, strict=True)
    ]
    with scratch.application.app_context(), db.engine.connect() as connection:
        connection.execute(delete(Customer))
        connection.execute(insert(Customer), rows)
        both_ways(connection, guard)


@pytest.mark.parametrize("odd", [[], [0], [999, 1000], [3, 700, 2047, 2499]])
def test_few_rows_that_need_quotes_stand_among_many(scratch: Client, odd: list[int]) -> None:
    rows = [*plausible(2500)]
    for number in odd:
        rows[number] |= {"first_name": 'Ali "=1", jr.', "last_name": "=1+1"}
    with scratch.application.app_context(), db.engine.connect() as connection:
        connection.execute(delete(Customer))
        connection.execute(insert(Customer), rows)
        assert both_ways(connection).count("'=1+1") == len(odd)


def test_keys_of_every_size_are_written_in_order(scratch: Client) -> None:
    keys = [-(2**63), -(2**63) + 1, -1, 0, *range(7, 2 * 1005, 2), 2**63 - 2, 2**63 - 1]
    rows = [row | {"id": key} for row, key in zip(plausible(len(keys)), keys, strict=True)]
    with scratch.application.app_context(), db.engine.connect() as connection:
        connection.execute(delete(Customer))
        connection.execute(insert(Customer), rows)
        lines = both_ways(connection).split("\r\n")[1:-1]
    assert [int(line.split(",")[0]) for line in lines] == keys


class Shifted(TypeDecorator[int]):
    impl = Integer
    cache_ok = True

    def process_result_value(self, value: Any, _dialect: Any) -> str:
        return f"#{value}"


class Base(DeclarativeBase):
    pass


class Person(CustomerMixin, Base):
    id: Mapped[int] = mapped_column(Shifted, primary_key=True)


class Child(ChannelMixin, Base):
    pass


@pytest.mark.parametrize(
    ("list_of", "asked", "is_whole"),
    [
        (listing, {}, True),
        (listing, {"order": (Term("id"),)}, True),
        (listing, {"order": (Term("id", descending=True),)}, False),
        (listing, {"order": (Term("modified_date"),)}, False),
        (listing, {"filters": {"id__gt": 1}}, False),
        (list_simple.bind(Customer, scope=lambda rows, _: rows), {}, False),
        (list_simple.bind(Person), {}, False),
    ],
)
def test_only_a_whole_table_is_read_by_its_keys(
    list_of: BoundService, asked: dict[str, Any], is_whole: bool
) -> None:
    database = Database(create_engine("sqlite://"))
    assert Selection(list_of, Query.of(list_simple, **asked), database).is_whole is is_whole


def both_ways(connection: Connection, guard: bool = True) -> str:
    """Return a CSV that is the same by the engine's texts and by the csv module."""
    config = {"OMS_CSV_GUARD": guard, "OMS_CSV_BOM": False}
    stream = RENDERERS["csv"].file
    selection = Selection(listing, Query.of(list_simple), Database(connection))
    with closing(Export(selection)) as fast, closing(Export(selection)) as slow:
        slow.bulk_text = lambda: None  # type: ignore[method-assign]
        written = b"".join(stream(fast, config))
        assert written == b"".join(stream(slow, config))
    return written.decode()


@settings(max_examples=40, deadline=None)
@given(
    moments=st.lists(st.datetimes() | st.datetimes().map(whole_hundredths), min_size=1),
    name=st.sampled_from(["Ali", "\x1e", "2024-01-01\x1e12:00:00.5Z", "Z", "12:00:00.123456Z"]),
)
def test_moments_are_written_as_the_csv_module_writes_them(
    scratch: Client, moments: list[datetime], name: str
) -> None:
    rows = [
        row | {"created_date": moment.replace(tzinfo=UTC), "first_name": name}
        for row, moment in zip(plausible(len(moments)), moments, strict=True)
    ]
    with scratch.application.app_context(), db.engine.connect() as connection:
        connection.execute(delete(Customer))
        connection.execute(insert(Customer), rows)
        lines = both_ways(connection).split("\r\n")[1:-1]
    shown = [line.split(",")[1] for line in lines]
    assert shown == [f"{moment.isoformat(timespec='microseconds')}Z" for moment in moments]


#: What PostgreSQL may hold, and what is shown of it.
MOMENTS = {"infinity": "", "-infinity": "", None: ""} | {
    f"2024-01-01 12:00:00{fraction}": f"2024-01-01T12:00:00{fraction or '.':0<7}Z"
    for fraction in ("", ".1", ".12", ".123", ".1234", ".12345", ".123456", ".000001")
}
FAR = {
    "0044-03-15 00:00:00.5 BC": "0044-03-15T00:00:00.500000Z BC",
    "20000-01-01 00:00:00": "20000-01-01T00:00:00.000000Z",
}


@pytest.mark.parametrize("style", ["ISO", "German", "SQL, DMY"])
@pytest.mark.parametrize("moments", [MOMENTS, MOMENTS | FAR])
def test_postgresql_has_other_moments_and_other_styles(
    new_schema: Callable[[], URL], moments: dict[str | None, str], style: str
) -> None:
    rows = [*plausible(len(moments) + 1)]
    app = make_app(new_schema().render_as_string(hide_password=False), rows)
    with app.app_context(), db.engine.connect() as connection:
        connection.exec_driver_sql("ALTER TABLE customers ALTER created_date DROP NOT NULL")
        connection.exec_driver_sql(f"SET LOCAL datestyle = '{style}'")
        for id_, moment in enumerate(moments, start=1):
            change = "UPDATE customers SET created_date = %s WHERE id = %s"
            connection.exec_driver_sql(change, (moment, id_))
        shown = [line.split(",")[1] for line in both_ways(connection).split("\r\n")[1:-1]]
    dispose(app)
    assert shown == [*moments.values(), format_utc(rows[-1]["created_date"])]


@pytest.mark.parametrize(
    "moment", ["2024-01-01 00:00:00", "2024-01-01 00:00:00.5", "2024-01-01 00:00:00.123"]
)
def test_dates_that_others_stored_are_shown_alike(
    new_client: Callable[..., Client], moment: str
) -> None:
    client = new_client([*plausible(1)])
    with client.application.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE customers SET modified_date = '{moment}'")
    shown = client.page().json["results"][0]["modified_date"]
    assert shown == f"{moment.replace(' ', 'T').ljust(20, '.').ljust(26, '0')}Z"
    assert shown in client.page("format=csv").text


def test_a_host_may_use_another_driver(new_schema: Callable[[], URL]) -> None:
    def answers(driver: str) -> list[bytes]:
        url = new_schema().set(drivername=f"postgresql+{driver}")
        app = make_app(url.render_as_string(hide_password=False), [*plausible(1500)])
        client = make_client(app)
        found = [client.page(f"sort=-id&format={it}").data for it in ("json", "csv")]
        dispose(app)
        return found

    assert answers("psycopg") == answers("psycopg2")
