"""The fast cells of a spreadsheet against xlsxwriter's own."""

import io
import re
import zipfile
from datetime import UTC, datetime
from typing import Any

import pytest
import xlsxwriter
from conftest import Client
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import fields
from openpyxl import load_workbook

from omsflask import UTCDateTime
from omsflask.declarations.cells import Cell
from omsflask.declarations.fields import format_utc
from omsflask.renderers import xlsx, xlsx_cells
from omsflask.renderers.table import PageTable

NASTY = [
    "=1+1", "05551112233", "+905551112233", "-1", "https://example.com", "mailto:a@b.example",
    " leading", "trailing ", "two\nlines", "tab\there", "\r", "\x00\x01\x1f", "\ufffe\uffff",
    "_x0041_", "_x0041", "<&>\"'", "İıŞşĞğ", "😀" * 3, "\u2028", "|", " |", "1e5",
    "TRUE", "#N/A", "x" * 32_767, "\xa0", "]]>", "\x7f\x85",
]  # fmt: skip


def cells(**columns: fields.Field[Any]) -> list[Cell]:
    return [Cell(name, field, None, None) for name, field in columns.items()]  # type: ignore[arg-type]


def written(columns: list[Cell], rows: list[tuple[Any, ...]]) -> bytes:
    return b"".join(xlsx.stream(PageTable("people", columns, rows), {}))


def read(book: bytes) -> list[tuple[Any, ...]]:
    active = load_workbook(io.BytesIO(book), read_only=True).active
    assert active is not None
    return [*active.iter_rows(values_only=True)]


def by_xlsxwriter(texts: list[str]) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"constant_memory": True}) as book:
        page = book.add_worksheet()
        for number, text in enumerate(texts):
            page.write_string(number, 0, text)
            page.write_string(number, 1, ".")
    return buffer.getvalue()


def cell_xml(book: bytes) -> list[str]:
    xml = zipfile.ZipFile(io.BytesIO(book)).read("xl/worksheets/sheet1.xml").decode()
    return re.findall(r'<c r="A\d+"[^>]*>(<is>.*?</is>)', xml, re.DOTALL)


@pytest.mark.parametrize("text", NASTY)
def test_text_is_written_as_xlsxwriter_writes_it(text: str) -> None:
    [ours] = cell_xml(written(cells(a=fields.String()), [(text,)]))[:1]
    [theirs] = cell_xml(by_xlsxwriter([text]))
    assert ours == theirs


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1))
def test_any_text_is_written_as_xlsxwriter_writes_it(texts: list[str]) -> None:
    assert cell_xml(written(cells(a=fields.String()), [(it,) for it in texts])) == cell_xml(
        by_xlsxwriter(texts)
    )


def test_text_comes_back_as_text() -> None:
    texts = [it for it in NASTY if not re.search("[\x00-\x08\r\x0b-\x1f\ufffe\uffff]|_x", it)]
    rows = read(written(cells(a=fields.String(), b=fields.Integer()), [(it, 1) for it in texts]))
    assert [row[0] for row in rows[1:]] == texts


def test_look_alikes_that_share_an_underscore_are_both_escaped() -> None:
    assert xlsx_cells.escaped("_x005F_x0041_") == "_x005F_x005F_x005F_x0041_"


def test_text_is_cut_where_excel_would_refuse_it() -> None:
    assert xlsx_cells.fitting("x" * 40_000) == "x" * 32_767
    assert xlsx_cells.fitting("😀" * 20_000) == "😀" * 16_383


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.datetimes(datetime(1900, 3, 1), datetime(9999, 12, 31), timezones=st.just(UTC))
        | st.none(),
        min_size=1,
    )
)
def test_moments_are_dates_to_the_millisecond(moments: list[datetime | None]) -> None:
    texts = [(1, moment and format_utc(moment)) for moment in moments]
    rows = read(written(cells(n=fields.Integer(), at=UTCDateTime()), texts))
    for expected, (_, found) in zip(moments, rows[1:], strict=True):
        if expected is None:
            assert found is None
        else:
            assert abs((found.replace(tzinfo=UTC) - expected).total_seconds()) <= 0.0011


def test_moments_before_excels_calendar_are_text() -> None:
    texts = ["1900-02-28T23:59:59.999999Z", "0001-01-01T00:00:00.000000Z"]
    rows = read(written(cells(at=UTCDateTime()), [(it,) for it in texts]))
    assert [row[0] for row in rows[1:]] == texts


def test_numbers_that_excel_would_round_are_text() -> None:
    values = [0, -5, 10**15 - 1, 10**15, 2**63 - 1, -(2**63)]
    rows = read(written(cells(n=fields.Integer()), [(it,) for it in values]))
    assert [row[0] for row in rows[1:]] == [
        0,
        -5,
        10**15 - 1,
        "1" + "0" * 15,
        str(values[4]),
        str(values[5]),
    ]


def test_truth_is_truth_and_null_is_nothing() -> None:
    columns = cells(n=fields.Integer(), paid=fields.Boolean(), price=fields.Decimal())
    rows = read(written(columns, [(1, True, "12.50"), (2, False, None), (3, None, "-0.1")]))
    assert rows[1:] == [(1, True, 12.5), (2, False, None), (3, None, -0.1)]


def test_a_full_sheet_is_followed_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "ROWS_A_SHEET", 700)
    data = written(cells(n=fields.Integer()), [(it,) for it in range(1500)])
    book = load_workbook(io.BytesIO(data))
    assert book.sheetnames == ["people", "people 2", "people 3"]
    values = [[row[0] for row in page.iter_rows(values_only=True)] for page in book]
    assert [page[0] for page in values] == ["n"] * 3
    assert [it for page in values for it in page[1:]] == [*range(1500)]
    assert [page.dimensions for page in book] == ["A1:A701", "A1:A701", "A1:A101"]


@pytest.mark.parametrize("query", ["", "&id__gt=1000"])
def test_the_workbook_looks_as_it_should(client: Client, query: str) -> None:
    book = load_workbook(io.BytesIO(client.page(f"format=xlsx{query}").data))
    page = book["customers"]
    assert page.freeze_panes == "A2"
    assert page.auto_filter.ref == ("A1:J110" if not query else "A1:J1")
    assert all(cell.font.bold for cell in page[1])
    assert page.column_dimensions["E"].width > page.column_dimensions["A"].width
    if not query:
        assert page["B2"].number_format == "yyyy-mm-dd hh:mm:ss"
        assert page["B2"].is_date
        assert page["H2"].value == "05555554433"
        assert page["H2"].data_type == "s"
