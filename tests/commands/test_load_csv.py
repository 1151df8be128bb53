"""CSV as spreadsheets and scripts write it."""

import codecs

import pytest

from omsflask.commands.load import texts

from .conftest import ALI, Shop, counts, table

HEADER = "id,omnitron_id,email,first_name,phone_number"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "windows-1254"]
)
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_csv_is_read_as_spreadsheets_write_it(
    shop: Shop, delimiter: str, encoding: str, end: str
) -> None:
    text = "id,omnitron_id, email ,first_name\r\n\r\n1,1,a@b.example,Şeyma\r\n1,1,a@b.example,Ğ\r\n"
    content = text.replace(",", delimiter).replace("\r\n", end).encode(encoding)
    options = () if encoding.startswith("utf") else ("--encoding", encoding)
    rejects = shop.folder / "r.csv"
    result = shop.load("a.csv", content, *options, "--rejects", rejects)
    [row] = shop.customers()
    assert row["first_name"] == "Şeyma"
    assert "a.csv, line 4: id: The same as in" in result.stderr
    written = rejects.read_text("utf-8" if encoding.startswith("utf-16") else encoding)
    assert f"1{delimiter}1{delimiter}a@b.example{delimiter}Ğ" in written


@pytest.mark.parametrize("marked", ["utf-16-le", "utf-16-be"])
def test_unicode_text_of_a_spreadsheet_is_read(shop: Shop, marked: str) -> None:
    text = "\ufeffid\tomnitron_id\temail\tfirst_name\r\n1\t1\ta@b.example\tŞeyma 😀\r\n"
    assert shop.load("a.txt", text.encode(marked)).exit_code == 0
    assert shop.customers()[0]["first_name"] == "Şeyma 😀"


#: What people's files begin and end with, and what is read of them all the same.
READ = (
    "sep=;\r\nid;omnitron_id;email\r\n1;1;a@b.example\r\n",
    'sep=;\n"id";"omnitron_id";"email"\n"1";"1";"a@b.example"\n',
    '"sep=;"\r\nid;omnitron_id;email\r\n1;1;a@b.example\r\n',
    "SEP=:\nid:omnitron_id:email\n1:1:a@b.example\n",
    "sep=\t\nid\tomnitron_id\temail\n1\t1\ta@b.example\n",
    "sep=;\rid;omnitron_id;email\r1;1;a@b.example",
    "\ufeffsep=,\r\nid,omnitron_id,email\r\n1,1,a@b.example\r\n",
    "\r\n;;;\r\nid;omnitron_id;email\r\n1;1;a@b.example\r\n;;\r\n",
    "id,omnitron_id,email,\n1,1,a@b.example,\n",
    "id;omnitron_id;email;;;\r\n1;1;a@b.example;;;\r\n;;;;;\r\n",
    '"id","omnitron_id","email"\n"1","1","a@b.example"',
    'id,"omnitron_id\n",email\n1,1,a@b.example\n',
)


@pytest.mark.parametrize("content", READ, ids=ascii)
def test_what_spreadsheets_put_around_rows_is_passed_over(shop: Shop, content: str) -> None:
    result = shop.load("a.csv", content)
    assert result.exit_code == 0, result.stderr
    assert result.stderr == table(added=1)
    assert shop.emails() == ["a@b.example"]


MIXED_UP = "Its quotes are mixed up. A cell with a quote in it stands in quotes"
CUT_SHORT = "is a number that a spreadsheet cut short; its last digits are lost. In the"
LINE_END = "first_name: It has a line end in it. Either a quote is missing or misplaced"

#: Rows, where they are, and why they are refused. The row behind them is loaded.
REFUSED = (
    ("2,2,b@c.example,Ali,9.05551E+11\n", "line 2", f"phone_number: 9.05551E+11 {CUT_SHORT}"),
    ('2,2,b@c.example,Ali,"9,05551E+11"\n', "line 2", f"phone_number: 9,05551E+11 {CUT_SHORT}"),
    ("2,2,b@c.example,Ali,9.05551e+11\n", "line 2", f"phone_number: 9.05551e+11 {CUT_SHORT}"),
    ("2,2,b@c.example,Ali,1E+15\n", "line 2", f"phone_number: 1E+15 {CUT_SHORT}"),
    ("2,2,b@c.example,Ali, -1.5E-07 \n", "line 2", f"phone_number: -1.5E-07 {CUT_SHORT}"),
    ("2,2,b@c.example,#N/A,5\n", "line 2", "first_name: #N/A is an error of a formula."),
    ("2,2,b@c.example,Ali,#BAŞV!\n", "line 2", "phone_number: #BAŞV! is an error of a formula."),
    ("2,2,b@c.example,Ali,#SAYI/0!\n", "line 2", "phone_number: #SAYI/0! is an error of a"),
    ("2,2,b@c.example,#NAME?,#AD?\n", "line 2", "first_name: #NAME? is an error of a formula."),
    ('2,2,b@c.example,"Ali\n3,3,c@d.example,Veli,5\n4,4,d,Ece",5\n', "lines 2 to 4", LINE_END),
    ('2,2,b@c.example,"Ali\r\nCan",5\r\n', "lines 2 to 3", LINE_END),
    ('2,2,b@c.example,"Ali\rCan",5\r', "lines 2 to 3", LINE_END),
    ('2,2,b@c.example,Ali "Bey" Can,5\n', "line 2", MIXED_UP),
    ('2,2,b@c.example, "Ali",5\n', "line 2", MIXED_UP),
    ('2,2,b@c.example,"Ali "Bey" Can",5\n', "line 2", MIXED_UP),
    ('2,2,b@c.example,"Ali \\"Bey\\" Can",5\n', "line 2", MIXED_UP),
    ('2,2,b@c.example,"Ali\n3,3,c@d.example,"Veli",5\n', "lines 2 to 3", MIXED_UP),
    ("2,2,b@c.example,Ali,5,\n", "line 2", "It has 6 cells and not 5."),
    ("2,2,b@c.example,Ali\n", "line 2", "It has 4 cells and not 5."),
)  # fmt: skip


@pytest.mark.parametrize(("rows", "place", "reason"), REFUSED, ids=ascii)
def test_a_row_that_may_be_another_than_it_seems_is_refused(
    shop: Shop, rows: str, place: str, reason: str
) -> None:
    rejects = shop.folder / "r.csv"
    behind = "9,9,z@z.example,Can,5\n"
    result = shop.load("a.csv", f"{HEADER}\n{rows}{behind}", "--rejects", rejects)
    assert result.exit_code == 1
    assert f"a.csv, {place}: {reason}" in result.stderr
    assert counts(result) == "1 added, 0 changed, 0 unchanged, 1 refused"
    assert shop.emails() == ["z@z.example"]
    assert rejects.read_text().startswith(f"place,reason,{HEADER}\n")
    assert "b@c.example" in rejects.read_text()


@pytest.mark.parametrize(
    "name", ["1e5", "1E5", "9.5E", "E+11", "#1", "#Ali", "C#", 'Ali ""Bey""', "9.05551E+1", "-5"]
)
def test_what_only_resembles_a_fault_is_loaded(shop: Shop, name: str) -> None:
    result = shop.load("a.csv", f'{HEADER}\n1,1,a@b.example,"{name}",5\n')
    assert result.exit_code == 0, result.stderr
    assert shop.customers()[0]["first_name"] == name.replace('""', '"')


def test_a_quote_that_swallows_a_row_of_the_services_own_is_seen(shop: Shop) -> None:
    shop.add({"id": 1, "first_name": "Ali\r\nCan"}, {"id": 2, "first_name": "Ece"})
    shop("export", shop.folder / "a.csv")
    text = (shop.folder / "a.csv").read_bytes().decode()
    assert "2 unchanged" in shop.load("b.csv", text).stderr
    swallowed = text.replace('Can"', "Can").replace("Ece", 'Ece"')
    result = shop.load("c.csv", swallowed)
    assert "c.csv, lines 2 to 4: first_name: It has a line end in it." in result.stderr
    assert counts(result) == "0 added, 0 changed, 0 unchanged, 1 refused"


def test_rows_with_too_many_or_too_few_cells_are_refused(shop: Shop) -> None:
    result = shop.load("a.csv", "id,omnitron_id,email\n1,1,a@b.example,\n2,2\n3,3,a@b.example\n")
    assert "a.csv, line 2: It has 4 cells and not 3." in result.stderr
    assert "a.csv, line 3: It has 2 cells and not 3." in result.stderr
    assert [row["id"] for row in shop.customers()] == [3]


def test_a_delimiter_behind_the_last_name_is_behind_every_row(shop: Shop) -> None:
    rows = "1,1,a@b.example,\n2,2,b@c.example\n3,3,c@d.example,x\n4,4,d@e.example,,\n"
    result = shop.load("a.csv", f"id,omnitron_id,email,\n{rows}")
    for line in (3, 4, 5):
        assert f"a.csv, line {line}: It has " in result.stderr
    assert shop.emails() == ["a@b.example"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_an_end_of_a_line_may_lie_between_two_pieces(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr(texts, "PIECE", 7)
    rows = "".join(f"{it},1,ş{it}@b.example{end}" for it in range(20)).replace("ş", "s")
    content = f"id,omnitron_id,email{end}{rows}1,1,x{end}"
    result = shop.load("a.csv", content)
    assert "a.csv, line 22: email: Not a valid email address." in result.stderr
    assert len(shop.customers()) == 20


#: A text, what it is encoded in, and what is offered.
ENCODED = (
    ("Işıl Şahin", "windows-1254", "windows-1254"),
    ("IŞIL YILDIZ", "windows-1254", "windows-1254"),
    ("Oğuz Gökçe", "iso8859-9", "windows-1254"),
    ("Müge Öztürk", "windows-1252", "windows-1254"),
    ("Günther Jäger", "windows-1252", "windows-1252"),
    ("Hélène Lefèvre", "windows-1252", "windows-1252"),
    ("Małgorzata Żółć", "windows-1250", "windows-1250"),
    ("Иван Сидоров", "windows-1251", "windows-1251"),
    ("Γιώργος", "windows-1253", "windows-1253"),
    ("Çağla Yıldırım Şimşek", "cp857", "cp857"),
)


@pytest.mark.parametrize(("name", "encoding", "offered"), ENCODED, ids=ascii)
def test_the_likeliest_encoding_is_offered(
    shop: Shop, name: str, encoding: str, offered: str
) -> None:
    content = f"id,omnitron_id,email,first_name\n1,1,a@b.example,{name}\n".encode(encoding)
    result = shop.load("a.csv", content)
    assert "is not UTF-8: byte " in result.stderr
    assert f"it is likely {offered}: say --encoding {offered}, or save it as" in result.stderr
    assert shop.load("a.csv", content, "--encoding", offered).exit_code == 0
    assert shop.customers()[0]["first_name"] == name


def test_a_damaged_byte_among_utf_8_is_no_other_encoding(shop: Shop) -> None:
    content = "id,omnitron_id,email,first_name\n1,1,a@b.example,Şeyma Işıl\n".encode() + b"\xfe\n"
    result = shop.load("a.csv", content)
    assert "is 0xFE; that byte is damaged, or save it as UTF-8." in result.stderr


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_utf_8_is_not_taken_for_what_was_said(shop: Shop, mark: bytes) -> None:
    content = mark + "id,omnitron_id,email,first_name\n1,1,a@b.example,Işıl\n".encode()
    result = shop.load("a.csv", content, "--encoding", "windows-1254")
    assert "a.csv is UTF-8 and not windows-1254: leave --encoding out." in result.stderr
    assert shop.customers() == []


NEVER_CLOSED = "cannot be read from line 3 on: a quote there is never closed."


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ('2,2,b@c.example,"x,5\n', NEVER_CLOSED),
        ('2,"' + "x\n" * 99_999, NEVER_CLOSED),
        ('2,"x\n",' * 200_000, "has a row of more than 1,048,576 characters in line 3."),
    ],
    ids=["end", "text", "cells"],
)
def test_a_quote_that_never_closes_ends_the_file(shop: Shop, rows: str, message: str) -> None:
    result = shop.load("a.csv", f"{HEADER}\n1,1,a@b.example,Ali,5\n{rows}")
    assert result.exit_code == 1
    assert f"a.csv {message}" in result.stderr
    assert shop.emails() == ["a@b.example"]


def test_a_zero_byte_is_no_csv(shop: Shop) -> None:
    result = shop.load("a.csv", [ALI | {"id": 1, "first_name": "A\0li"}])
    assert "first_name: Null characters are not allowed." in result.stderr
