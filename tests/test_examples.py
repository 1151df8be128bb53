"""The second service, as its host's consumers meet it: all of it follows from its declarations."""

import csv
import importlib.util
import io
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from conftest import Client
from openpyxl import load_workbook

EXAMPLE = Path(__file__).parent.parent / "examples" / "orders.py"
PATH = "/api/v1/oms/orders/list-simple/"


def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("orders", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def ada(new_database: Callable[[], str]) -> Iterator[Client]:
    """A client of the example's app, with Ada's token."""
    app = example().create_app(new_database())
    app.test_client_class = Client
    client = app.test_client()
    assert isinstance(client, Client)
    client.key = "secret-of-ada"
    yield client
    app.extensions["engine"].dispose()


@pytest.fixture(scope="module")
def everything(ada: Client) -> list[dict[str, Any]]:
    """All of Ada's orders, as shown."""
    rows: list[dict[str, Any]] = ada.get(f"{PATH}?limit=1000").json["results"]
    return rows


def test_the_declarations_are_about_35_lines() -> None:
    lines = EXAMPLE.read_text().splitlines()
    first = lines.index(next(line for line in lines if line.startswith("# The declarations")))
    last = lines.index(next(line for line in lines if line.startswith("# The host")))
    code = [line for line in lines[first + 1 : last] if line.strip() and '"""' not in line]
    assert len(code) <= 35


def test_an_order_is_shown_in_the_declared_order(everything: list[dict[str, Any]]) -> None:
    assert len(everything) == 40
    assert everything[0] == {
        "id": 47,
        "number": "ORD-00047",
        "placed_date": "2024-01-18T14:00:00.000000Z",
        "shipped_on": "2024-01-20",
        "status": "shipped",
        "total": "221.93",
        "currency": "USD",
        "is_gift": False,
    }
    names = "id number placed_date shipped_on status total currency is_gift"
    assert " ".join(everything[0]) == names


def test_the_default_order_is_the_declared_one(everything: list[dict[str, Any]]) -> None:
    keys = [(row["placed_date"], row["id"]) for row in everything]
    assert keys == sorted(keys, reverse=True)


CHOICES = {
    "status": [
        ("open", "Open"),
        ("paid", "Paid"),
        ("partly-shipped", "Partly Shipped"),
        ("shipped", "Shipped"),
    ],
    "currency": [("EUR", "Euro"), ("TRY", "Turkish lira"), ("USD", "US dollar")],
}


def test_options_describe_fields_as_django_rest_framework_would(ada: Client) -> None:
    fields = ada.options(PATH).json["actions"]["GET"]
    assert {name: field["type"] for name, field in fields.items()} == {
        "id": "integer",
        "number": "string",
        "placed_date": "datetime",
        "shipped_on": "date",
        "status": "choice",
        "total": "decimal",
        "currency": "choice",
        "is_gift": "boolean",
    }
    assert list(fields["total"].items())[3:] == [
        ("label", "Total"),
        ("min_value", "0.00"),
        ("max_digits", 12),
        ("decimal_places", 2),
    ]
    for name, choices in CHOICES.items():
        assert fields[name]["choices"] == [
            {"value": value, "display_name": label} for value, label in choices
        ]


def test_options_describe_filters_as_django_filter_would(ada: Client) -> None:
    described = {it["field_name"]: it for it in ada.options(PATH).json["filters"]}
    assert described["status"] == {
        "label": "Status",
        "field_name": "status",
        "type": "dropdown",
        "lookup_expr": ["exact", "in"],
        "extra": {"choices": [list(it) for it in CHOICES["status"]], "required": False},
    }
    assert described["shipped_on"]["lookup_expr"] == ["exact", "gte", "lte", "range", "isnull"]
    types = {name: it["type"] for name, it in described.items()}
    assert (types["is_gift"], types["total"], types["shipped_on"]) == ("boolean", "decimal", "date")


def dec(row: dict[str, Any]) -> Decimal:
    return Decimal(row["total"])


UNDERSTOOD: list[tuple[str, Callable[[dict[str, Any]], Any]]] = [
    ("id__in=1,2,47", lambda row: row["id"] in (1, 2, 47)),
    ("id__in=%201%20,%2B2", lambda row: row["id"] in (1, 2)),
    ("id__in=3", lambda row: False),
    ("id__in=9223372036854775807,1", lambda row: row["id"] == 1),
    ("id=1", lambda row: row["id"] == 1),
    ("status=partly-shipped", lambda row: row["status"] == "partly-shipped"),
    ("status__in=open,paid", lambda row: row["status"] in ("open", "paid")),
    ("status=open&status__in=paid", lambda row: False),
    ("currency=TRY", lambda row: row["currency"] == "TRY"),
    ("is_gift=true", lambda row: row["is_gift"]),
    ("is_gift=False", lambda row: not row["is_gift"]),
    ("is_gift=", lambda row: True),
    ("total=221.93", lambda row: row["id"] == 47),
    ("total=221.930", lambda row: row["id"] == 47),
    ("total=221.9300000001", lambda row: False),
    ("total=%2B0221.93", lambda row: row["id"] == 47),
    ("total__gte=221.93", lambda row: dec(row) >= Decimal("221.93")),
    ("total__gte=221.925", lambda row: dec(row) >= Decimal("221.925")),
    ("total__lte=.5", lambda row: dec(row) <= Decimal("0.5")),
    ("total__gte=-1", lambda row: True),
    ("total__lte=" + "9" * 100, lambda row: True),
    ("total__range=100,200.5", lambda row: 100 <= dec(row) <= Decimal("200.5")),
    ("total__range=200,100", lambda row: False),
    ("shipped_on=2024-01-20", lambda row: row["shipped_on"] == "2024-01-20"),
    ("shipped_on__gte=2024-01-10", lambda row: (row["shipped_on"] or "") >= "2024-01-10"),
    (
        "shipped_on__range=2024-01-05,2024-01-10",
        lambda row: "2024-01-05" <= (row["shipped_on"] or "") <= "2024-01-10",
    ),
    ("shipped_on__isnull=true", lambda row: row["shipped_on"] is None),
    ("shipped_on__isnull=FALSE", lambda row: row["shipped_on"] is not None),
    ("shipped_on__isnull=", lambda row: True),
    ("placed_date__lt=2024-01-05", lambda row: row["placed_date"] < "2024-01-05"),
]


@pytest.mark.parametrize(("query", "belongs"), UNDERSTOOD, ids=[it[0][:40] for it in UNDERSTOOD])
def test_filters_select(
    ada: Client,
    everything: list[dict[str, Any]],
    query: str,
    belongs: Callable[[dict[str, Any]], Any],
) -> None:
    body = ada.get(f"{PATH}?{query}&limit=1000").json
    assert body["results"] == [row for row in everything if belongs(row)]
    assert body["count"] == len(body["results"])


def choice(value: str) -> list[str]:
    return [f"Select a valid choice. {value} is not one of the available choices."]


NUMBER = ["Enter a number."]
BOOLEAN = ["Must be a valid boolean."]
DAY = ["Enter a valid date."]
TWO = ["Range query expects two values."]
BETWEEN = ["Enter a value between every two commas."]
NULL = ["Null characters are not allowed."]

REFUSED = [
    *(
        (f"total={value}", {"total": NUMBER})
        for value in (
            *("NaN", "sNaN", "Infinity", "-inf", "1e5", "1E%2B999999999", "1e-999999999", "0x10"),
            *("1_000", "%D9%A3", "1,5", "%2B", ".", "--1", "1.2.3", "1%0A2", "%00", "9" * 101),
        )
    ),
    *(
        (f"is_gift={value}", {"is_gift": BOOLEAN})
        for value in ("1", "0", "yes", "t", "null", "%C4%B1", "truefalse", "%00")
    ),
    *(
        (f"shipped_on={value}", {"shipped_on": DAY})
        for value in (
            *("20240101", "2024-W01-1", "2024-13-01", "2024-02-30", "0000-01-01", "24-01-01"),
            *("2024-01-01T00:00:00Z", "%D9%A2024-01-01", "today", "%00", "2024-1-1"),
        )
    ),
    ("total__range=1", {"total__range": TWO}),
    ("total__range=1,2,3", {"total__range": TWO}),
    ("total__range=1,", {"total__range": BETWEEN}),
    ("total__range=1,x", {"total__range": NUMBER}),
    ("total__range=NaN,Infinity", {"total__range": NUMBER}),
    ("shipped_on__range=2024-01-01,x", {"shipped_on__range": DAY}),
    ("shipped_on__isnull=2024-01-01", {"shipped_on__isnull": BOOLEAN}),
    ("shipped_on__isnull=1", {"shipped_on__isnull": BOOLEAN}),
    ("id__in=1,x", {"id__in": ["Enter a whole number."]}),
    ("id__in=1,,2", {"id__in": BETWEEN}),
    ("id__in=,", {"id__in": BETWEEN}),
    ("id__in=%00", {"id__in": NULL}),
    (
        "id__in=1," + "9" * 30,
        {"id__in": [f"Ensure this value is less than or equal to {2**63 - 1}."]},
    ),
    (
        "id__in=" + ",".join("1" * 1001),
        {"id__in": ["Ensure this field has no more than 1000 elements."]},
    ),
    ("status=OPEN", {"status": choice("OPEN")}),
    ("status=__doc__", {"status": choice("__doc__")}),
    ("status=mro", {"status": choice("mro")}),
    ("status=open,paid", {"status": choice("open,paid")}),
    ("status=%00", {"status": NULL}),
    ("status=%ff", {"status": ["Enter valid UTF-8 text."]}),
    ("status__in=open,nope,paid", {"status__in": choice("nope")}),
    ("currency=eur", {"currency": choice("eur")}),
    ("total_gte=1", {"total_gte": ["Unknown parameter. Did you mean total__gte?"]}),
    ("total__in=1", {"total__in": ["Unknown parameter. Did you mean total__range?"]}),
    (
        "total=x&is_gift=x&shipped_on=x&status=x",
        {"total": NUMBER, "is_gift": BOOLEAN, "shipped_on": DAY, "status": choice("x")},
    ),
]


def test_wrong_values_are_refused_by_name(ada: Client) -> None:
    for query, messages in REFUSED:
        response = ada.get(f"{PATH}?{query}")
        assert (response.status_code, response.json) == (400, messages), query


@pytest.mark.parametrize(
    "sort", ["total", "-total", "shipped_on", "-shipped_on", "-shipped_on,total", "shipped_on,-id"]
)
def test_walks_meet_every_order_once(
    ada: Client, everything: list[dict[str, Any]], sort: str
) -> None:
    walked, link = [], f"{PATH}?sort={sort}&limit=7"
    while link:
        body = ada.get(link).json
        walked += body["results"]
        link = body["next"]
    assert walked == ada.get(f"{PATH}?sort={sort}&limit=1000").json["results"]
    assert sorted(row["id"] for row in walked) == sorted(row["id"] for row in everything)


def test_the_csv_says_what_the_json_says(ada: Client, everything: list[dict[str, Any]]) -> None:
    lines = list(csv.DictReader(io.StringIO(ada.get(f"{PATH}?format=csv").text)))
    gifts = [line.pop("is_gift").lower() for line in lines]
    assert gifts == [json.dumps(row["is_gift"]) for row in everything]
    assert lines == [
        {name: "" if row[name] is None else str(row[name]) for name in lines[0]}
        for row in everything
    ]


def test_the_spreadsheet_holds_every_order(ada: Client, everything: list[dict[str, Any]]) -> None:
    response = ada.get(f"{PATH}?format=xls&status__in=open,paid")
    sheet = load_workbook(io.BytesIO(response.data)).active
    assert sheet is not None
    rows = list(sheet.iter_rows(values_only=True))
    wanted = [row for row in everything if row["status"] in ("open", "paid")]
    assert list(rows[0]) == list(everything[0])
    assert [row[:2] for row in rows[1:]] == [(row["id"], row["number"]) for row in wanted]
    assert [row[4] for row in rows[1:]] == [row["status"] for row in wanted]


def test_each_account_sees_its_own(ada: Client, everything: list[dict[str, Any]]) -> None:
    bob = ada.get(f"{PATH}?limit=1000", headers={"Authorization": "Token secret-of-bob"}).json
    assert bob["count"] == 20
    assert not {row["id"] for row in bob["results"]} & {row["id"] for row in everything}
