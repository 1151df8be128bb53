"""Columns of every kind: shown, narrowed, and walked, null or not, up and down, by several keys."""

import enum
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest
from conftest import Client
from flask import Flask
from marshmallow import Schema, fields
from sqlalchemy import (
    DateTime,
    Engine,
    Float,
    Integer,
    Numeric,
    String,
    Time,
    TypeDecorator,
    Uuid,
    create_engine,
    insert,
)
from sqlalchemy import Enum as SQLEnum
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

from omsflask import OMS, BoundService, Filter, FilterSet, ListService, Ordering, UTCDateTime
from omsflask.sql.cursors import Cursor


class Size(enum.Enum):
    """The order of declaration is neither that of the names nor that of the values."""

    SMALL = "s"
    LARGE = "l"
    MEDIUM = "m"


class Cents(TypeDecorator[Decimal]):
    """Money as the database has it, in cents."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: Any, _dialect: object) -> int | None:
        return None if value is None else int(value * 100)

    def process_result_value(self, value: Any, _dialect: object) -> Decimal | None:
        return None if value is None else Decimal(value) / 100


class Base(DeclarativeBase):
    pass


class Thing(Base):
    __tablename__ = "things"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str | None]
    whole: Mapped[int | None]
    number: Mapped[float | None] = mapped_column(Float)
    price: Mapped[Decimal | None] = mapped_column(Numeric(12, 4))
    cents: Mapped[Decimal | None] = mapped_column(Cents)
    yes: Mapped[bool | None]
    bit: Mapped[int | None]
    day: Mapped[date | None]
    hour: Mapped[time | None] = mapped_column(Time)
    moment: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    naive: Mapped[datetime | None] = mapped_column(DateTime(timezone=False))
    size: Mapped[Size | None]
    letter: Mapped[str | None] = mapped_column(String(1))
    stored: Mapped[Size | None] = mapped_column(
        SQLEnum(Size, native_enum=False, values_callable=lambda sizes: [it.value for it in sizes])
    )
    mark: Mapped[uuid.UUID | None] = mapped_column(Uuid)


class ThingSchema(Schema):
    id = fields.Integer()
    text = fields.String()
    whole = fields.Integer()
    number = fields.Float()
    price = fields.Decimal(places=2)
    cents = fields.Decimal(places=2)
    yes = fields.Boolean()
    bit = fields.Boolean()
    day = fields.Date()
    hour = fields.Time()
    moment = UTCDateTime()
    naive = UTCDateTime()
    size = fields.Enum(Size)
    letter = fields.Enum(Size, by_value=True)
    stored = fields.Enum(Size, by_value=True)
    mark = fields.UUID()


NAMES = list(ThingSchema._declared_fields)


class ThingNarrowing(FilterSet):
    """Every kind of filter."""

    text = Filter(fields.String, lookups=("exact", "in", "range", "isnull"))
    whole = Filter(fields.Integer, lookups=("exact", "in", "range"))
    number = Filter(fields.Float, lookups=("exact", "gte"))
    price = Filter(fields.Decimal, lookups=("exact", "in", "gt"))
    cents = Filter(fields.Decimal, lookups=("exact", "in", "range"))
    yes = Filter(fields.Boolean)
    bit = Filter(fields.Boolean, lookups=("exact", "isnull"))
    day = Filter(fields.Date, lookups=("exact", "in"))
    day__isnull = Filter(fields.Boolean)
    hour = Filter(fields.Time, lookups=("gte",))
    moment = Filter(UTCDateTime, lookups=("exact", "in", "range"))
    naive = Filter(fields.DateTime, lookups=("exact", "gte"))
    naive__lte = Filter(fields.Date)
    size = Filter(fields.Enum(Size), lookups=("exact", "in"))
    letter = Filter(fields.Enum(Size, by_value=True), lookups=("exact", "in"))
    stored = Filter(fields.Enum(Size, by_value=True), lookups=("exact", "in", "isnull"))
    mark = Filter(fields.UUID)


class ThingFilters(ThingNarrowing):
    """And every order."""

    sort = Ordering(**{name: name.title() for name in NAMES})


class PlainSchema(Schema):
    """What an engine can write by itself."""

    id = fields.Integer()
    text = fields.String()
    letter = fields.Enum(Size, by_value=True)


things = ListService(resource="things", name="all", schema=ThingSchema, filters=ThingFilters)
plain = ListService(resource="things", name="plain", schema=PlainSchema, filters=ThingNarrowing)
PATH = "/api/v1/oms/things/all/"
START = datetime(2024, 1, 1, 22, 30, tzinfo=UTC)


def thing(number: int) -> dict[str, Any]:
    """Return a row: every third has no values, each value comes several times."""
    turn = number * 7 % 5
    moment = START + timedelta(hours=turn, microseconds=turn)
    values = {
        "text": "aÇb-ı"[turn],
        "whole": turn - 2,
        "number": turn / 3,
        "price": Decimal(turn) / 10_000 + 1,
        "cents": Decimal(turn) / 4,
        "yes": turn % 2 == 0,
        "bit": turn % 2,
        "day": moment.date(),
        "hour": time(turn, turn, turn, turn),
        "moment": moment,
        "naive": moment.replace(tzinfo=None),
        "size": list(Size)[turn % 3],
        "letter": "sml"[turn % 3],
        "stored": list(Size)[turn % 3],
        "mark": uuid.UUID(int=turn),
    }
    return {"id": number} | (dict.fromkeys(values) if number % 3 == 0 else values)


ROWS = [thing(number) for number in range(1, 25)]


def client_over(rows: list[dict[str, Any]], url: str) -> Iterator[Client]:
    """Yield a client of an app over a new table of things."""
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(Thing), rows)
    yield from client_of(engine, things.bind(Thing), plain.bind(Thing))


def client_of(engine: Engine, *listings: BoundService) -> Iterator[Client]:
    """Yield a client of an app with some lists."""
    app = Flask("host")
    oms = OMS(sessionmaker(engine), verify_token=lambda key: key)
    for listing in listings:
        oms.add(listing)
    oms.init_app(app)
    app.test_client_class = Client
    client = app.test_client()
    assert isinstance(client, Client)
    client.key = "any"
    yield client
    engine.dispose()


@pytest.fixture(scope="module")
def client(new_database: Callable[[], str]) -> Iterator[Client]:
    """A client of an app over twenty-four things."""
    yield from client_over(ROWS, new_database())


@pytest.fixture(scope="module")
def boundless(new_database: Callable[[], str]) -> Iterator[Client]:
    """A client of an app over things of which some have numbers without end."""
    numbers = {row: {"number": float(text)} for row, text in ((3, "-inf"), (8, "inf"), (9, "inf"))}
    yield from client_over([row | numbers.get(row["id"], {}) for row in ROWS], new_database())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("sign", ["", "-"])
def test_page_numbers_miss_nobody_in_any_order(
    boundless: Client, monkeypatch: pytest.MonkeyPatch, name: str, sign: str
) -> None:
    monkeypatch.setattr("omsflask.sql.plan.DEEP_OFFSET", 3)
    monkeypatch.setattr("omsflask.sql.pagination.DEEP_OFFSET", 3)
    ids = lambda query: [row["id"] for row in boundless.get(query).json["results"]]  # noqa: E731
    whole = ids(f"{PATH}?sort={sign}{name}&limit=100")
    pages = [ids(f"{PATH}?sort={sign}{name}&limit=2&page={number}") for number in range(1, 13)]
    assert [id_ for page in pages for id_ in page] == whole


def test_every_kind_is_shown(client: Client) -> None:
    one, _, three = client.get(f"{PATH}?sort=id&limit=3").json["results"]
    assert one == {
        "id": 1,
        "text": "b",
        "whole": 0,
        "number": 2 / 3,
        "price": "1.00",
        "cents": "0.50",
        "yes": True,
        "bit": False,
        "day": "2024-01-02",
        "hour": "02:02:02.000002",
        "moment": "2024-01-02T00:30:00.000002Z",
        "naive": "2024-01-02T00:30:00.000002Z",
        "size": "MEDIUM",
        "letter": "l",
        "stored": "m",
        "mark": "00000000-0000-0000-0000-000000000002",
    }
    assert three == dict.fromkeys(NAMES) | {"id": 3}


SELECTIONS: list[tuple[str, Callable[[dict[str, Any]], Any]]] = [
    ("text=%C3%87", lambda row: row["text"] == "Ç"),
    ("text__in=a,%C4%B1", lambda row: row["text"] in ("a", "ı")),
    ("text__isnull=true", lambda row: row["text"] is None),
    ("whole=-2", lambda row: row["whole"] == -2),
    ("whole__in=-2,%2B1", lambda row: row["whole"] in (-2, 1)),
    ("whole__range=-1,9223372036854775807", lambda row: row["whole"] in (-1, 0, 1, 2)),
    ("number__gte=3.3e-1", lambda row: (row["number"] or 0) > 0.33),
    ("number__gte=1e99", lambda row: False),
    ("number=0", lambda row: row["number"] == 0),
    ("price=1.0001", lambda row: row["price"] == Decimal("1.0001")),
    ("price__in=1,1.0003", lambda row: row["price"] in (1, Decimal("1.0003"))),
    ("price__gt=1.00015", lambda row: (row["price"] or 0) >= Decimal("1.0002")),
    ("cents=0.25", lambda row: row["cents"] == Decimal("0.25")),
    ("cents__in=0.25,1", lambda row: row["cents"] in (1, Decimal("0.25"))),
    ("cents__range=0.25,0.5", lambda row: row["cents"] in (Decimal("0.5"), Decimal("0.25"))),
    ("yes=true", lambda row: row["yes"]),
    ("yes=false", lambda row: row["yes"] is False),
    ("bit=true", lambda row: row["bit"]),
    ("bit=false", lambda row: row["bit"] == 0),
    ("bit__isnull=true", lambda row: row["bit"] is None),
    ("day=2024-01-02", lambda row: row["day"] == date(2024, 1, 2)),
    ("day__in=2024-01-02,2023-01-01", lambda row: row["day"] == date(2024, 1, 2)),
    ("day__isnull=false", lambda row: row["day"] is not None),
    ("hour__gte=03:00", lambda row: row["hour"] and row["hour"] >= time(3)),
    ("moment=2024-01-01T22:30:00Z", lambda row: row["moment"] == START),
    ("moment__in=2024-01-02T01:30:00%2B03:00", lambda row: row["moment"] == START),
    ("moment__range=2024-01-01,2024-01-02", lambda row: row["whole"] in (-2, -1)),
    ("naive=2024-01-01T22:30:00", lambda row: row["moment"] == START),
    (
        "naive__gte=2024-01-02T03:30:00%2B03:00",
        lambda row: row["whole"] in (0, 1, 2),
    ),
    ("naive__lte=2024-01-02", lambda row: row["whole"] in (-2, -1)),
    ("size=LARGE", lambda row: row["size"] is Size.LARGE),
    ("size__in=LARGE,SMALL", lambda row: row["size"] in (Size.LARGE, Size.SMALL)),
    ("letter=l", lambda row: row["letter"] == "l"),
    ("letter__in=l,m", lambda row: row["letter"] in ("l", "m")),
    ("stored=m", lambda row: row["stored"] is Size.MEDIUM),
    ("stored__in=m,l", lambda row: row["stored"] in (Size.MEDIUM, Size.LARGE)),
    ("stored__isnull=true", lambda row: row["stored"] is None),
    ("mark=00000000000000000000000000000002", lambda row: row["whole"] == 0),
]


@pytest.mark.parametrize(("query", "belongs"), SELECTIONS, ids=[it[0] for it in SELECTIONS])
def test_every_kind_is_narrowed(
    client: Client, query: str, belongs: Callable[[dict[str, Any]], Any]
) -> None:
    response = client.get(f"{PATH}?{query}&limit=1000&sort=id")
    assert response.status_code == 200, response.text
    found = [row["id"] for row in response.json["results"]]
    assert found == [row["id"] for row in ROWS if belongs(row)]


@pytest.mark.parametrize(("query", "belongs"), SELECTIONS, ids=[it[0] for it in SELECTIONS])
def test_every_kind_is_narrowed_in_a_file_too(
    client: Client, query: str, belongs: Callable[[dict[str, Any]], Any]
) -> None:
    response = client.get(f"/api/v1/oms/things/plain/?{query}&format=csv")
    assert response.status_code == 200, response.text
    lines = [line.split(",")[0] for line in response.text.splitlines()[1:]]
    assert lines == [str(row["id"]) for row in ROWS if belongs(row)]


def walk(client: Client, link: str, direction: str = "next") -> list[Any]:
    """Return the pages that a walk meets."""
    pages = []
    while link:
        pages.append(client.get(link).json)
        link = pages[-1][direction]
    return pages


def ids(*pages: Any) -> list[list[int]]:
    return [[row["id"] for row in page["results"]] for page in pages]


@pytest.mark.parametrize(
    "sort",
    [
        *(f"{sign}{name}" for name in NAMES for sign in ("", "-")),
        "text,-whole",
        "-yes,day,-id",
        "size,-price,moment",
        "-stored,bit,-number,letter",
    ],
)
def test_every_kind_is_walked_there_and_back(client: Client, sort: str) -> None:
    (whole,) = ids(client.get(f"{PATH}?sort={sort}&limit=1000").json)
    assert sorted(whole) == [row["id"] for row in ROWS]
    there = walk(client, f"{PATH}?sort={sort}&limit=7")
    assert [key for page in ids(*there) for key in page] == whole
    back = walk(client, there[-1]["previous"], "previous")
    assert ids(*back) == ids(*there)[-2::-1]


@pytest.mark.parametrize("sort", [*NAMES, "-text,whole", "size,-price,moment"])
def test_every_kind_is_walked_when_few_rows_are_sorted(
    client: Client, monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    query = f"{PATH}?sort={sort}&bit__isnull=false"
    (few,) = ids(client.get(f"{query}&limit=1000").json)
    walked = [key for page in ids(*walk(client, f"{query}&limit=7")) for key in page]
    monkeypatch.setattr("omsflask.sql.plan.MAX_SORTED_ROWS", -1)
    (many,) = ids(client.get(f"{query}&limit=1000").json)
    assert few == walked == many


@pytest.mark.parametrize("name", ["text", "whole", "price", "yes", "day", "moment", "naive"])
def test_null_is_last_upwards_and_first_downwards_on_every_engine(
    client: Client, name: str
) -> None:
    up = [row[name] for row in client.get(f"{PATH}?sort={name}&limit=1000").json["results"]]
    down = [row[name] for row in client.get(f"{PATH}?sort=-{name}&limit=1000").json["results"]]
    assert up[-8:] == down[:8] == [None] * 8
    assert None not in up[:-8]
    assert up == down[::-1]


FORGED = [
    ("price", "1E+999999999"),
    ("price", "nan"),
    ("price", "sNaN"),
    ("price", 1),
    ("whole", "1"),
    ("whole", 2**63),
    ("yes", 1),
    ("number", "NaN"),
    ("number", True),
    ("day", 5),
    ("hour", "25:00"),
    ("mark", 5),
    ("mark", ["x"]),
    ("size", "l"),
    ("size", {}),
    ("text", "\0"),
    ("text", 5),
    ("cents", "0.5"),
]


@pytest.mark.parametrize(("name", "value"), FORGED)
def test_a_forged_cursor_brings_no_odd_value_to_the_database(
    client: Client, name: str, value: Any
) -> None:
    binding = orjson.dumps(["/things/all/", [name, "id"], []])
    forged = Cursor((value, 1), False, 24).encode(binding)
    response = client.get(f"{PATH}?sort={name}&cursor={forged}")
    assert (response.status_code, response.json) == (400, {"cursor": ["Invalid cursor."]})


def test_a_type_that_only_changes_what_comes_out_is_walked(new_database: Callable[[], str]) -> None:
    class Host(DeclarativeBase):
        pass

    class InUTC(TypeDecorator[datetime]):
        impl = DateTime
        cache_ok = True

        def process_result_value(self, value: Any, _dialect: object) -> Any:
            return value and value.replace(tzinfo=UTC)

    class Event(Host):
        __tablename__ = "events"

        id: Mapped[int] = mapped_column(primary_key=True)
        at: Mapped[datetime] = mapped_column(InUTC)

    service = ListService(
        resource="events",
        name="all",
        schema=Schema.from_dict({"id": fields.Integer(), "at": UTCDateTime()}),
        filters=type("EventFilters", (FilterSet,), {"sort": Ordering(at="At")}),
    )
    engine = create_engine(new_database())
    Host.metadata.create_all(engine)
    rows = [{"id": row["id"], "at": row["naive"]} for row in ROWS if row["naive"]]
    with engine.begin() as connection:
        connection.execute(insert(Event), rows)
    for client in client_of(engine, service.bind(Event)):
        path = "/api/v1/oms/events/all/"
        (whole,) = ids(client.get(f"{path}?sort=-at&limit=1000").json)
        walked = ids(*walk(client, f"{path}?sort=-at&limit=3"))
        assert [key for page in walked for key in page] == whole
