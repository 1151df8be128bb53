"""What every host's consumers get: the documented service, whatever is around it."""

import csv
import io
from itertools import product
from typing import Any

import orjson
import pytest
from conftest import PUBLISHED, Client, document
from openpyxl import load_workbook

from omsflask.declarations.fields import format_utc

from .hosts.host import ROWS, Host

NO_TOKEN = {"detail": "Authentication credentials were not provided."}
INVALID = {"detail": "Invalid token."}


def test_the_published_page(host: Host, guest: Client) -> None:
    body = guest.get(host.path).json
    published = document("list-simple.get.json")
    assert body["results"] == published["results"]
    assert (body["count"], body["next"], body["previous"]) == (30, f"{host.base}?page=2", None)
    assert list(body) == list(published)


def test_the_published_options(host: Host, guest: Client, sent: list[str]) -> None:
    guest.get(host.path)
    sent.clear()
    body = guest.options(host.path).get_data(as_text=True)
    expected = (PUBLISHED / "list-simple.options.json").read_text()
    assert "".join(body.split()) == "".join(expected.split())
    assert [it for it in sent if "customer" in it.lower()] == []


SELECTIONS: list[tuple[str, Any]] = [
    ("", lambda row: row["id"] <= 10),
    ("id__gt=5&id__lte=7&limit=5", lambda row: row["id"] in (6, 7)),
    ("first_name=%C4%B0pek&limit=99", lambda row: row["first_name"] == "İpek"),
    ("last_name=Test&limit=99", lambda row: row["last_name"] == "Test"),
    ("email=ali.test@akinon.com", lambda row: row["id"] == 1),
    ("phone_number=05555554433", lambda row: row["id"] == 1),
    ("channel_id=2&limit=99", lambda row: row["channel_id"] == 2),
    (f"erp_code={ROWS[12]['erp_code'] or 'none'}", lambda row: row is ROWS[12] and row["erp_code"]),
    ("modified_date=2023-10-06T08:42:53.427050Z", lambda row: row["id"] == 1),
    ("modified_date__lt=2023-06-10&id__lte=10", lambda row: row["id"] == 10),
]


def test_filters(host: Host, guest: Client) -> None:
    for query, belongs in SELECTIONS:
        response = guest.get(f"{host.path}?{query}")
        assert response.status_code == 200, response.text
        found = [row["id"] for row in response.json["results"]]
        assert found == [row["id"] for row in ROWS if belongs(row)], query


@pytest.mark.parametrize("sort", ["-id", "modified_date", "-modified_date"])
def test_walks(host: Host, guest: Client, sort: str) -> None:
    name = sort.split(",")[0].removeprefix("-")
    expected = sorted(ROWS, key=lambda it: (it[name], it["id"]), reverse=sort.startswith("-"))
    walked, link = [], f"{host.path}?sort={sort}&limit=11"
    while link:
        body = guest.get(link).json
        walked += [row["id"] for row in body["results"]]
        link = body["next"]
        assert body["count"] == 30
        assert link is None or link.startswith(f"{host.base}?cursor=")
    assert walked == [row["id"] for row in expected]


def test_the_whole_list_as_csv(host: Host, guest: Client) -> None:
    response = guest.get(f"{host.path}?format=csv")
    lines = list(csv.DictReader(io.StringIO(response.get_data(as_text=True))))
    shown = guest.get(f"{host.path}?limit=99").json["results"]
    assert lines == [
        {name: "" if it is None else str(it) for name, it in row.items()} for row in shown
    ]
    assert lines[0]["modified_date"] == format_utc(ROWS[0]["modified_date"])
    assert response.headers["X-Total-Count"] == "30"


def test_the_whole_list_as_a_spreadsheet(host: Host, guest: Client) -> None:
    response = guest.get(host.path, headers={"Accept": "application/xls"})
    sheet = load_workbook(io.BytesIO(response.data)).active
    assert sheet is not None
    rows = list(sheet.iter_rows(values_only=True))
    assert [row[0] for row in rows[1:]] == [row["id"] for row in ROWS]
    assert [row[7] for row in rows[1:]] == [row["phone_number"] for row in ROWS]


REFUSED = [
    ("id__gt=x", 400, {"id__gt": ["Enter a whole number."]}),
    ("emial=x", 400, {"emial": ["Unknown parameter. Did you mean email?"]}),
    ("cursor=x", 400, {"cursor": ["Invalid cursor."]}),
    ("email=%00", 400, {"email": ["Null characters are not allowed."]}),
    ("page=99", 404, {"detail": "Invalid page."}),
]


@pytest.mark.parametrize("accept", ["application/json", "text/csv", "application/xls"])
def test_wrong_requests(host: Host, guest: Client, accept: str) -> None:
    for query, status, body in REFUSED:
        response = guest.get(f"{host.path}?{query}", headers={"Accept": accept})
        assert (response.status_code, response.json) == (status, body)


def test_a_format_that_cannot_be_had(host: Host, guest: Client) -> None:
    response = guest.get(host.path, headers={"Accept": "image/png"})
    expected = {"detail": "Could not satisfy the request Accept header."}
    assert (response.status_code, response.json) == (406, expected)


METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE"]
METHODS += ["PROPFIND", "FOO"]


@pytest.mark.parametrize(
    ("credentials", "body"), [("Basic YTph", NO_TOKEN), ("Token wrong", INVALID)]
)
def test_a_stranger(host: Host, guest: Client, credentials: str, body: Any) -> None:
    for below, method in product(("customers/list-simple/", "", "x/y?z=1"), METHODS):
        response = guest.open(
            f"{host.prefix}/{below}", method=method, headers={"Authorization": credentials}
        )
        assert response.status_code == 401, (below, method)
        assert response.headers["WWW-Authenticate"] == "Token"
        assert response.headers["Content-Type"] == "application/json"
        assert response.data == (b"" if method == "HEAD" else orjson.dumps(body))


def test_a_path_that_is_none(host: Host, guest: Client) -> None:
    for below in ("", "/", "/customers", "/customers/list-simple/7/", "/x"):
        response = guest.get(f"{host.prefix}{below}")
        assert (response.status_code, response.json) == (404, {"detail": "Not found."})


def test_a_method_that_is_none(host: Host, guest: Client) -> None:
    for method in METHODS[3:]:
        response = guest.open(host.path, method=method)
        assert response.status_code == 405
        assert response.json == {"detail": f'Method "{method}" not allowed.'}
        assert response.headers["Allow"] == "GET, HEAD, OPTIONS"


def test_a_preflight(host: Host, guest: Client) -> None:
    headers = {
        "Authorization": "",
        "Origin": "https://bi.example.com",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization",
    }
    response = guest.options(host.path, headers=headers)
    assert (response.status_code, response.data) == (204, b"")


def test_what_is_unchanged(host: Host, guest: Client) -> None:
    for query in ("", "?format=csv&limit=3", "?sort=-id"):
        tag = guest.get(host.path + query).headers["ETag"]
        again = guest.get(host.path + query, headers={"If-None-Match": tag})
        assert (again.status_code, again.data) == (304, b"")


def test_the_hosts_own_pages(host: Host, guest: Client) -> None:
    for path, page in host.pages.items():
        response = guest.get(path)
        assert (response.status_code, response.get_data(as_text=True)) == (200, page)
    assert guest.get("/nowhere").get_data(as_text=True) == "the host's own 404"
    assert guest.get(f"{host.prefix}x").get_data(as_text=True) == "the host's own 404"


def test_no_connection_is_kept(host: Host, guest: Client) -> None:
    for query in ("", "sort=id", "format=csv", "page=99", "id__gt=x"):
        guest.get(f"{host.path}?{query}")
    assert host.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
