"""The formats: which is chosen, what headers it has, what is in the files."""

import csv
import io
from collections.abc import Callable

import pytest
from conftest import PATH, Client
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import fields
from openpyxl import load_workbook
from sqlalchemy import String, column

from omsflask.declarations.cells import Cell
from omsflask.renderers import XLSX
from omsflask.renderers.csv import guarded, stream, unguarded
from omsflask.renderers.table import PageTable
from omsflask.standalone.sample_data import plausible


def test_the_format_parameter_wins_over_the_header(client: Client) -> None:
    response = client.page("format=csv", headers={"Accept": "application/json"})
    assert response.content_type == "text/csv; charset=utf-8"
    assert client.page("format=json", headers={"Accept": "image/png"}).status_code == 200


@pytest.mark.parametrize("query", ["", "format=csv", "format=csv&page=2", "format=xls&limit=3"])
def test_every_answer_has_the_common_headers(client: Client, query: str) -> None:
    headers = client.page(query).headers
    assert headers["Vary"] == "Accept, Authorization"
    assert headers["Cache-Control"] == "private, no-cache"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["ETag"].startswith('W/"')


@pytest.mark.parametrize(
    "query", ["", "format=csv&page=2", "format=xls&limit=3", "format=xlsx&limit=3"]
)
def test_an_unchanged_page_is_304(client: Client, query: str) -> None:
    tag = client.page(query).headers["ETag"]
    again = client.page(query, headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == tag
    other = client.page(f"{query}&id__gt=1", headers={"If-None-Match": tag})
    assert other.status_code == 200


def test_formats_have_tags_of_their_own(client: Client) -> None:
    queries = ["limit=3", "limit=3&format=csv", "limit=3&format=xls", "limit=3&format=xlsx"]
    assert len({client.page(query).headers["ETag"] for query in queries}) == 4


@pytest.mark.parametrize(("name", "content_type"), [("xls", "application/xls"), ("xlsx", XLSX)])
def test_a_spreadsheet_is_answered_under_the_name_that_was_asked_for(
    client: Client, name: str, content_type: str
) -> None:
    by_format = client.page(f"format={name}")
    by_header = client.page(headers={"Accept": content_type})
    for response in (by_format, by_header):
        assert response.content_type == content_type
        assert response.headers["Content-Disposition"].endswith('.xlsx"')


def rows_of(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline="")))


def test_a_csv_holds_everybody(client: Client) -> None:
    response = client.page("format=csv")
    rows = rows_of(response.data)
    everybody = client.page("limit=1000").json["results"]
    assert rows[0] == list(everybody[0])
    assert rows[1:] == [
        ["" if value is None else str(value) for value in row.values()] for row in everybody
    ]
    assert response.headers["X-Total-Count"] == "109"
    assert "Link" not in response.headers
    assert response.data.endswith(b"\r\n")


def test_a_csv_is_narrowed_and_sorted_like_the_list(client: Client) -> None:
    response = client.page("format=csv&sort=-id&id__gt=90")
    assert [row[0] for row in rows_of(response.data)[1:]] == [str(n) for n in range(109, 90, -1)]
    assert response.headers["X-Total-Count"] == "19"


@pytest.mark.parametrize("query", ["page=1", "limit=10", "cursor="])
def test_a_csv_of_a_page_is_that_page_with_a_link(client: Client, query: str) -> None:
    response = client.page(f"format=csv&{query}")
    assert [row[0] for row in rows_of(response.data)[1:]] == [str(n) for n in range(1, 11)]
    assert response.headers["X-Total-Count"] == "109"
    link, relation = response.headers["Link"].split("; ")
    assert relation == 'rel="next"'
    assert rows_of(client.get(link.strip("<>")).data)[1][0] == "11"


def test_the_last_page_has_no_link(client: Client) -> None:
    assert "Link" not in client.page("format=csv&page=last").headers


def test_a_csv_of_nobody_has_its_header(client: Client) -> None:
    assert len(rows_of(client.page("format=csv&id__gt=1000").data)) == 1


GUARDED = {"OMS_CSV_GUARD": True, "OMS_CSV_BOM": False}

CELLS = [
    ("=1+1", "'=1+1"),
    ("@SUM(A1)", "'@SUM(A1)"),
    ("\tx", "'\tx"),
    ("\rx", "'\rx"),
    ("\nx", "'\nx"),
    ("+90 (555) 111-22/33", "+90 (555) 111-22/33"),
    ("+905551112233", "+905551112233"),
    ("-5", "-5"),
    ("+", "+"),
    ("+1+cmd|' /C calc'!A0", "'+1+cmd|' /C calc'!A0"),
    ("-1-x", "'-1-x"),
    ("+1\n=2", "'+1\n'=2"),
    ("a;=1+1;b", "a;'=1+1;b"),
    ("a\t=1+1", "a\t'=1+1"),
    ("\t=1", "'\t'=1"),
    ("a;b;'@x", "a;b;''@x"),
    ("a\r\n-1", "a\r\n'-1"),
    ('a;"=1', "a;'\"=1"),
    ("a; =1; +", "a; =1; +"),
    ("+١", "'+١"),
    ('a "quoted", one', 'a "quoted", one'),
    ("  blanks  ", "  blanks  "),
    ("'=1", "''=1"),
    ("''-x", "'''-x"),
    ("'-5", "'-5"),
    ("two\r\nlines", "two\r\nlines"),
]


def test_cells_that_a_spreadsheet_would_run_are_defused(
    new_client: Callable[..., Client],
) -> None:
    rows = [row | {"last_name": cell} for row, (cell, _) in zip(plausible(99), CELLS, strict=False)]
    client = new_client(rows)
    guarded = [row[6] for row in rows_of(client.page("format=csv").data)[1:]]
    assert guarded == [cell for _, cell in CELLS]
    client.application.config["OMS_CSV_GUARD"] = False
    raw = [row[6] for row in rows_of(client.page("format=csv").data)[1:]]
    assert raw == [cell for cell, _ in CELLS]


@settings(max_examples=500, deadline=None)
@given(st.lists(st.text("'\"=+-@;\t\r\n 1a,(") | st.text(), min_size=1))
def test_a_guard_is_taken_away_and_hides_from_every_reader(texts: list[str]) -> None:
    cells = guarded(texts)
    assert [unguarded(str(cell)) for cell in cells] == texts
    row = [1, *texts, "end"]
    text = column("c", String)
    columns = [Cell(f"c{i}", fields.String(), text, text) for i in range(len(row))]
    data = b"".join(stream(PageTable("t", columns, [row]), GUARDED)).decode("utf-8")
    assert rows_of(data.encode())[1] == ["1", *cells, "end"]
    for delimiter in ";\t":
        lines = csv.reader(io.StringIO(data, newline=""), delimiter=delimiter)
        assert not [cell for line in lines for cell in line if cell.startswith(tuple("=+-@"))]


def test_a_spreadsheet_holds_everybody(client: Client) -> None:
    response = client.get(PATH, headers={"Accept": "application/xls"})
    sheet = load_workbook(io.BytesIO(response.data)).active
    assert sheet is not None
    values = list(sheet.iter_rows(values_only=True))
    everybody = client.page("limit=1000").json["results"]
    assert list(values[0]) == list(everybody[0])
    assert [row[0] for row in values[1:]] == [row["id"] for row in everybody]
    assert [row[7] for row in values[1:]] == [row["phone_number"] for row in everybody]
    assert response.headers["X-Total-Count"] == "109"


@pytest.mark.parametrize("format_name", ["csv", "xls"])
def test_head_has_the_same_headers_and_no_body(client: Client, format_name: str) -> None:
    get, head = client.page(f"format={format_name}"), client.head(f"{PATH}?format={format_name}")
    assert head.data == b""
    get.headers.pop("ETag")
    head.headers.pop("ETag")
    assert dict(head.headers) == dict(get.headers)
