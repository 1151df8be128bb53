"""Workbooks as people have them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from .conftest import ALI, Shop, counts
from .workbooks import HEADER, rows, sheet, text, workbook


def one(first_name: Any = "Ali", phone_number: Any = None, **options: Any) -> bytes:
    """Return a workbook with a customer before and behind the one that is tried."""
    others = [(it, it, f"n{it}@b.example", "Can", None) for it in (8, 9)]
    tried = (1, 1, "a@b.example", first_name, phone_number)
    return workbook({"S": sheet(rows(HEADER, others[0], tried, others[1]))}, **options)


def cell(content: str, attributes: str = "") -> str:
    return f"<c {attributes}>{content}</c>"


NO_RESULT = "is a formula whose result is not in the file. Open the workbook in Excel and save it"
TEXT = "Give the column the format Text, and type the text anew."
UNSHOWN = "has a format whose text differs by language, or that hides the number."

#: As Excel has them for telephone numbers in Turkey, for a text with something before it, and for
#: texts that are not shown.
PHONE = "[<=9999999]###\\ ##\\ ##;\\(###\\)\\ ###\\ ##\\ ##"
TR, HIDING = '"TR-"@', '0;-0;0;"none"'
FORMATS = (
    "00000", "0000 000 00 00", "#,##0", "0.00", "0%", "0.00E+00", "@", "yyyy-mm-dd", "h:mm",
    "[h]:mm:ss", '"TR-"000', TR, ";;;", PHONE,
    "# ?/?", "mm:ss", "General;General;;", HIDING, "dd.mm.yyyy h:mm", "[DBNum1]0", "#,##0,",
)  # fmt: skip
STYLE = {code: f's="{number}"' for number, code in enumerate(FORMATS, 1)}

ALI_CELL = "<is><t>Ali</t></is>"

#: A cell of a name, and why it is refused.
REFUSED = (
    (cell("<f>PROPER(A1)</f>"), NO_RESULT),
    (cell("<f>PROPER(A1)</f><v></v>"), NO_RESULT),
    (cell("<f/><v/>", 't="n"'), NO_RESULT),
    (cell('<f t="shared" si="0"/>'), NO_RESULT),
    (cell("<f>A1</f><v></v>", 't="str"'), "is a formula that shows nothing. Clear the cell to"),
    (cell("<f>A1</f>", 't="str"'), "is a formula that shows nothing."),
    (cell("<v>#REF!</v>", 't="e"'), "is the error #REF!. Mend its formula, or clear the cell."),
    (cell("<f>NA()</f><v>#N/A</v>", 't="e"'), "is the error #N/A. Mend its formula"),
    (cell("<v>1</v>", 't="b"'), "is the truth value TRUE, and no text or number."),
    (cell("<f>TRUE()</f><v>0</v>", 't="b"'), "is the truth value FALSE, and no text or number."),
    (cell("<v>46053</v>", STYLE["yyyy-mm-dd"]), f"is a date. {TEXT}"),
    (cell("<v>46053.5</v>", STYLE["dd.mm.yyyy h:mm"]), f"is a date. {TEXT}"),
    (cell("<v>0.5</v>", STYLE["h:mm"]), f"is a time. {TEXT}"),
    (cell("<v>1.5</v>", STYLE["[h]:mm:ss"]), f"is a time. {TEXT}"),
    (cell("<v>0.01</v>", STYLE["mm:ss"]), f"is a time. {TEXT}"),
    (cell("<v>2026-01-31</v>", 't="d"'), f"is a date. {TEXT}"),
    (cell("<v>12345678901234567</v>"), "has more than fifteen digits, of which Excel forgets"),
    (cell("<v>1.23456789012346E+17</v>"), "has more than fifteen digits"),
    (cell("<v>1234567890123456</v>", STYLE["@"]), "has more than fifteen digits"),
    (cell("<v>12.5</v>"), f"is no whole number. {TEXT}"),
    (cell("<v>1E-7</v>"), f"is no whole number. {TEXT}"),
    (cell("<v>12.5</v>", STYLE["00000"]), "is no whole number."),
    (cell("<v>1234</v>", STYLE["#,##0"]), f"{UNSHOWN} {TEXT}"),
    (cell("<v>12</v>", STYLE["0.00"]), UNSHOWN),
    (cell("<v>12</v>", STYLE["0%"]), UNSHOWN),
    (cell("<v>12</v>", STYLE["0.00E+00"]), UNSHOWN),
    (cell("<v>12</v>", STYLE[";;;"]), UNSHOWN),
    (cell("<v>12</v>", STYLE["# ?/?"]), UNSHOWN),
    (cell("<v>12</v>", STYLE["[DBNum1]0"]), UNSHOWN),
    (cell("<v>0</v>", STYLE["General;General;;"]), UNSHOWN),
    (cell(ALI_CELL, f't="inlineStr" {STYLE[";;;"]}'), "has a format that hides its text."),
    (cell(ALI_CELL, f't="inlineStr" {STYLE[HIDING]}'), "has a format that hides its text."),
)  # fmt: skip


@pytest.mark.parametrize(("content", "reason"), REFUSED)
def test_a_cell_that_is_no_text_is_refused(shop: Shop, content: str, reason: str) -> None:
    shop.add({"id": 1, "omnitron_id": 1, "email": "a@b.example", "first_name": "Ali"})
    rejects = shop.folder / "r.csv"
    result = shop.load("a.xlsx", one(content, formats=FORMATS), "--rejects", rejects)
    assert result.exit_code == 1
    assert f"a.xlsx, row 3: first_name: D3 {reason}" in result.stderr
    assert counts(result) == "2 added, 0 changed, 0 unchanged, 1 refused"
    assert shop.customers()[0]["first_name"] == "Ali"
    assert "a@b.example" in rejects.read_text()


#: A cell of a telephone number, and the text that the sheet shows.
SHOWN = (
    (cell("<v>5550001122</v>"), "5550001122"),
    (cell("<v>905551112233</v>"), "905551112233"),
    (cell("<v>999999999999999</v>"), "999999999999999"),
    (cell("<v>5.550001122E9</v>"), "5550001122"),
    (cell("<v>-5</v>"), "-5"),
    (cell("<v>0</v>"), "0"),
    (cell("<v>5550001122</v>", STYLE["0000 000 00 00"]), "0555 000 11 22"),
    (cell("<v>123</v>", STYLE["00000"]), "00123"),
    (cell("<v>1234567</v>", STYLE["00000"]), "1234567"),
    (cell("<v>-12</v>", STYLE["00000"]), "-00012"),
    (cell("<v>123</v>", STYLE["#,##0"]), "123"),
    (cell("<v>123</v>", STYLE["@"]), "123"),
    (cell("<v>7</v>", STYLE['"TR-"000']), "TR-007"),
    (cell("<v>1112233</v>", STYLE[PHONE]), "111 22 33"),
    (cell("<v>5551112233</v>", STYLE[PHONE]), "(555) 111 22 33"),
    (cell("<is><t>123</t></is>", f't="inlineStr" {STYLE[TR]}'), "TR-123"),
    (cell("<is><t>123</t></is>", f't="inlineStr" {STYLE["0.00"]}'), "123"),
    (cell("<f>A1</f><v>0555</v>", 't="str"'), "0555"),
    (cell("<f>A1</f><v>555</v>"), "555"),
    (cell("<v>0</v>", 't="s"'), "0555 000"),
    (cell("<v>1</v>", 't="s"'), " a_x0041_b\rç "),
    (cell("<v>2</v>", 't="s"'), None),
    (cell("<is><r><t>05</t></r><r><t>55</t></r><rPh><t>x</t></rPh></is>", 't="inlineStr"'), "0555"),
    (cell("<is><t/></is>", 't="inlineStr"'), None),
    (cell("", 's="1"'), None),
    (cell("<v></v>"), None),
)  # fmt: skip
SHARED = (
    "<si><r><t>0555</t></r> <r><t> 000</t></r><rPh><t>x</t></rPh></si>"
    '<si><t xml:space="preserve"> a_x005F_x0041_b_x000D_ç </t></si><si><t/></si>'
)


@pytest.mark.parametrize(("content", "shown"), SHOWN)
@pytest.mark.parametrize("strict", [False, True])
def test_a_text_is_what_the_sheet_shows(
    shop: Shop, content: str, shown: str | None, strict: bool
) -> None:
    book = one(phone_number=content, formats=FORMATS, shared=SHARED, strict=strict)
    result = shop.load("a.xlsx", book)
    assert result.exit_code == 0, result.stderr
    assert shop.customers()[0]["phone_number"] == shown


@pytest.mark.parametrize("attribute", ['fullCalcOnLoad="1"', 'fullCalcOnLoad="true"'])
def test_results_that_excel_has_to_work_out_are_none(shop: Shop, attribute: str) -> None:
    for name in (cell("<f>A1</f><v>0</v>"), cell("<f>A1</f><v>Ali</v>", 't="str"')):
        result = shop.load("a.xlsx", one(name, properties=f"<calcPr {attribute}/>"))
        assert f"a.xlsx, row 3: first_name: D3 {NO_RESULT}" in result.stderr


def test_formulas_that_openpyxl_wrote_erase_nothing(shop: Shop) -> None:
    shop.add({"id": 1, "first_name": "Ali", "phone_number": "0555", "erp_code": "00123"})
    book = Workbook()
    book.active.append(["id", "omnitron_id", "email", "first_name", "phone_number", "erp_code"])
    book.active.append([1, 55, "ali@example.com", '=PROPER("ali")', '="0"&"1"', "#REF!"])
    book.save(shop.folder / "a.xlsx")
    before = shop.customers()
    result = shop("load", shop.folder / "a.xlsx")
    for reference in ("first_name: D2 is a formula", "phone_number: E2 is a formula"):
        assert reference in result.stderr
    assert "erp_code: F2 is the error #REF!" in result.stderr
    assert shop.customers() == before


#: A cell of a number, and what it is, or why it is refused.
WHOLE = (
    (cell("<v>12</v>"), 12),
    (cell("<v>12</v>", STYLE["#,##0"]), 12),
    (cell("<v>1234567</v>", STYLE["#,##0"]), 1234567),
    (cell("<v>12</v>", STYLE["0.00"]), 12),
    (cell("<v>12.0</v>"), 12),
    (cell("<v>1.2E1</v>"), 12),
    (text("12"), 12),
    (cell("<v>12</v>", STYLE["0.00E+00"]), 12),
    (cell("<v>12</v>", STYLE["0%"]), UNSHOWN),
    (cell("<v>12000</v>", STYLE["#,##0,"]), UNSHOWN),
    (cell("<v>12</v>", STYLE[";;;"]), UNSHOWN),
    (cell("<v>12.5</v>"), "is no whole number."),
    (cell("<v>1E+16</v>"), "has more than fifteen digits"),
    (cell("<v>46053</v>", STYLE["yyyy-mm-dd"]), "is a date."),
    (cell("<v>1</v>", 't="b"'), "is the truth value TRUE"),
    (cell("<v>#N/A</v>", 't="e"'), "is the error #N/A."),
)


@pytest.mark.parametrize(("content", "number"), WHOLE)
def test_a_whole_number_is_read_from_any_format(
    shop: Shop, content: str, number: int | str
) -> None:
    book = workbook({"S": sheet(rows(HEADER, (1, content, "a@b.example")))}, formats=FORMATS)
    result = shop.load("a.xlsx", book)
    if isinstance(number, str):
        assert f"row 2: omnitron_id: B2 {number}" in result.stderr
    else:
        assert [row["omnitron_id"] for row in shop.customers()] == [number]


#: A cell of a date, whether days are counted from 1904, and the moment.
MOMENTS = (
    (cell("<v>46053</v>", STYLE["yyyy-mm-dd"]), False, "2026-01-31"),
    (cell("<v>46053.521007</v>", STYLE["dd.mm.yyyy h:mm"]), False, "2026-01-31T12:30:15.005"),
    (cell("<v>44591</v>", STYLE["yyyy-mm-dd"]), True, "2026-01-31"),
    (cell("<v>2026-01-31T12:30:15</v>", 't="d"'), False, "2026-01-31T12:30:15"),
    (cell("<v>59</v>", STYLE["yyyy-mm-dd"]), False, "1900-02-28"),
    (cell("<v>61</v>", STYLE["yyyy-mm-dd"]), False, "1900-03-01"),
    (text("2026-01-31"), False, "2026-01-31"),
    (cell("<v>60</v>", STYLE["yyyy-mm-dd"]), False, None),
    (cell("<v>0.5</v>", STYLE["yyyy-mm-dd"]), False, None),
    (cell("<v>-5</v>", STYLE["yyyy-mm-dd"]), False, None),
    (cell("<v>2958466</v>", STYLE["yyyy-mm-dd"]), False, None),
    (cell("<v>1E300</v>", STYLE["yyyy-mm-dd"]), False, None),
    (cell("<v>46053</v>"), False, None),
    (cell("<v>46053.5</v>", STYLE["h:mm"]), False, None),
)


@pytest.mark.parametrize(("content", "since_1904", "moment"), MOMENTS)
def test_a_date_is_read_from_its_calendar(
    shop: Shop, content: str, since_1904: bool, moment: str | None
) -> None:
    book = workbook(
        {"S": sheet(rows((*HEADER[:3], "created_date"), (1, 1, "a@b.example", content)))},
        formats=FORMATS,
        properties=f'<workbookPr date1904="{since_1904:d}"/>',
    )
    result = shop.load("a.xlsx", book)
    if moment is None:
        assert "row 2: created_date: D2 is no date." in result.stderr
    else:
        [row] = shop.customers()
        assert row["created_date"] == datetime.fromisoformat(moment).replace(tzinfo=UTC)


def test_a_sheet_has_dates_of_its_own(shop: Shop) -> None:
    moment = datetime(2026, 1, 31, 12, 30, 15, 123000)
    shop.load("a.xlsx", [ALI | {"id": 1, "created_date": moment, "modified_date": "2026-02-01"}])
    [row] = shop.customers()
    assert row["created_date"] == moment.replace(tzinfo=UTC)
    assert row["modified_date"] == datetime(2026, 2, 1, tzinfo=UTC)


#: Ranges that are merged, and the rows that are refused: those with a cell that is covered.
MERGED = (
    ("D2:D3", ["row 3: first_name: D3 is merged with D2. Unmerge the cells and fill in each."]),
    ("D2:E2", ["row 2: phone_number: E2 is merged with D2."]),
    ("$D$2:$E$4", ["row 2: phone_number: E2", "row 3: first_name: D3", "row 4: first_name: D4"]),
    ("D5:E9", []),
    ("F2:G3", []),
    ("A1:A1", []),
)


@pytest.mark.parametrize(("reference", "refused"), MERGED)
@pytest.mark.parametrize("prefix", ["", "x:"])
def test_a_cell_that_is_covered_is_refused(
    shop: Shop, reference: str, refused: list[str], prefix: str
) -> None:
    for it in (1, 2, 3):
        shop.add({"id": it, "first_name": "Ali", "phone_number": "5"})
    content = rows(HEADER, *((it, 55, "ali@example.com", "Ali", "5") for it in (1, 2, 3)))
    behind = f"<{prefix}mergeCell\n ref='{reference}' />"
    before = shop.customers()
    result = shop.load("a.xlsx", workbook({"S": sheet(content, behind=behind)}))
    for reason in refused:
        assert reason in result.stderr
    assert counts(result).endswith(f"{3 - len(refused)} unchanged, {len(refused)} refused")
    assert shop.customers() == before


def test_merged_cells_are_seen_wherever_a_piece_ends(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    from omsflask.commands.load.xlsx import merged

    content = rows(HEADER, (1, 1, "a@b.example", "Ali"), (2, 2, "b@c.example", None))
    book = workbook({"S": sheet(content, behind='<mergeCell ref="D2:D3"/>' * 3)})
    for size in (1, 7, 50, 200):
        monkeypatch.setattr(merged, "PIECE", size)
        assert "row 3: first_name: D3 is merged with D2" in shop.load("a.xlsx", book).stderr


def test_a_header_with_merged_cells_names_no_columns(shop: Shop) -> None:
    content = rows(HEADER, (1, 1, "a@b.example", "Ali"))
    book = workbook({"S": sheet(content, behind='<mergeCell ref="D1:E1"/>')})
    result = shop.load("a.xlsx", book)
    assert "a.xlsx has a header in which D1 is merged with others." in result.stderr


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (cell("<f>A1</f>"), "is a formula whose result is not in the file."),
        (cell("<v>#REF!</v>", 't="e"'), "is the error #REF!."),
    ],
)
def test_a_header_is_of_texts(shop: Shop, name: str, reason: str) -> None:
    book = workbook({"S": sheet(rows((*HEADER[:3], name), (1, 1, "a@b.example", "Ali")))})
    assert f"a.xlsx has a header in which D1 {reason}" in shop.load("a.xlsx", book).stderr


def test_refused_cells_are_refused_again_until_they_are_mended(shop: Shop) -> None:
    """What nothing can be read from must not come back as nothing."""
    names = (
        cell("<f>A1</f>"), cell("<f>A1</f>", 't="str"'), cell("<v>#REF!</v>", 't="e"'),
        cell("<v>12345678901234567890</v>"), cell("<v>46053</v>", STYLE["yyyy-mm-dd"]),
    )  # fmt: skip
    table = [(it, 1, "a@b.example", name, None) for it, name in enumerate(names, 1)]
    content = rows(HEADER, *table, (6, 1, "a@b.example", "Ali"), (7, 1, "a@b.example"))
    for it in range(1, 8):
        shop.add({"id": it, "omnitron_id": 1, "email": "a@b.example", "first_name": "Can"})
    book = workbook({"S": sheet(content, behind="<mergeCell ref='D7:D8'/>")}, formats=FORMATS)
    rejects = shop.folder / "r.csv"
    assert "6 refused" in counts(shop.load("a.xlsx", book, "--rejects", rejects))
    written = rejects.read_text()
    for shown in ("#FORMULA!", "#REF!", "1.23456789012346E+19", "2026-01-31T00:00:00", "#MERGED!"):
        assert f"a@b.example,{shown}," in written
    result = shop("load", rejects)
    assert counts(result).endswith("5 refused")
    assert [it["first_name"] for it in shop.customers()] == ["Can"] * 4 + [
        "2026-01-31T00:00:00", "Ali", "Can",
    ]  # fmt: skip


def test_a_formula_that_shows_nothing_is_left_with_stored_values(shop: Shop) -> None:
    shop.add({"id": 1, "first_name": "Ali", "phone_number": "5"})
    names = (cell("<f>A1</f><v></v>", 't="str"'), "  ")
    book = workbook({"S": sheet(rows(HEADER, (1, 55, "ali@example.com", *names)))})
    result = shop.load("a.xlsx", book, "--keep-empty")
    assert counts(result) == "0 added, 0 changed, 1 unchanged, 0 refused"


def test_rows_of_the_service_that_were_refused_are_refused_again(shop: Shop) -> None:
    shop.add({"id": 1, "first_name": "Ali", "last_name": "#N/A"})
    shop("export", shop.folder / "a.xlsx")
    book = load_workbook(shop.folder / "a.xlsx")
    book.active["F2"] = '=PROPER("ali")'
    book.save(shop.folder / "a.xlsx")
    rejects = shop.folder / "r.csv"
    assert "1 refused" in counts(shop("load", shop.folder / "a.xlsx", "--rejects", rejects))
    result = shop("load", rejects)
    assert "first_name: #FORMULA! is an error of a formula." in result.stderr
    mended = rejects.read_text().replace("#FORMULA!", "Ece").replace("#N/A", "Can")
    rejects.write_bytes(mended.encode())
    assert "1 changed" in counts(shop("load", rejects))
