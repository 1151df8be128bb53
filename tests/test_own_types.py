"""The examples of a host's own field type and lookup, in every format."""

import csv
import importlib.util
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from conftest import Client
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import create_engine, insert
from sqlalchemy.orm import sessionmaker

from omsflask import OMS

EXAMPLES = Path(__file__).parent.parent / "examples"


def load(name: str) -> ModuleType:
    """Return an example."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


own_field, own_lookup = load("own_field"), load("own_lookup")


@contextmanager
def served(url: str, example: Any, model: Any, rows: list[dict[str, Any]]) -> Iterator[Client]:
    """Serve an example's list over some rows."""
    engine = create_engine(url)
    example.Base.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(model), rows)
    app = Flask("host")
    oms = OMS(sessionmaker(engine), verify_token=lambda key: key)
    oms.add(example.listing)
    oms.init_app(app, url_prefix="/")
    app.test_client_class = Client
    client = app.test_client()
    assert isinstance(client, Client)
    client.key = "any"
    yield client
    engine.dispose()


def test_a_field_type_of_a_hosts_own(new_database: Callable[[], str]) -> None:
    rows = [{"id": id_, "amount": cents} for id_, cents in enumerate([990, 5, -250, 100_000], 1)]
    with served(new_database(), own_field, own_field.Price, rows) as client:
        amounts = ["9.90", "0.05", "-2.50", "1000.00"]
        get = lambda query: client.get(f"/prices/all/?{query}")  # noqa: E731
        assert [row["amount"] for row in get("").json["results"]] == amounts
        text = get("format=csv").text
        assert [row[1] for row in csv.reader(io.StringIO(text))][1:] == amounts
        sheet = load_workbook(io.BytesIO(get("format=xlsx").data)).active
        assert sheet is not None
        found = [row[1] for row in sheet.iter_rows(values_only=True)][1:]
        assert found == [9.9, 0.05, -2.5, 1000]
        assert [row["id"] for row in get("amount=9.90").json["results"]] == [1]
        assert [row["id"] for row in get("amount__gte=9.9").json["results"]] == [1, 4]
        assert [row["id"] for row in get("amount__in=0.05,-2.5").json["results"]] == [2, 3]
        assert get("amount=0.001").json == {"amount": ["Enter a valid value."]}
        body = get("sort=amount&limit=3").json
        assert [row["id"] for row in body["results"]] == [3, 2, 1]
        assert [row["id"] for row in client.get(body["next"]).json["results"]] == [4]
        described = client.options("/prices/all/").json
        assert described["actions"]["GET"]["amount"]["type"] == "money"


def test_a_lookup_of_a_hosts_own(new_database: Callable[[], str]) -> None:
    codes = ["TR-1", "tr-2", "t_1", "xTR"]
    rows = [{"id": id_, "code": code} for id_, code in enumerate(codes, 1)]
    with served(new_database(), own_lookup, own_lookup.Article, rows) as client:
        for part, wanted in (("tr", [1, 2]), ("T_", [3]), ("%25", [])):
            body = client.get(f"/articles/all/?code__istartswith={part}").json
            assert [row["id"] for row in body["results"]] == wanted
