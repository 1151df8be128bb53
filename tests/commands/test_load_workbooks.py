"""Workbooks as files: their sheets, other files of their name, and damaged ones."""

import gzip
import io
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from .conftest import ALI, Shop, as_xlsx, counts, table
from .workbooks import HEADER, rows, sheet, text, workbook, zipped


def book_of(*titles: str, **options: Any) -> bytes:
    """Return a workbook with a customer in each sheet."""
    sheets = {
        title: sheet(
            rows((it, 1, f"n{it}@b.example"), first=4)
            if False
            else rows(HEADER[:3], (it, 1, f"n{it}@b.example"))
        )
        for it, title in enumerate(titles, 1)
    }
    return workbook(sheets, **options)


def test_all_sheets_of_a_workbook_are_read(shop: Shop) -> None:
    book = Workbook()
    book.active.append(["id", "email", "omnitron_id"])
    book.active.append([1, "a@b.example", 1])
    book.create_sheet("empty")
    more = book.create_sheet("more")
    more.append([])
    more.append([None, "  "])
    more.append(["id", "email", "omnitron_id"])
    more.append([2, "a", 1])
    more.append([3, "a@b.example", 1, "beyond"])
    more.append([4, "d@b.example", 1, " "])
    book.save(shop.folder / "a.xlsx")
    result = shop("load", shop.folder / "a.xlsx")
    assert "a.xlsx, row 4 of sheet 'more': email: Not a valid email" in result.stderr
    assert "a.xlsx, row 5 of sheet 'more': It has cells beyond column 3" in result.stderr
    assert [row["id"] for row in shop.customers()] == [1, 4]
    more["B3"] = "phone_number"
    book.save(shop.folder / "a.xlsx")
    result = shop("load", shop.folder / "a.xlsx")
    assert "a.xlsx has another header in sheet 'more' than in the first." in result.stderr
    assert "--sheet 'Sheet'" in result.stderr
    assert "1 unchanged" in counts(shop("load", shop.folder / "a.xlsx", "--sheet", "Sheet"))


def test_a_sheet_that_is_left_out_is_told(shop: Shop) -> None:
    states = {"b": "hidden", "c": "veryHidden"}
    book = book_of("a", "b", "c", "d", "e", states=states, types={"e": "chartsheet"})
    result = shop.load("a.xlsx", book)
    assert result.exit_code == 0
    for sentence in (
        "has a hidden sheet 'b', which is left out: --sheet would load it.",
        "has a hidden sheet 'c', which is left out: --sheet would load it.",
        "has a chartsheet 'e', which is left out.",
    ):
        assert f"Warning: {shop.folder}/a.xlsx {sentence}\n" in result.stderr
    assert [row["id"] for row in shop.customers()] == [1, 4]


def test_sheets_are_chosen_by_their_names(shop: Shop) -> None:
    book = book_of("a", "Müşteri", "c", "e", states={"c": "veryHidden"}, types={"e": "chartsheet"})
    result = shop.load("a.xlsx", book, "--sheet", "c", "--sheet", "Müşteri")
    assert result.stderr == table(added=2)
    assert [row["id"] for row in shop.customers()] == [2, 3]
    for name in ("e", "A", ""):
        result = shop.load("a.xlsx", book, "--sheet", name)
        assert f"a.xlsx has no sheet {name!r}; there is 'a', 'Müşteri', 'c'." in result.stderr
    result = shop.load("a.csv", [ALI | {"id": 9}], "--sheet", "a")
    assert "a.csv is no workbook, which --sheet is for." in result.stderr


def test_hidden_rows_and_columns_are_told(shop: Shop) -> None:
    content = (
        rows(HEADER[:3])
        + rows((1, 1, "a@b.example"), (2, 1, "b@b.example"), first=2, attributes=' hidden="1"')
        + rows((3, 1, "c@b.example"), first=4)
    )
    columns = '<cols><col min="1" max="1" hidden="1"/><col min="2" max="3"/></cols>'
    result = shop.load("a.xlsx", workbook({"S": sheet(content, before=columns)}))
    assert (
        f"Warning: {shop.folder}/a.xlsx has 2 hidden rows in sheet 'S', loaded as" in result.stderr
    )
    assert "a.xlsx has hidden columns in sheet 'S', loaded as well.\n" in result.stderr
    assert result.exit_code == 0
    assert len(shop.customers()) == 3


def test_a_workbook_is_read_whatever_it_says_of_its_size(shop: Shop) -> None:
    path = shop.folder / "a.xlsx"
    right = io.BytesIO(as_xlsx([ALI | {"id": 1}]))
    with zipfile.ZipFile(right) as book, zipfile.ZipFile(path, "w") as wrong:
        for name in book.namelist():
            content = book.read(name)
            wrong.writestr(name, content.replace(b'ref="A1:C2"', b'ref="A1:A1"'))
    assert shop("load", path).stderr == table(added=1)


def test_cells_and_rows_need_not_say_where_they_are(shop: Shop) -> None:
    content = rows(HEADER[:3], (1, 1, "a@b.example"))
    for place in ('r="1"', 'r="2"', *(f'r="{it}{row}"' for it in "ABC" for row in (1, 2))):
        content = content.replace(f" {place}", "")
    result = shop.load("a.xlsx", workbook({"S": sheet(content)}))
    assert result.stderr == table(added=1)


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(70_000)
ANEW = "open it in Excel and save it as an Excel workbook (.xlsx)"
NONE = "is no workbook of Excel's, or is damaged."

TO_BINARY = '<Relationship Id="1" Type="x/officeDocument" Target="xl/workbook.bin"/>'
BINARY = zipped({"_rels/.rels": f"<x>{TO_BINARY}</x>", "xl/workbook.bin": ""})

#: What people give the name of a workbook, and what is said of it.
FOREIGN = (
    ("a.xls", OLE, "is an old workbook (.xls of Excel 97 to 2003) or another old document: open"),
    ("a.xlsx", OLE, "is an old workbook (.xls of Excel 97 to 2003)"),
    ("a.xlsx", OLE + "EncryptedPackage".encode("utf-16-le"), f"is protected by a password: {ANEW}"),
    ("a.xls", b"<html><table><tr><td>id</td></tr></table></html>", "is a web page or XML under"),
    ("a.xls", b'\r\n<?xml version="1.0"?><Workbook/>', "is a web page or XML under the name of"),
    ("a.ods", zipped({"content.xml": "<x/>"}), "is an OpenDocument file: save it as an Excel"),
    ("a.xlsb", BINARY, f"is a binary workbook (.xlsb): {ANEW}"),
    ("a.xlsx", b"id;email\n", NONE),
    ("a.xlsx", gzip.compress(b"id", mtime=0), NONE),
    ("a.xlsx", zipped({}), NONE),
    ("a.xlsx", zipped({"a.csv": "id"}), NONE),
    ("a.xlsx", book_of("S")[:-200], NONE),
    ("a.xlsx", book_of("S")[:300], NONE),
)


@pytest.mark.parametrize(("name", "content", "message"), FOREIGN)
def test_what_is_no_workbook_is_named(shop: Shop, name: str, content: bytes, message: str) -> None:
    result = shop.load(name, content)
    assert result.exit_code == 1
    assert f"Error: {shop.folder}/{name} {message}" in result.stderr
    assert result.stderr.count("\n") == 1
    assert shop.customers() == []


STRANGE = "has XML in it that no program for sheets writes."
SHEET, BOOK = "worksheets/sheet1.xml", "workbook.xml"

#: A part, what it is, and what is said of the workbook.
BROKEN = (
    (BOOK, "<workbook", NONE),
    (BOOK, "<workbook/>", "is empty."),
    (BOOK, '<workbook><sheet name="S" r:id="no"/></workbook>', NONE),
    ("_rels/workbook.xml.rels", "", NONE),
    ("styles.xml", '<s><cellXfs><xf numFmtId="x"/></cellXfs></s>', NONE),
    ("sharedStrings.xml", "<sst><si>", NONE),
    ("sharedStrings.xml", '<!DOCTYPE x [<!ENTITY a "b">]><sst>&a;</sst>', STRANGE),
    ("sharedStrings.xml", f"<sst><si><t>{'x' * 1_200_000}</t></si></sst>", "has a cell of more"),
    (SHEET, "<x>".encode("utf-16"), "is damaged after row 0 of sheet 'S'."),
    (SHEET, f"<x>{'<a>' * 100}", STRANGE),
    (SHEET, f"<x>{''.join(f'<n{it}/>' for it in range(9999))}</x>", STRANGE),
    (SHEET, f"<x>{''.join(f'<n a{it}={chr(34) * 2}/>' for it in range(9999))}</x>", STRANGE),
    (SHEET, f'<x a="{"x" * 3_000_000}"/>', STRANGE),
    (SHEET, f"<x><!-- {'x' * 3_000_000} --></x>", STRANGE),
    (SHEET, sheet(rows([text("x" * 1_200_000)])), "has a cell of more than 1,048,576 characters."),
    (SHEET, sheet(rows([text("x" * 10_000)] * 2)), "has a header of more than 16,384 characters."),
    (SHEET, sheet(rows([5]), behind="<mergeCell ref='A1:B9'/>" * 20_001), "has more than 20,000"),
    (SHEET, sheet(rows([5]), behind="<mergeCell ref='x'/>"), "is damaged in sheet 'S'."),
    (SHEET, sheet(rows([5]), behind="<mergeCell />"), "is damaged in sheet 'S'."),
)


@pytest.mark.parametrize(("part", "content", "message"), BROKEN, ids=range(len(BROKEN)))
def test_a_part_that_cannot_be_read_is_a_sentence(
    shop: Shop, part: str, content: str | bytes, message: str
) -> None:
    result = shop.load("a.xlsx", book_of("S", parts={f"xl/{part}": content}))
    assert result.exit_code == 1
    assert f"Error: {shop.folder}/a.xlsx {message}" in result.stderr
    assert result.stderr.count("\n") == 1
    assert shop.customers() == []


def test_a_directory_of_endless_parts_is_not_read(shop: Shop) -> None:
    result = shop.load("a.xlsx", book_of("S", parts={f"n/{it}": "" for it in range(20_000)}))
    assert "a.xlsx has too many parts for a workbook." in result.stderr


#: Rows of which the second is damaged.
DAMAGED = (
    '<row r="3"><c r="A3"><v>x</v></c></row>',
    '<row r="3"><c r="A3" t="s"><v>99</v></c></row>',
    '<row r="3"><c r="A3" t="s"><v>-1</v></c></row>',
    '<row r="3"><c r="A3" t="unknown"><v>1</v></c></row>',
    '<row r="3"><c r="A3" s="99"><v>1</v></c></row>',
    '<row r="3"><c r="A4"><v>1</v></c></row>',
    '<row r="3"><c r="B3"><v>1</v></c><c r="A3"><v>1</v></c></row>',
    '<row r="3"><c r="A3"><v>1</v></c><c r="A3"><v>2</v></c></row>',
    '<row r="2"><c r="A2"><v>1</v></c></row>',
    '<row r="x"/>',
    "<row>",
    f'<row r="3"><c r="A3"><v>{"9" * 500}</v></c></row>',
)


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_sheet_is_read_up_to_the_fault(shop: Shop, content: str) -> None:
    xml = sheet(rows(HEADER[:3], (1, 1, "a@b.example")) + content)
    result = shop.load("a.xlsx", workbook({"S": xml}, formats=["0"]))
    assert result.exit_code == 1
    assert "a.xlsx is damaged after row 2 of sheet 'S'." in result.stderr
    assert shop.emails() == ["a@b.example"]


def test_a_part_unpacks_to_so_much(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from omsflask.commands.load.xlsx import package

    monkeypatch.setattr(package, "FREE_BYTES", 1 << 20)
    book = workbook({"S": sheet("<row/>" * 1_000_000 + rows(HEADER[:3]))})
    result = shop.load("a.xlsx", book)
    assert "a.xlsx would unpack to 5 MiB, more than 200 times its size: open it in" in result.stderr
    assert result.exit_code == 1


PEAK = """
import re, sys
from pathlib import Path
from omsflask.commands.load import sources

options = sources.Options(None, "utf-8", True, ())
with sources.opened(Path(sys.argv[1]), options) as source:
    count = sum(1 for _ in source.contents.rows)
print(count, *re.findall(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text()))
"""


@pytest.mark.slow
def test_a_workbook_is_read_in_bounded_memory(tmp_path: Path) -> None:
    def peak(name: str, **options: Any) -> float:
        content = rows(HEADER[:3], (1, 1, '<c t="s"><v>0</v></c>'))
        sheets = {"S": sheet(options.pop("before", "") + content)}
        (tmp_path / name).write_bytes(workbook(sheets, **options))
        command = [sys.executable, "-c", PEAK, str(tmp_path / name)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        count, peak = map(int, done.stdout.split())
        assert count == 1
        return peak / 1024

    small = peak("small.xlsx", shared="<si><t>a@b.example</t></si>")
    texts = "".join(f"<si><t>{it}@b.example</t></si>" for it in range(2_000_000))
    assert peak("texts.xlsx", shared=texts) < small + 16
