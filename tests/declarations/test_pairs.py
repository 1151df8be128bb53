"""Every field over every column that bind accepts: formats alike, walked, narrowed, never 5xx."""

import csv
import enum
import io
import json
import math
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote_plus

import pytest
from conftest import Client
from flask import Flask
from marshmallow import Schema, fields, validate
from openpyxl import load_workbook
from sqlalchemy import (
    ARRAY,
    JSON,
    REAL,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Float,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    Numeric,
    SmallInteger,
    String,
    Table,
    Time,
    TypeDecorator,
    Uuid,
    create_engine,
    insert,
)
from sqlalchemy import Enum as SQLEnum
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlalchemy.orm import registry, sessionmaker

from omsflask import OMS, Filter, FilterSet, ListService, Ordering, PrimaryKey, UTCDateTime
from omsflask.declarations.lookups import LOOKUPS


class Size(enum.Enum):
    SMALL = "s"
    LARGE = "l"


class Mood(enum.StrEnum):
    CALM = "calm"
    WILD = "wild"


class Rank(enum.Enum):
    LOW = 1
    HIGH = 2


class Odd(enum.Enum):
    PAIR = (1, "x")
    NONE = Decimal("1.5")


class Folded(TypeDecorator[str]):
    """It changes what goes in."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: object) -> str | None:
        return value and value.lower()


class Stars(TypeDecorator[str]):
    """It changes what comes out, and takes no such thing back: no walk is ordered by it."""

    impl = Integer
    cache_ok = True

    def process_result_value(self, value: int | None, _dialect: object) -> str | None:
        return None if value is None else "*" * value


class Cents(TypeDecorator[Decimal]):
    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: Any, _dialect: object) -> int | None:
        return None if value is None else int(value * 100)

    def process_result_value(self, value: int | None, _dialect: object) -> Decimal | None:
        return None if value is None else Decimal(value) / 100


class HexUUID(TypeDecorator[uuid.UUID]):
    impl = String
    cache_ok = True

    def process_bind_param(self, value: uuid.UUID | None, _dialect: object) -> str | None:
        return value and value.hex

    def process_result_value(self, value: str | None, _dialect: object) -> uuid.UUID | None:
        return value and uuid.UUID(value)


MOMENTS = [
    datetime(2024, 1, 1, 22, 30, tzinfo=UTC),
    datetime(1899, 12, 31, 23, 59, 59, 999_999, UTC),
    datetime(9999, 12, 30, 1, 1, 1, 1, UTC),
    datetime(2, 1, 1, tzinfo=UTC),
]
INTEGERS = [0, 1, 2, -7, 32_767]
LONG = [*INTEGERS, 2**31, 10**15, 2**63 - 1, -(2**63)]
FLOATS = [0.0, 0.1, 1.5, -2.25, 1e-7, 1e16, 2 / 3, 1e300]
DECIMALS = [Decimal(it) for it in ("0", "0.5", "-12.25", "9.99", "123456789.01")]
TEXTS = [
    "a", "Ç", "ıİ", " x ", "", "=1+1", "+90555", "a,b", 'say "no"', "two\nlines", "5", "true",
    "null", "[1]", "%", "_", "\\", "😀", "'",
]  # fmt: skip
UUIDS = [uuid.UUID(int=it) for it in (0, 1, 2**127)]
DATES = [date(2024, 2, 29), date(1, 1, 1), date(9999, 12, 31), date(1900, 2, 28)]
TIMES = [time(0), time(23, 59, 59, 999_999), time(1, 2, 3)]
DOCUMENTS = [
    {"a": [1, None, "ç"]}, [1, 2], [], {}, "text", "", 5, 1.5, True, False, {"a": {"b": "=1"}},
    10**30, {"a": 10**30}, [math.pi, "<&>"],
]  # fmt: skip


@dataclass(frozen=True)
class Stored:
    """A column and what its rows hold."""

    name: str
    sql_type: Any
    values: list[Any]
    postgresql_only: bool = False


COLUMNS = [
    Stored("small", SmallInteger(), INTEGERS),
    Stored("integer", Integer(), INTEGERS),
    Stored("big", BigInteger(), LONG),
    Stored("float", Float(), FLOATS),
    Stored("infinite", Float(), [math.inf, -math.inf, 1.0], postgresql_only=True),
    Stored("not_a_number", Float(), [math.nan], postgresql_only=True),
    Stored("real", REAL(), [0.0, 0.5, 1.5, -2.25]),
    Stored("numeric", Numeric(12, 2), DECIMALS),
    Stored("whole", Numeric(18, 0), [Decimal(it) for it in INTEGERS]),
    Stored("long", Numeric(30, 0), [Decimal(10**29), Decimal(1)], postgresql_only=True),
    Stored("any_numeric", Numeric(), [Decimal("NaN"), Decimal("1E+20")], postgresql_only=True),
    Stored("boolean", Boolean(), [True, False]),
    Stored("text", String(), TEXTS),
    Stored("short", String(1), ["a", "b", "%"]),
    Stored("uuid", Uuid(), UUIDS),
    Stored("uuid_text", Uuid(as_uuid=False), [str(it) for it in UUIDS]),
    Stored("moment", DateTime(timezone=True), MOMENTS),
    Stored("naive", DateTime(timezone=False), [it.replace(tzinfo=None) for it in MOMENTS]),
    Stored("date", Date(), DATES),
    Stored("time", Time(), TIMES),
    Stored("interval", Interval(), [timedelta(0), timedelta(days=-1, microseconds=1)]),
    Stored("enum", SQLEnum(Size), list(Size)),
    Stored("mood", SQLEnum(Mood), list(Mood)),
    Stored("odd", SQLEnum(Odd), list(Odd)),
    Stored("words", SQLEnum("s", "l", name="words"), ["s", "l"]),
    Stored("json", JSON(), DOCUMENTS),
    Stored("jsonb", JSONB(), DOCUMENTS, postgresql_only=True),
    Stored("array", ARRAY(Integer), [[1, 2], [], [None]], postgresql_only=True),
    Stored("texts", ARRAY(String), [["a", "=1"], []], postgresql_only=True),
    Stored("moments", ARRAY(DateTime(timezone=True)), [MOMENTS[:1]], postgresql_only=True),
    Stored("prices", ARRAY(Numeric), [DECIMALS], postgresql_only=True),
    Stored("binary", LargeBinary(), [b"\xff"]),
    Stored("inet", INET(), ["10.0.0.1", "::1"], postgresql_only=True),
    Stored("folded", Folded(), ["a", "b"]),
    Stored("stars", Stars(), [1, 2]),
    Stored("cents", Cents(), [Decimal("0.5"), Decimal("12.25")]),
    Stored("hex_uuid", HexUUID(), UUIDS),
]

FIELDS: list[Any] = [
    PrimaryKey(),
    fields.Integer(),
    fields.Integer(as_string=True),
    fields.Integer(validate=validate.OneOf([1, 2])),
    fields.Float(),
    fields.Decimal(places=2),
    fields.Decimal(),
    fields.Boolean(),
    fields.String(),
    fields.String(validate=validate.OneOf(["s", "l"])),
    fields.UUID(),
    UTCDateTime(),
    fields.DateTime(),
    fields.DateTime(format="timestamp"),
    fields.DateTime(format="%d.%m.%Y"),
    fields.NaiveDateTime(timezone=UTC),
    fields.AwareDateTime(default_timezone=UTC),
    fields.Date(),
    fields.Date(format="%d.%m.%Y"),
    fields.Time(),
    fields.TimeDelta(),
    fields.Enum(Size),
    fields.Enum(Size, by_value=True),
    fields.Enum(Mood),
    fields.Enum(Rank, by_value=True),
    fields.Enum(Odd, by_value=True),
    fields.IP(),
    fields.List(fields.Integer()),
    fields.Tuple((fields.Integer(), fields.Integer())),
    fields.Dict(),
    fields.Dict(values=fields.Integer()),
    fields.Nested(Schema.from_dict({"a": fields.Raw()})),
    fields.Pluck(Schema.from_dict({"a": fields.Raw()}), "a"),
    fields.Raw(),
    fields.Constant("same"),
]

#: What a client may send, good for one type and bad for others.
SENT = [
    "1", "0", "-7", "2", "1.5", "1e50", "9" * 99, "9223372036854775807", "9223372036854775808",
    "0.1", "1e-50", "NaN", "inf", "true", "false", "a", "ıİ", "%", "_", "'", "\\", "=1+1", "\0",
    "00000000-0000-0000-0000-000000000001", "00000000000000000000000000000001",
    "2024-02-29", "2024-01-01T22:30:00Z", "2024-01-01T22:30:00", "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59.999999Z", "0001-01-01", "9999-12-31",
    "01:02:03", "01:02:03+03:00", "23:59:59.999999", "1e10", "315537897599", "-62135596800",
    "86400000000000", "SMALL", "s", "CALM", "PAIR", "10.0.0.1", "::1", "1,2", "s,l", "a,b",
    "2024-01-01,2024-12-31", "1.5,2.5", "01.01.2024", "٣", "[1]", "{}", "x" * 300,
]  # fmt: skip

metadata = MetaData()
TABLES = {
    it.name: Table(
        f"pairs_{it.name}",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("it", it.sql_type),
    )
    for it in COLUMNS
}
MODELS = {name: type(name, (), {}) for name in TABLES}
for name, table in TABLES.items():
    registry(metadata=metadata).map_imperatively(MODELS[name], table)


@dataclass
class Lists:
    """The lists of every pair that bind accepts, in one app."""

    client: Client
    shown: dict[str, tuple[Stored, Any]]
    narrowed: dict[str, tuple[Stored, Any]]
    failed: list[Any] = field(default_factory=list)

    def get(self, name: str, query: str = "") -> Any:
        """Get a list, which never fails."""
        response = self.client.get(f"/pairs/{name}/?{query}")
        if response.status_code not in (200, 400):
            self.failed.append((name, query, response.status_code))
        return response

    def parameters(self, name: str) -> list[str]:
        """Return the parameters that narrow a list."""
        [declared] = self.client.options(f"/pairs/{name}/").json["filters"][1:]
        lookups = declared["lookup_expr"]
        return ["it" if it == "exact" else f"it__{it}" for it in lookups]

    def ids(self, name: str, query: str) -> list[int] | None:
        """Return the keys of a page; none where the query is refused."""
        response = self.get(name, query)
        if response.status_code != 200:
            return None
        return [row["id"] for row in response.json["results"]]


def bound(stored: Stored, name: str, it: Any, attempts: list[dict[str, Any]]) -> Any:
    """Return a list with the first filters that bind takes; none where it takes no such field."""
    shown = {"id": fields.Integer(), **({"it": it} if it else {})}
    refused = ""
    for filters in attempts:
        service = ListService(
            resource="pairs",
            name=name,
            schema=Schema.from_dict(shown),
            filters=type("Filters", (FilterSet,), {"sort": Ordering(id="ID"), **filters}),
        )
        try:
            return service.bind(MODELS[stored.name])
        except TypeError as error:
            refused = str(error)
    assert refused.startswith(f"pairs/{name} cannot be bound: it ")
    return None


def showing(stored: Stored, name: str, field: Any) -> Any:
    """Return a list that shows a column by a field, and is ordered by it where it can be."""
    return bound(stored, name, field, [{"sort": Ordering(id="ID", it="It")}, {}])


def narrowing(stored: Stored, name: str, field: Any) -> Any:
    """Return a list that is narrowed by a field, with all lookups that the field has."""
    everything = [it for it in LOOKUPS if it != "isnull"]
    lookups = [everything, [it for it in everything if it != "icontains"]]
    shown = None if stored.name == "binary" else fields.Raw()
    return bound(stored, name, shown, [{"it": Filter(field, lookups=it)} for it in lookups])


@pytest.fixture(scope="module")
def lists(new_database: Callable[[], str]) -> Iterator[Lists]:
    engine = create_engine(new_database())
    used = [it for it in COLUMNS if engine.dialect.name == "postgresql" or not it.postgresql_only]
    metadata.create_all(engine, [TABLES[it.name] for it in used])
    with engine.begin() as connection:
        for stored in used:
            rows = [{"id": i, "it": it} for i, it in enumerate([*stored.values, None], 1)]
            for row in rows:
                connection.execute(insert(TABLES[stored.name]), row)
    app = Flask("host")
    app.config.update(OMS_CSV_GUARD=False, PROPAGATE_EXCEPTIONS=False)
    oms = OMS(sessionmaker(engine), verify_token=lambda key: key)
    shown, narrowed = {}, {}
    for stored in used:
        for number, field_ in enumerate(FIELDS):
            for bind, made in ((showing, shown), (narrowing, narrowed)):
                name = f"{stored.name}-{bind.__name__}-{number}"
                if listing := bind(stored, name, field_):
                    oms.add(listing)
                    made[name] = stored, field_
    oms.init_app(app, url_prefix="/")
    app.test_client_class = Client
    client = app.test_client()
    assert isinstance(client, Client)
    client.key = "any"
    yield Lists(client, shown, narrowed)
    engine.dispose()


def in_csv(shown: Any, text: str, is_json: bool) -> bool:
    """Whether a CSV's text says what JSON shows."""
    if shown is None:
        return text == ""
    if is_json or isinstance(shown, bool | dict | list | float):
        return bool(json.loads(text) == shown)
    return text == str(shown)


def in_sheet(shown: Any, found: Any, is_json: bool) -> bool:
    """Whether a spreadsheet's cell says what JSON shows."""
    if shown is None or shown == "":
        return found is None or found == '""'
    if isinstance(found, bool):
        return found is shown
    if isinstance(found, datetime):
        moment = datetime.fromisoformat(shown)
        utc = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        return abs((utc.replace(tzinfo=None) - found).total_seconds()) <= 0.0011
    if isinstance(found, int | float):
        return float(shown) == found
    return in_csv(shown, found.replace("_x000D_", "\r"), is_json)


def test_all_formats_show_the_same(lists: Lists) -> None:
    wrong = []
    for name, (stored, shown_by) in lists.shown.items():
        body = lists.get(name, "limit=1000").json or {}
        if "results" not in body:
            continue
        shown = [row["it"] for row in body["results"]]
        if lists.client.options(f"/pairs/{name}/").status_code != 200:
            wrong.append((name, "OPTIONS"))
        text = lists.get(name, "format=csv").text
        cells = [row[1] for row in csv.reader(io.StringIO(text, newline=""))][1:]
        book = load_workbook(io.BytesIO(lists.get(name, "format=xlsx").data))
        assert book.active is not None
        found = [row[1] for row in book.active.iter_rows(values_only=True)][1:]
        is_json = isinstance(stored.sql_type, JSON | ARRAY)
        whole = len(shown) == len(cells) == len(found) == len(stored.values) + 1
        if not whole:
            wrong.append((name, shown_by, shown, text))
        for one, cell, written in zip(shown, cells, found, strict=False):
            if not in_csv(one, cell, is_json) or not in_sheet(one, written, is_json):
                wrong.append((name, type(shown_by).__name__, one, cell, written))
    assert (lists.failed, wrong) == ([], [])


def test_every_order_is_walked(lists: Lists) -> None:
    wrong = []
    for name in (it for it, (stored, _) in lists.shown.items() if stored.name != "stars"):
        for sort in ("it", "-it"):
            whole = lists.ids(name, f"sort={sort}&limit=1000")
            if whole is None:
                continue
            walked, link = [], f"/pairs/{name}/?sort={sort}&limit=2"
            while link:
                body = lists.client.get(link).json or {}
                walked += [row["id"] for row in body.get("results", [])]
                link = body.get("next")
            if walked != whole:
                wrong.append((name, sort, whole, walked))
    assert (lists.failed, wrong) == ([], [])


def narrowed_otherwise(lists: Lists, sent: Callable[[int, int, int], bool]) -> list[Any]:
    """Return what a page and a file answer otherwise.

    :param sent: by the numbers of a list, of a parameter and of a text, whether it is sent.
    """
    wrong = []
    for number, (name, (_, field_)) in enumerate(lists.narrowed.items()):
        for turn, parameter in enumerate(lists.parameters(name)):
            for place, text in enumerate(SENT):
                if not sent(number, turn, place):
                    continue
                query = f"{parameter}={quote_plus(text)}&limit=1000"
                found = lists.ids(name, query)
                file = lists.get(name, f"{query}&format=csv")
                rows = None if file.status_code != 200 else [*csv.reader(io.StringIO(file.text))]
                if found != (rows and [int(row[0]) for row in rows[1:]]):
                    wrong.append((name, field_, query))
    return wrong


def test_whatever_is_sent_is_refused_or_narrows_alike(lists: Lists) -> None:
    wrong = narrowed_otherwise(lists, lambda *numbers: sum(numbers) % 29 == 0)
    assert (lists.failed, wrong) == ([], [])


@pytest.mark.slow
def test_all_that_is_sent_is_refused_or_narrows_alike(lists: Lists) -> None:
    wrong = narrowed_otherwise(lists, lambda *_: True)
    assert (lists.failed, wrong) == ([], [])
