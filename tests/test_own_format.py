"""A host's own format and envelope, without a touch of the package."""

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from conftest import PATH
from flask.testing import FlaskClient
from sqlalchemy import create_engine, insert

from omsflask.standalone.sample_data import channels, plausible

EXAMPLE = Path(__file__).parent.parent / "examples" / "own_format.py"


@pytest.fixture(scope="module")
def client(new_database: Callable[[], str]) -> Iterator[FlaskClient]:
    spec = importlib.util.spec_from_file_location("own_format", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    example: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    url = new_database()
    app = example.create_app(url)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(insert(example.Channel), [*channels()])
        connection.execute(insert(example.Customer), [*plausible(25)])
    engine.dispose()
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = "Token secret"
    yield client
    app.extensions["oms"].session().get_bind().dispose()


def test_a_file_of_the_hosts_is_whole(client: FlaskClient) -> None:
    answer = client.get(f"{PATH}?format=jsonl")
    assert answer.content_type == "application/x-ndjson"
    assert answer.headers["X-Total-Count"] == "25"
    assert answer.headers["Content-Disposition"].endswith('.jsonl"')
    rows = [orjson.loads(line) for line in answer.data.splitlines()]
    page = client.get(f"{PATH}?limit=1000").json
    assert page is not None
    assert rows == page["data"]


def test_it_is_negotiated_and_paged_as_any(client: FlaskClient) -> None:
    accept = {"Accept": "application/x-ndjson"}
    answer = client.get(f"{PATH}?limit=5", headers=accept)
    assert len(answer.data.splitlines()) == 5
    assert "page=2" in answer.headers["Link"]
    known = {**accept, "If-None-Match": answer.headers["ETag"]}
    assert client.get(f"{PATH}?limit=5", headers=known).status_code == 304
    assert client.get(f"{PATH}?format=jsonl&id__gt=99").data == b""


def test_the_envelope_is_the_hosts(client: FlaskClient) -> None:
    body = client.get(f"{PATH}?page=2").json
    assert body is not None
    assert body["meta"] == {"total": 25}
    assert body["links"]["prev"].endswith("/list-simple/")
    assert [row["id"] for row in body["data"]] == [*range(11, 21)]


def test_options_still_name_the_published_formats(client: FlaskClient) -> None:
    described = client.options(PATH).json
    assert described is not None
    assert described["renders"] == ["application/json", "text/csv", "application/xls"]
