"""Nobody sees another account's row, by any parameter, in any format, by anybody's cursor."""

import csv
import io
from collections.abc import Callable, Iterator

import orjson
import pytest
from conftest import Client
from openpyxl import load_workbook

from omsflask import customers
from omsflask.declarations.fields import format_utc
from omsflask.sql.cursors import Cursor

from .hosts import scoped
from .hosts.host import KEY, ROWS, Host
from .hosts.scoped import OTHER_KEY, SECRETS

OWN = {KEY: {row["id"] for row in ROWS}, OTHER_KEY: {row["id"] for row in SECRETS}}
SECRET = SECRETS[0]


@pytest.fixture(scope="module")
def host(new_database: Callable[[], str]) -> Iterator[Host]:
    """A host of two accounts."""
    host = scoped.build(new_database())
    yield host
    host.engine.dispose()


def client_of(host: Host, key: str) -> Client:
    client = host.client()
    client.key = key
    return client


def shown(client: Client, link: str) -> set[int]:
    """Return the keys that a file or a walk shows."""
    response = client.get(link)
    assert response.status_code == 200, response.text
    if response.content_type.startswith("text/csv"):
        return {int(row["id"]) for row in csv.DictReader(io.StringIO(response.text))}
    if response.content_type == "application/xls":
        sheet = load_workbook(io.BytesIO(response.data)).active
        assert sheet is not None
        return {row[0] for row in sheet.iter_rows(min_row=2, values_only=True)}  # type: ignore[misc]
    body = response.json
    further = shown(client, body["next"]) if body["next"] else set()
    return {row["id"] for row in body["results"]} | further


@pytest.mark.parametrize(
    "query", ["", "cursor=", "sort=-id", "sort=modified_date&limit=7", "format=csv", "format=xls"]
)
@pytest.mark.parametrize("key", [KEY, OTHER_KEY])
def test_each_account_meets_all_of_its_own(host: Host, query: str, key: str) -> None:
    assert shown(client_of(host, key), f"{host.path}?{query}") == OWN[key]


def guesses() -> Iterator[str]:
    """Yield each parameter with a value that another account's row has."""
    columns = {"channel": "channel_id"}
    for name, parameter in customers.CustomerFilters.parameters.items():
        value = SECRET[columns.get(parameter.column, parameter.column)]
        text = format_utc(value) if hasattr(value, "year") else str(value)
        yield f"{name}={text}"
    yield "last_name=Secret"
    yield f"id__gte={SECRET['id']}"
    yield f"id__gte={SECRET['id']}&id__lte={SECRET['id']}"


@pytest.mark.parametrize("guess", [*guesses()])
def test_no_parameter_shows_another_accounts_rows(host: Host, guess: str) -> None:
    client = client_of(host, KEY)
    found = shown(client, f"{host.path}?{guess}&sort=-id")
    assert found <= OWN[KEY]
    assert shown(client, f"{host.path}?{guess}&format=csv") == found
    response = client.head(f"{host.path}?{guess}&format=csv")
    assert response.headers["X-Total-Count"] == str(len(found))
    assert client.get(f"{host.path}?{guess}&limit=1").json["count"] == len(found)


@pytest.mark.parametrize("query", ["sort=id&limit=3", "sort=-modified_date&limit=3", "cursor="])
def test_a_foreign_cursor_shows_ones_own_rows_and_count(host: Host, query: str) -> None:
    mine, other = client_of(host, KEY), client_of(host, OTHER_KEY)
    link = other.get(f"{host.path}?{query}&id__gte=505").json["next"]
    response = mine.get(link)
    assert (response.json["count"], response.json["results"]) == (0, [])
    link = other.get(f"{host.path}?{query}").json["next"]
    body = mine.get(link).json
    assert body["count"] == len(ROWS)
    assert {row["id"] for row in body["results"]} <= OWN[KEY]


def test_a_forged_cursor_shows_ones_own_rows(host: Host) -> None:
    client = client_of(host, KEY)
    binding = orjson.dumps(["/customers/list-simple/", ["id"], []])
    for place, backward in ((0, False), (500, False), (10**6, True)):
        forged = Cursor((place,), backward, count=60).encode(binding)
        body = client.get(f"{host.path}?sort=id&limit=1000&cursor={forged}").json
        assert {row["id"] for row in body["results"]} <= OWN[KEY]
        assert body["count"] == len(ROWS)


@pytest.mark.parametrize("query", ["", "format=csv", "format=xls", "format=csv&limit=5"])
def test_accounts_do_not_share_a_tag(host: Host, query: str) -> None:
    mine, other = client_of(host, KEY), client_of(host, OTHER_KEY)
    tag = mine.get(f"{host.path}?{query}").headers["ETag"]
    response = other.get(f"{host.path}?{query}", headers={"If-None-Match": tag})
    assert response.status_code == 200
    again = mine.get(f"{host.path}?{query}", headers={"If-None-Match": tag})
    assert again.status_code == 304
