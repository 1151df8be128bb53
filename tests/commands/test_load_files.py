"""Files that are loaded, whatever their format, and files that are none."""

import gzip
import sys

import pytest

from .conftest import ALI, COLUMNS, WRITTEN, Shop, as_csv, as_xlsx, table

#: What a file is called, what it holds, and what is said of it.
BROKEN: tuple[tuple[str, bytes, str], ...] = (
    ("a.csv", b"", "is empty."),
    ("a.json", b"", "is empty."),
    ("a.jsonl", b"", "is empty."),
    ("a.xlsx", b"", "is empty."),
    ("a.pdf", b"x", "ends in none of .csv, .json, .jsonl, .xlsx: say --format."),
    ("a.csv", b"id,omnitron_id,email\n1,2,\xfe@x.example\n", "is not UTF-8: byte 26 is 0xFE;"),
    ("a.json", b'[{"id": "\xff"}]', "is not UTF-8: byte 10 is 0xFF;"),
    ("a.json", b"[" + b" " * 65_534 + b"\xc4x", "is not UTF-8: byte 65,536 is 0xC4;"),
    ("a.csv", b"PK\x03\x04\x00\x00\n", "is no CSV: it is binary."),
    ("a.csv", gzip.compress(b"id", mtime=0), "is"),
    ("a.json", gzip.compress(b"[]", mtime=0), "is"),
    ("a.csv", b"\n\n", "has no column 'omnitron_id', which every customer needs."),
    ("a.csv", b"\n1,2,3\n", "has a column '1', which customers have not."),
    ("a.csv", b"id,omnitron_id\n1,2\n", "has no column 'email', which every customer needs."),
    (
        "a.csv",
        b"id,emial\n",
        "has a column 'emial', which customers have not; did you mean 'email'",
    ),
    ("a.csv", b"id,email,email,omnitron_id\n", "has 2 columns 'email'."),
    ("a.csv", b"id,email,,omnitron_id\n", "has a column '', which customers have not."),
    ("a.csv", b'id,"email\n', "has a header that cannot be read: unexpected end of data."),
    ("a.csv", b"email,omnitron_id\n", "has no column id: say by --key what else identifies"),
    ("a.csv", b"\xef\xbb\xbfemail;omnitron_id\n", "has no column id: say by --key"),
    ("a.json", b"12", "is neither a JSON list nor a body of the list service."),
    ("a.json", b"\x89PNG", "is not UTF-8: byte 1 is 0x89;"),
    ("a.json", b'{"detail": "Invalid token."}', 'holds no customers: {"detail": "Invalid token."}'),
    ("a.json", b'{"results": {}}', 'holds no customers: {"results": {}}'),
    ("a.json", b'{"count": 1, "resul', "breaks off, or is no JSON, after 0 whole rows."),
    ("a.xlsx", b"id,email\n", "is no workbook of Excel's, or is damaged."),
    ("a.xlsx", b"PK\x05\x06" + bytes(18), "is no workbook of Excel's, or is damaged."),
    ("a.xlsx", as_xlsx([]), "is empty."),
    (
        "a.xlsx",
        as_xlsx([{"id": 1, "emial": ""}]),
        "has a column 'emial', which customers have not;",
    ),
    ("a.xlsx", as_xlsx([ALI | {"id": 1}])[:-200], "is no workbook of Excel's, or is damaged."),
)


@pytest.mark.parametrize(("name", "content", "message"), BROKEN)
def test_a_file_that_cannot_be_read_is_a_sentence(
    shop: Shop, name: str, content: bytes, message: str
) -> None:
    result = shop.load(name, content)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert f"{shop.folder / name} {message}" in result.stderr
    assert result.stderr.count("\n") == 1
    assert shop.customers() == []


WHOLE = b'[{"id": 1, "omnitron_id": 1, "email": "a@b.example"}'


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", WHOLE, "breaks off, or is no JSON, after 1 whole rows"),
        ("a.json", WHOLE + b', {"id": 2, "om', "breaks off, or is no JSON, after 1 whole rows"),
        ("a.json", WHOLE + b", {'id': 2}]", "breaks off, or is no JSON, after 1 whole rows"),
        ("a.json", WHOLE + b' {"id": 2}]', "breaks off, or is no JSON, after 1 whole rows"),
        ("a.json", WHOLE + b", " + b"[" * 99_999, "breaks off, or is no JSON, after 1 whole"),
        (
            "a.json",
            WHOLE + b"]]",
            "goes on after its 1 rows with ']'",
        ),
        ("a.json", b'{"results": ' + WHOLE + b", 2", "breaks off, or is no JSON, after 2 whole"),
        ("a.json", WHOLE + b', "' + b"x" * 3_000_000, "breaks off, or is no JSON, after 1 whole"),
        ("a.csv", as_csv([ALI | {"id": 1}]) + b'2,"', "cannot be read from line 3 on: a quote"),
        (
            "a.csv",
            as_csv([ALI | {"id": 1}]) + b'2,"' + b"x\n" * 99_999,
            "cannot be read from line 3",
        ),
        (
            "a.csv",
            as_csv([ALI | {"id": 1}]) + b"x" * 3_000_000,
            "has a line of more than 1,048,576",
        ),
        ("a.csv", as_csv([ALI | {"id": 1}]) + b"\xfe\n", "is not UTF-8: byte"),
        ("a.jsonl", WHOLE[1:] + b"\n\xc4", "ends in the middle of a character"),
    ],
)
def test_what_comes_before_the_fault_of_a_file_is_loaded(
    shop: Shop, name: str, content: bytes, message: str
) -> None:
    result = shop.load(name, content)
    assert result.exit_code == 1
    assert f"Error: {shop.folder / name} {message}" in result.stderr
    assert "1 added" in result.stderr
    assert "What was loaded stays; run it again to load the rest." in result.stderr
    assert len(shop.customers()) == 1
    shop.empty()
    result = shop.load(name, content, "--all-or-nothing")
    assert result.exit_code == 1
    assert "Nothing was written. It would be:\n          1 added\n" in result.stderr
    assert shop.customers() == []


@pytest.mark.parametrize("ending", [".csv", ".xlsx"])
def test_cells_are_taken_as_people_write_them(shop: Shop, ending: str) -> None:
    rows = [
        ALI | {"id": "1", "phone_number": 5551112233, "erp_code": "", "channel": 2.0},
        ALI | {"id": 2, "phone_number": "+905551112233", "channel": None},
        dict.fromkeys(COLUMNS),
    ]
    result = shop.load(f"a{ending}", rows)
    assert result.stderr == table(added=2)
    one, two = shop.customers()
    assert (one["phone_number"], one["erp_code"], one["channel_id"]) == ("5551112233", None, 2)
    assert (two["phone_number"], two["channel_id"]) == ("+905551112233", None)


@pytest.mark.parametrize("encoding", ["nonsense", "hex", "undefined", "rot13", "x" * 300])
def test_an_encoding_that_is_none_is_a_sentence(shop: Shop, encoding: str) -> None:
    result = shop.load("a.csv", [ALI], "--encoding", encoding)
    assert result.exit_code == 2
    assert f"{encoding!r} is no encoding of text." in result.stderr


def test_standard_input_is_a_file_too(shop: Shop) -> None:
    for number, (ending, written) in enumerate(WRITTEN.items(), 1):
        content = written([ALI | {"id": number}])
        result = shop("load", "-", "--format", ending[1:], input=content)
        assert result.stderr == table(added=1)
    result = shop("load", "-", input=b"x")
    assert result.stderr.startswith("Error: standard input ends in none of .csv")


def test_a_workbook_needs_what_reads_it(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    file = shop.file("a.xlsx", [ALI | {"id": 1}])
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    result = shop("load", file)
    assert result.stderr == (
        f"Error: {file} needs openpyxl to be read: pip install 'omsflask[load]'.\n"
    )


@pytest.mark.parametrize("name", ["nothing.csv", "."])
def test_what_is_no_file_is_a_sentence(shop: Shop, name: str) -> None:
    result = shop("load", shop.folder / name)
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr
    assert ("does not exist" in result.stderr) or ("is a directory" in result.stderr)


@pytest.mark.parametrize("ending", WRITTEN)
def test_a_row_that_is_too_long_for_a_customer_is_not_kept(shop: Shop, ending: str) -> None:
    rows = [ALI | {"id": it, "first_name": "Ali"} for it in (1, 2, 3)]
    rows[1]["first_name"] = "x" * 20_000
    rejects = shop.folder / ("r.csv" if ending in (".csv", ".xlsx") else "r.jsonl")
    result = shop.load(f"a{ending}", rows, "--rejects", rejects)
    assert ": It has more than 16,384 characters." in result.stderr
    assert [row["id"] for row in shop.customers()] == [1, 3]
    assert 100 < rejects.stat().st_size < 1000
