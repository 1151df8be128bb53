"""Workbooks as people have them."""

import io
import zipfile
from datetime import UTC, datetime

from openpyxl import Workbook

from .conftest import ALI, Shop, as_xlsx, table


def test_a_sheet_has_dates_of_its_own(shop: Shop) -> None:
    moment = datetime(2026, 1, 31, 12, 30, 15, 123000)
    shop.load("a.xlsx", [ALI | {"id": 1, "created_date": moment, "modified_date": "2026-02-01"}])
    [row] = shop.customers()
    assert row["created_date"] == moment.replace(tzinfo=UTC)
    assert row["modified_date"] == datetime(2026, 2, 1, tzinfo=UTC)


def test_all_sheets_of_a_workbook_are_read(shop: Shop) -> None:
    book = Workbook()
    book.active.append(["id", "email", "omnitron_id"])
    book.active.append([1, "a@b.example", 1])
    book.create_sheet("empty")
    more = book.create_sheet("more")
    more.append(["id", "email", "omnitron_id"])
    more.append([2, "a", 1])
    more.append([3, "a@b.example", 1, "beyond"])
    book.save(shop.folder / "a.xlsx")
    result = shop("load", shop.folder / "a.xlsx")
    assert "a.xlsx, row 2 of sheet 'more': email: Not a valid email" in result.stderr
    assert "a.xlsx, row 3 of sheet 'more': It has cells beyond column 3" in result.stderr
    assert [row["id"] for row in shop.customers()] == [1]
    more["B1"] = "phone_number"
    book.save(shop.folder / "a.xlsx")
    result = shop("load", shop.folder / "a.xlsx")
    assert "a.xlsx has another header in sheet 'more' than in the first." in result.stderr


def test_a_workbook_is_read_whatever_it_says_of_its_size(shop: Shop) -> None:
    path = shop.folder / "a.xlsx"
    right = io.BytesIO(as_xlsx([ALI | {"id": 1}]))
    with zipfile.ZipFile(right) as book, zipfile.ZipFile(path, "w") as wrong:
        for name in book.namelist():
            content = book.read(name)
            wrong.writestr(name, content.replace(b'ref="A1:C2"', b'ref="A1:A1"'))
    assert shop("load", path).stderr == table(added=1)
