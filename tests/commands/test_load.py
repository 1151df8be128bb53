"""Files of customers into the database, and the faults that files have."""

import csv
import gzip
import io
import json
import os
import random
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from conftest import dispose, make_app, make_client
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from sqlalchemy import delete, event, insert, select

from omsflask import customers
from omsflask.commands.cli import oms
from omsflask.commands.load import runs
from omsflask.renderers.csv import guarded, unguarded
from omsflask.standalone.app import Channel, Customer, db
from omsflask.standalone.sample_data import plausible, published

ALI = {"omnitron_id": 55, "email": "ali@example.com"}
COLUMNS = [
    "id", "created_date", "modified_date", "omnitron_id", "email", "first_name", "last_name",
    "phone_number", "erp_code", "channel",
]  # fmt: skip


class Shop:
    """An app to load customers into, and what is then in its database."""

    def __init__(self, app: Flask, folder: Path) -> None:
        self.app, self.folder = app, folder

    def __call__(self, *arguments: str | Path, input: bytes | str | None = None) -> Result:
        """Run a command."""
        runner = self.app.test_cli_runner()
        result = runner.invoke(oms, [*map(str, arguments)], input=input)
        assert isinstance(result.exception, SystemExit | None), result.exception
        return result

    def load(self, name: str, content: Any, *options: str | Path) -> Result:
        """Load a file of that name."""
        return self("load", self.file(name, content), *options)

    def file(self, name: str, content: Any) -> Path:
        """Write rows, or just what is given, as the name says."""
        path = self.folder / name
        if isinstance(content, str):
            content = content.encode()
        path.write_bytes(content if isinstance(content, bytes) else WRITTEN[path.suffix](content))
        return path

    def customers(self) -> list[dict[str, Any]]:
        """Return what is in the database, in the order of the keys."""
        with self.app.app_context(), db.engine.connect() as connection:
            rows = connection.execute(select(Customer.__table__).order_by(Customer.id)).mappings()
            return [{name: _in_utc(value) for name, value in row.items()} for row in rows]

    def emails(self) -> list[str]:
        """Return the addresses, in the order of the keys."""
        return [row["email"] for row in self.customers()]

    def add(self, *rows: dict[str, Any]) -> None:
        """Put customers into the database."""
        with self.app.app_context(), db.engine.begin() as connection:
            for row in rows:
                connection.execute(insert(Customer), [ALI | row])

    def empty(self) -> None:
        """Take everything out of the database but four channels."""
        with self.app.app_context(), db.engine.begin() as connection:
            connection.execute(delete(Customer))
            connection.execute(delete(Channel).where(Channel.id > 4))


def _in_utc(value: Any) -> Any:
    if not isinstance(value, datetime):
        return value
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def _csv(rows: list[dict[str, Any]]) -> bytes:
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, names)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _xlsx(rows: list[dict[str, Any]]) -> bytes:
    names = list(dict.fromkeys(name for row in rows for name in row))
    book = Workbook()
    book.active.append(names)
    for row in rows:
        book.active.append([row.get(name) for name in names])
        for cell in book.active[book.active.max_row]:
            if cell.data_type == "f":
                cell.data_type = "s"
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


WRITTEN: dict[str, Callable[[Any], bytes]] = {
    ".csv": _csv,
    ".json": lambda rows: json.dumps(rows).encode(),
    ".jsonl": lambda rows: b"".join(json.dumps(row).encode() + b"\n" for row in rows),
    ".xlsx": _xlsx,
}


@pytest.fixture(scope="module")
def shop_app(new_database: Callable[[], str]) -> Iterator[Flask]:
    app = make_app(new_database(), [])
    yield app
    dispose(app)


@pytest.fixture
def shop(shop_app: Flask, tmp_path: Path) -> Shop:
    shop = Shop(shop_app, tmp_path)
    shop.empty()
    return shop


@pytest.mark.parametrize("ending", WRITTEN)
def test_customers_are_added_changed_or_left(shop: Shop, ending: str) -> None:
    rows = [{"id": it, **ALI, "first_name": f"Ali {it}", "channel": 1} for it in (1, 2, 3)]
    added = shop.load(f"a{ending}", rows)
    assert added.stderr == "3 added, 0 changed, 0 unchanged, 0 refused.\n"
    assert added.exit_code == 0
    assert [row["first_name"] for row in shop.customers()] == ["Ali 1", "Ali 2", "Ali 3"]
    rows[1]["first_name"] = "İşçi"
    again = shop.load(f"b{ending}", rows)
    assert again.stderr == "0 added, 1 changed, 2 unchanged, 0 refused.\n"
    assert shop.customers()[1]["first_name"] == "İşçi"


#: What a file is called, what it holds, and what is said of it.
BROKEN: tuple[tuple[str, bytes, str], ...] = (
    ("a.csv", b"", "is empty."),
    ("a.json", b"", "is empty."),
    ("a.jsonl", b"", "is empty."),
    ("a.xlsx", b"", "is empty."),
    ("a.txt", b"x", "ends in none of .csv, .json, .jsonl, .xlsx: say --format."),
    ("a.csv", b"id,omnitron_id,email\n1,2,\xfe@x.example\n", "is not UTF-8: byte 26 is 0xFE;"),
    ("a.csv", "id,email\n".encode("utf-16"), "is UTF-16: save it as UTF-8."),
    ("a.jsonl", "{}\n".encode("utf-16"), "is UTF-16: save it as UTF-8."),
    ("a.json", "[]".encode("utf-16"), "is UTF-16: save it as UTF-8."),
    ("a.json", b'[{"id": "\xff"}]', "is not UTF-8: byte 10 is 0xFF;"),
    ("a.json", b"[" + b" " * 65_534 + b"\xc4x", "is not UTF-8: byte 65,536 is 0xC4;"),
    ("a.csv", b"PK\x03\x04\x00\x00\n", "is no CSV: it is binary."),
    ("a.csv", gzip.compress(b"id", mtime=0), "is"),
    ("a.json", gzip.compress(b"[]", mtime=0), "is"),
    ("a.csv", b"\n1,2,3\n", "has no column 'omnitron_id', which every customer needs."),
    ("a.csv", b"id,omnitron_id\n1,2\n", "has no column 'email', which every customer needs."),
    (
        "a.csv",
        b"id,emial\n",
        "has a column 'emial', which customers have not; did you mean 'email'",
    ),
    ("a.csv", b"id,email,email,omnitron_id\n", "has 2 columns 'email'."),
    ("a.csv", b"id,email,omnitron_id,\n", "has a column '', which customers have not."),
    ("a.csv", b"email,omnitron_id\n", "has no column id: say by --key what else identifies"),
    ("a.csv", b"\xef\xbb\xbfemail;omnitron_id\n", "has no column id: say by --key"),
    ("a.json", b"12", "is neither a JSON list nor a body of the list service."),
    ("a.json", b"\x89PNG", "is not UTF-8: byte 1 is 0x89;"),
    ("a.json", b'{"detail": "Invalid token."}', 'holds no customers: {"detail": "Invalid token."}'),
    ("a.json", b'{"results": {}}', 'holds no customers: {"results": {}}'),
    ("a.json", b'{"count": 1, "resul', "breaks off, or is no JSON, after 0 whole rows."),
    ("a.xlsx", b"id,email\n", "is no workbook of Excel's, or is damaged."),
    ("a.xlsx", b"PK\x05\x06" + bytes(18), "is no workbook of Excel's, or is damaged."),
    ("a.xlsx", _xlsx([]), "is empty."),
    ("a.xlsx", _xlsx([{"id": 1, "emial": ""}]), "has a column 'emial', which customers have not;"),
    ("a.xlsx", _xlsx([ALI | {"id": 1}])[:-200], "is no workbook of Excel's, or is damaged."),
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
        ("a.json", WHOLE + b"]" + WHOLE + b"]", "does not end after its 1 rows"),
        ("a.json", b'{"results": ' + WHOLE + b", 2", "breaks off, or is no JSON, after 2 whole"),
        ("a.json", WHOLE + b', "' + b"x" * 3_000_000, "breaks off, or is no JSON, after 1 whole"),
        ("a.csv", _csv([ALI | {"id": 1}]) + b'2,"', "cannot be read from line 3 on: unexpected"),
        ("a.csv", _csv([ALI | {"id": 1}]) + b'2,"' + b"x\n" * 99_999, "cannot be read from line 3"),
        ("a.csv", _csv([ALI | {"id": 1}]) + b"x" * 3_000_000, "has a line of more than 1,048,576"),
        ("a.csv", _csv([ALI | {"id": 1}]) + b"\xfe\n", "is not UTF-8: byte"),
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
    assert "Nothing was written. It would be: 1 added" in result.stderr
    assert shop.customers() == []


#: What a row holds beside what it must, and why it is refused.
REFUSED: tuple[tuple[str, str], ...] = (
    ('{"email": null}', "email: Field may not be null."),
    ('{"email": ""}', "email: Not a valid email address."),
    ('{"email": "x"}', "email: Not a valid email address."),
    ('{"email": 5}', "email: Not a valid email address."),
    ('{"email": ["a@b.example"]}', "email: Not a valid email address."),
    ('{"last_name": ["a"]}', "last_name: Not a valid string."),
    ('{"email": "%s@b.example"}' % ("x" * 250), "email: Longer than maximum length 254."),
    ('{"omnitron_id": null}', "omnitron_id: Field may not be null."),
    ('{"omnitron_id": "x"}', "omnitron_id: Enter a whole number."),
    ('{"omnitron_id": 1.5}', "omnitron_id: Enter a whole number."),
    ('{"omnitron_id": true}', "omnitron_id: Enter a whole number."),
    ('{"omnitron_id": NaN}', "omnitron_id: Enter a whole number."),
    ('{"omnitron_id": 1e999}', "omnitron_id: Enter a whole number."),
    ('{"omnitron_id": 2147483648}', "omnitron_id: Must be greater than or equal to -2147483648"),
    ('{"omnitron_id": %s}' % ("9" * 5000), "omnitron_id: Ensure this value is less than"),
    ('{"id": 9223372036854775808}', "id: Ensure this value is less than or equal to 92233720"),
    ('{"id": null}', "id: There is none, nor a --key."),
    ('{"channel": 99}', "channel: There is no channel 99 (--create-channels)."),
    ('{"channel": 9223372036854775808}', "channel: Ensure this value is less than or equal to"),
    ('{"first_name": "a\\u0000b"}', "first_name: Null characters are not allowed."),
    ('{"first_name": "\\ud800"}', "first_name: Enter valid UTF-8 text."),
    ('{"first_name": "%s"}' % ("x" * 256), "first_name: Longer than maximum length 255."),
    ('{"phone_number": 5551112233}', "phone_number: Not a valid string."),
    ('{"created_date": "yesterday"}', "created_date: Not a valid datetime."),
    ('{"created_date": "0000-01-01"}', "created_date: Not a valid datetime."),
    ('{"created_date": "0001-01-01T00:00+14:00"}', "created_date: Not a valid datetime."),
    ('{"modified_date": "10000-01-01"}', "modified_date: Not a valid datetime."),
    ('{"modified_date": 5}', "modified_date: Not a valid datetime."),
    ('{"emial": 1}', "emial: Unknown field."),
    ('{"\\u001b[31m": 1}', "\\x1b[31m: Unknown field."),
    ('{"email": "x", "omnitron_id": "y"}', "email: Not a valid email address."),
)


@pytest.mark.parametrize(("ending", "row_of"), [("jsonl", "line"), ("json", "row")])
def test_a_wrong_value_is_refused_by_its_name(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, ending: str, row_of: str
) -> None:
    monkeypatch.setattr(runs, "NAMED", len(REFUSED))
    rows = [f"{json.dumps(ALI | {'id': -1})[:-1]}, {given[1:]}" for given, _ in REFUSED]
    rows = [json.dumps(ALI | {"id": 1}), *rows, json.dumps(ALI | {"id": 2})]
    content = "\n".join(rows) if ending == "jsonl" else f"[{','.join(rows)}]"
    result = shop.load(f"a.{ending}", content)
    assert result.exit_code == 1
    said = result.stderr.splitlines()
    for number, (line, (_, reason)) in enumerate(zip(said, REFUSED, strict=False), 2):
        place = f"{shop.folder}/a.{ending}, {row_of} {number}: "
        assert line.startswith(place)
        assert reason in line
    assert said[-1] == f"2 added, 0 changed, 0 unchanged, {len(REFUSED)} refused."
    assert [row["id"] for row in shop.customers()] == [1, 2]


NO_ROWS = (
    ("5", "It is no JSON object."),
    ("[]", "It is no JSON object."),
    ('{"id": 2', "It is no JSON: Expecting ',' delimiter"),
    ("[" * 99_999, "It is no JSON: maximum recursion depth exceeded"),
)


def test_a_line_that_is_no_row_is_refused(shop: Shop) -> None:
    lines = [line for line, _ in NO_ROWS]
    content = "\n\n".join([*lines, json.dumps(ALI | {"id": 1})])
    shop.load("a.jsonl", content, "--rejects", shop.folder / "r.jsonl")
    assert len(shop.customers()) == 1
    rejects = [json.loads(it) for it in (shop.folder / "r.jsonl").read_text().splitlines()]
    assert [str(it["row"]) for it in rejects] == lines
    for number, (reject, (_, reason)) in enumerate(zip(rejects, NO_ROWS, strict=True)):
        assert reject["place"] == f"{shop.folder}/a.jsonl, line {2 * number + 1}"
        assert reject["reason"].startswith(reason)


@pytest.mark.parametrize("ending", [".csv", ".xlsx"])
def test_cells_are_taken_as_people_write_them(shop: Shop, ending: str) -> None:
    rows = [
        ALI | {"id": "1", "phone_number": 5551112233, "erp_code": "", "channel": 2.0},
        ALI | {"id": 2, "phone_number": "+905551112233", "channel": None},
        dict.fromkeys(COLUMNS),
    ]
    result = shop.load(f"a{ending}", rows)
    assert result.stderr == "2 added, 0 changed, 0 unchanged, 0 refused.\n"
    one, two = shop.customers()
    assert (one["phone_number"], one["erp_code"], one["channel_id"]) == ("5551112233", None, 2)
    assert (two["phone_number"], two["channel_id"]) == ("+905551112233", None)


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
    right = io.BytesIO(_xlsx([ALI | {"id": 1}]))
    with zipfile.ZipFile(right) as book, zipfile.ZipFile(path, "w") as wrong:
        for name in book.namelist():
            content = book.read(name)
            wrong.writestr(name, content.replace(b'ref="A1:C2"', b'ref="A1:A1"'))
    assert shop("load", path).stderr == "1 added, 0 changed, 0 unchanged, 0 refused.\n"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "windows-1254"])
def test_csv_is_read_as_spreadsheets_write_it(shop: Shop, delimiter: str, encoding: str) -> None:
    text = "id,omnitron_id, email ,first_name\r\n\r\n1,1,a@b.example,Şeyma\r\n1,1,a@b.example,Ğ\r\n"
    content = text.replace(",", delimiter).encode(encoding)
    options = () if encoding.startswith("utf") else ("--encoding", encoding)
    rejects = shop.folder / "r.csv"
    result = shop.load("a.csv", content, *options, "--rejects", rejects)
    [row] = shop.customers()
    assert row["first_name"] == "Şeyma"
    assert "a.csv, line 4: id: The same as in" in result.stderr
    assert f"1{delimiter}1{delimiter}a@b.example{delimiter}Ğ" in rejects.read_text(encoding)


@pytest.mark.parametrize("encoding", ["utf-16", "nonsense", "hex"])
def test_an_encoding_that_is_none_is_a_sentence(shop: Shop, encoding: str) -> None:
    result = shop.load("a.csv", [ALI], "--encoding", encoding)
    assert result.exit_code == 2
    assert f"{encoding!r} is no encoding that ASCII is part of." in result.stderr


def test_rows_with_too_many_or_too_few_cells_are_refused(shop: Shop) -> None:
    result = shop.load("a.csv", "id,omnitron_id,email\n1,1,a@b.example,\n2,2\n3,3,a@b.example\n")
    assert "a.csv, line 2: It has 4 cells and not 3." in result.stderr
    assert "a.csv, line 3: It has 2 cells and not 3." in result.stderr
    assert [row["id"] for row in shop.customers()] == [3]


def test_twenty_refused_rows_are_named_and_the_others_counted(shop: Shop) -> None:
    result = shop.load("a.jsonl", [{"id": it} for it in range(25)])
    lines = result.stderr.splitlines()
    assert len(lines) == 22
    assert lines[20] == "and 5 more rows were refused."
    assert lines[21] == "0 added, 0 changed, 0 unchanged, 25 refused."


@pytest.mark.parametrize(
    ("key", "value"), [("email", "b@c.example"), ("omnitron_id", 77), ("erp_code", "C1")]
)
def test_customers_are_found_by_a_key(shop: Shop, key: str, value: Any) -> None:
    shop.add({"id": 7, "first_name": "Ali", key: value}, {"id": 8}, {"id": 9})
    row = ALI | {"first_name": "Veli", key: value}
    for counts in ("0 added, 1 changed, 0 unchanged", "0 added, 0 changed, 1 unchanged"):
        assert counts in shop.load("a.csv", [row], "--key", key).stderr
    assert [it["first_name"] for it in shop.customers()] == ["Veli", None, None]
    new = row | {key: {"email": "c@d.example", "omnitron_id": 78, "erp_code": "C2"}[key]}
    for counts in ("1 added, 0 changed, 0 unchanged", "0 added, 0 changed, 1 unchanged"):
        assert counts in shop.load("a.csv", [new], "--key", key).stderr


def test_a_key_that_several_customers_have_is_refused(shop: Shop) -> None:
    shop.add({"id": 7}, {"id": 8})
    result = shop.load("a.jsonl", [ALI, {"erp_code": "C1", **ALI}], "--key", "email")
    assert "a.jsonl, line 1: email: 2 customers have it; give the id of one." in result.stderr
    assert "a.jsonl, line 2: email: The same as in" in result.stderr
    assert "2 refused" in result.stderr
    result = shop.load("b.jsonl", [ALI], "--key", "erp_code")
    assert "b.jsonl, line 1: erp_code: There is none, and no id." in result.stderr


def test_a_customer_comes_once_in_all_files(shop: Shop) -> None:
    files = [shop.file(name, [ALI | {"id": 1}]) for name in ("a.jsonl", "b.json")]
    result = shop("load", *files)
    assert f"{files[1]}, row 1: id: The same as in {files[0]}, line 1." in result.stderr
    assert result.stderr.endswith("1 added, 0 changed, 0 unchanged, 1 refused.\n")


def test_what_a_file_does_not_name_stays(shop: Shop) -> None:
    shop.add({"id": 1, "first_name": "Ali", "erp_code": "C1", "channel_id": 1})
    shop.load("a.csv", [ALI | {"id": 1, "first_name": None}])
    [row] = shop.customers()
    assert (row["first_name"], row["erp_code"], row["channel_id"]) == (None, "C1", 1)


def test_dates_are_kept_when_given_and_stamped_when_a_row_changes(shop: Shop) -> None:
    old = datetime(2020, 1, 1, tzinfo=UTC)
    begun = datetime.now(UTC).replace(microsecond=0)
    shop.add(*({"id": it, "created_date": old, "modified_date": old} for it in (1, 2)))
    given = {"id": 3, "created_date": "2021-01-01T03:00:00.000001+03:00", "modified_date": ""}
    rows = [{"id": 1}, {"id": 2, "first_name": "Ali"}, given, {"id": 4, "modified_date": None}]
    shop.load("a.jsonl", [ALI | row for row in rows if row != given])
    shop.load("a.csv", [ALI | given])
    same, changed, dated, new = shop.customers()
    assert (same["created_date"], same["modified_date"]) == (old, old)
    assert changed["created_date"] == old
    assert changed["modified_date"] >= begun
    assert dated["created_date"] == datetime(2021, 1, 1, 0, 0, 0, 1, UTC)
    assert dated["modified_date"] >= begun
    assert min(new["created_date"], new["modified_date"]) >= begun
    for name in ("Ali", "Veli"):
        row = ALI | {"id": 2, "first_name": name, "modified_date": "2022-01-01"}
        assert "1 changed" in shop.load("b.jsonl", [row]).stderr
        assert shop.customers()[1]["modified_date"] == datetime(2022, 1, 1, tzinfo=UTC)


def test_the_last_moment_is_read_in_any_zone(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    shop.add({"id": 1, "created_date": last, "modified_date": last})
    dispose(shop.app)
    with monkeypatch.context() as patch:
        patch.setenv("PGTZ", "Asia/Tokyo")
        for option in ("--dry-run", "--all-or-nothing"):
            assert "1 unchanged" in shop.load("a.jsonl", [ALI | {"id": 1}], option).stderr
        dispose(shop.app)


def test_channels_are_created_when_asked_for(shop: Shop) -> None:
    rows = [ALI | {"id": it, "channel": channel} for it, channel in ((1, 1), (2, 7), (3, 8))]
    refused = shop.load("a.jsonl", rows)
    assert "a.jsonl, line 2: channel: There is no channel 7 (--create-channels)" in refused.stderr
    assert "1 added, 0 changed, 0 unchanged, 2 refused" in refused.stderr
    assert "2 added" in shop.load("a.jsonl", rows, "--create-channels").stderr
    assert [row["channel_id"] for row in shop.customers()] == [1, 7, 8]
    with shop.app.app_context(), db.engine.connect() as connection:
        names = connection.execute(select(Channel.name).where(Channel.id > 4)).scalars().all()
        assert sorted(names) == ["Channel 7", "Channel 8"]


def test_keys_that_the_database_gives_come_after_those_that_were_given(shop: Shop) -> None:
    shop.load(
        "a.jsonl", [ALI | {"id": it, "channel": 90} for it in (500, 300)], "--create-channels"
    )
    with shop.app.app_context():
        customer, channel = Customer(**ALI), Channel(name="x")
        db.session.add_all([customer, channel])
        db.session.commit()
        assert (customer.id, channel.id) == (501, 91)
        db.session.delete(customer)
        db.session.commit()
        db.session.remove()
    shop.load("b.jsonl", [ALI | {"id": 400}])
    shop.load("b.jsonl", [ALI | {"email": "n@e.example"}], "--key", "email")
    assert [row["id"] for row in shop.customers()] == [300, 400, 500, 502]


def test_a_dry_run_says_what_would_be(shop: Shop) -> None:
    shop.add({"id": 1}, {"id": 2})
    before = shop.customers()
    rows = [{"id": 1}, {"id": 2, "first_name": "x"}, {"id": 3, "channel": 9}, {"id": "x"}]
    content = [ALI | row for row in rows]
    options = ("--dry-run", "--create-channels", "--rejects", shop.folder / "r.jsonl")
    result = shop.load("a.jsonl", content, *options)
    assert result.exit_code == 1
    assert result.stderr.endswith(
        "Nothing was written. It would be: 1 added, 1 changed, 1 unchanged, 1 refused.\n"
    )
    assert shop.customers() == before
    assert (shop.folder / "r.jsonl").read_text().count("\n") == 1
    assert shop.load("b.jsonl", content[:1], "--dry-run").exit_code == 0


def test_all_or_nothing_is_nothing_when_a_row_is_refused(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "BATCH_ROWS", 2)
    rows = [ALI | {"id": it} for it in range(1, 6)]
    result = shop.load("a.jsonl", [*rows, {}], "--all-or-nothing")
    assert result.exit_code == 1
    assert "Nothing was written. It would be: 5 added" in result.stderr
    assert shop.customers() == []
    assert shop.load("a.jsonl", rows, "--all-or-nothing").exit_code == 0
    assert len(shop.customers()) == 5


@pytest.mark.parametrize(
    ("ending", "given_back"),
    [(".csv", ".csv"), (".json", ".jsonl"), (".jsonl", ".jsonl"), (".xlsx", ".csv")],
)
def test_refused_rows_can_be_mended_and_loaded(shop: Shop, ending: str, given_back: str) -> None:
    rows = [
        ALI | {"id": 1, "first_name": "=1+1"},
        ALI | {"id": 2, "first_name": "=1+1", "email": "MEND ME"},
        ALI | {"id": 3, "first_name": "Şeyma", "email": "MEND ME"},
    ]
    rejects = shop.folder / f"r{given_back}"
    result = shop.load(f"a{ending}", rows, "--rejects", rejects)
    assert result.exit_code == 1
    assert "1 added, 0 changed, 0 unchanged, 2 refused" in result.stderr
    text = rejects.read_text()
    assert text.count("email: Not a valid email address.") == 2
    assert f"a{ending}, " in text
    assert ("'=1+1" in text) == (given_back == ".csv")
    rejects.write_text(text.replace("MEND ME", "veli@example.com"))
    mended = shop("load", rejects, "--rejects", shop.folder / f"s{given_back}")
    assert mended.stderr == "2 added, 0 changed, 0 unchanged, 0 refused.\n"
    assert [row["email"] for row in shop.customers()] == [
        "ali@example.com",
        *["veli@example.com"] * 2,
    ]
    # Without a guard of its own, a foreign file's text is taken as it is.
    assert [row["first_name"] for row in shop.customers()] == ["=1+1", "=1+1", "Şeyma"]


def test_rejects_go_to_a_file_of_their_own(shop: Shop) -> None:
    rows = shop.file("a.csv", [ALI | {"id": 1}])
    other = shop.file("b.csv", [ALI | {"id": 2, "erp_code": 1}])
    for arguments, message in (
        ([rows, "--rejects", rows], "a.csv is a file to load."),
        ([rows, "--rejects", "r.jsonl"], "Refused rows of these files are .csv, not r.jsonl."),
        ([rows, other, "--rejects", "r.csv"], "The files have not one header"),
        ([rows, "--rejects", "no/where/r.csv"], "no/where/r.csv could not be written: No such"),
    ):
        result = shop("load", *arguments)
        assert result.exit_code != 0
        assert message in result.stderr
        assert shop.customers() == []
    assert rows.read_bytes() == _csv([ALI | {"id": 1}])


def test_standard_input_is_a_file_too(shop: Shop) -> None:
    for number, (ending, written) in enumerate(WRITTEN.items(), 1):
        content = written([ALI | {"id": number}])
        result = shop("load", "-", "--format", ending[1:], input=content)
        assert result.stderr == "1 added, 0 changed, 0 unchanged, 0 refused.\n"
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


def test_an_interrupted_load_leaves_whole_batches(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "BATCH_ROWS", 2)
    rows = [ALI | {"id": it} for it in range(1, 8)]
    check = runs.Checker.check

    def interrupted(self: runs.Checker, row: Any) -> None:
        if row.place == "line 6":
            raise KeyboardInterrupt
        check(self, row)

    with monkeypatch.context() as patch:
        patch.setattr(runs.Checker, "check", interrupted)
        result = shop.load("a.jsonl", rows)
    assert result.exit_code == 130
    assert "Error: Interrupted.\n4 added, 0 changed, 0 unchanged, 0 refused.\n" in result.stderr
    assert "run it again to load the rest" in result.stderr
    assert [row["id"] for row in shop.customers()] == [1, 2, 3, 4]
    assert "3 added, 0 changed, 4 unchanged" in shop.load("a.jsonl", rows).stderr


def test_a_database_that_refuses_is_a_sentence(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "BATCH_ROWS", 2)
    rows = [ALI | {"id": it} for it in (1, 2, 3)]
    with shop.app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("CREATE UNIQUE INDEX once ON customers (email)")
    rows[0]["email"] = "veli@example.com"
    rows[2]["email"] = "veli@example.com"
    result = shop.load("a.jsonl", rows)
    with shop.app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("DROP INDEX once")
    assert result.exit_code == 1
    assert "Error: The database did not take it: " in result.stderr
    assert "2 added" in result.stderr
    assert [row["id"] for row in shop.customers()] == [1, 2]


def test_a_full_disk_leaves_whole_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "BATCH_ROWS", 100)
    shop = Shop(make_app(f"sqlite:///{tmp_path}/full.sqlite3", []), tmp_path)
    with shop.app.app_context():
        engine = db.engine
    engine.dispose()

    def limit(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA max_page_count = 100")

    event.listen(engine, "connect", limit)
    rows = [ALI | {"id": it, "first_name": "x" * 99} for it in range(1, 3001)]
    result = shop.load("a.jsonl", rows)
    event.remove(engine, "connect", limit)
    engine.dispose()
    assert result.exit_code == 1
    assert "Error: The database did not take it: database or disk is full.\n" in result.stderr
    loaded = len(shop.customers())
    assert 0 < loaded < 3000
    assert loaded % 100 == 0
    assert f"{loaded:,} added" in result.stderr
    assert f"{3000 - loaded:,} added" in shop("load", tmp_path / "a.jsonl").stderr
    dispose(shop.app)


@pytest.fixture
def far_shop(new_database: Callable[[], str], tmp_path: Path) -> Iterator[Shop]:
    """A shop that commands in processes of their own load into."""
    app = make_app(new_database(), [])
    yield Shop(app, tmp_path)
    dispose(app)


def start(shop: Shop, *arguments: str | Path) -> subprocess.Popen[str]:
    """Start a load in a process of its own."""
    names = {"OMS_DATABASE_URL": shop.app.config["OMS_DATABASE_URL"]}
    environ = os.environ | names | {"OMS_INSTANCE_PATH": str(shop.folder)}
    command = [sys.executable, "-m", "omsflask", "load", *map(str, arguments)]
    return subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_a_load_that_is_killed_again_and_again_ends_equal_to_the_file(far_shop: Shop) -> None:
    rows = [*plausible(60_000)]
    file = far_shop.file("a.csv", customers.CustomerSchema().dump(rows, many=True))
    loaded = [0]
    for _ in range(10):
        with start(far_shop, file) as process:
            enough = loaded[-1] + random.choice([0, runs.BATCH_ROWS])
            while process.poll() is None and len(far_shop.emails()) < enough:
                time.sleep(0.05)
            time.sleep(random.uniform(0, 0.3))
            process.kill()
        loaded.append(len(far_shop.emails()))
        assert loaded[-1] % runs.BATCH_ROWS == 0
    assert loaded == sorted(loaded)
    with start(far_shop, file) as process:
        _, said = process.communicate()
    assert f"{len(rows) - loaded[-1]:,} added, 0 changed, {loaded[-1]:,} unchanged" in said
    assert far_shop.customers() == rows


@pytest.mark.slow
def test_two_loads_at_once_add_nobody_twice(far_shop: Shop) -> None:
    rows = [ALI | {"email": f"ali{it}@example.com"} for it in range(3 * runs.BATCH_ROWS)]
    file = far_shop.file("a.csv", rows)
    with (
        start(far_shop, file, "--key", "email") as one,
        start(far_shop, file, "--key", "email") as two,
    ):
        ends = one.communicate()[1], two.communicate()[1]
    assert all(" 0 changed" in said and " 0 refused" in said for said in ends)
    assert len(far_shop.customers()) == len(rows)


TEXTS = st.one_of(
    st.none(),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12).filter(
        bool
    ),
    st.sampled_from(
        ["=1+1", "'=1+1", "''@x", "'", "+905551112233", "+1+1", "-", "'-5", "a,b", 'a"b', " x ",
         "\r", "a\r\nb", "\n", "\t", "_x0041_", "_x005F_x0041_", "\x01", "\ufffe", "null", "NaN",
         "#N/A", "0123", "1e5", "TRUE", "2026-01-31", "😀" * 40, "İıŞş", "\ufeff", "\x1a", "\x85"]
    ),
)  # fmt: skip
#: To fifths of a millisecond: how one is rounded that lies between two is Excel's affair.
MOMENTS = st.datetimes(timezones=st.just(UTC)).map(
    lambda it: it.replace(microsecond=it.microsecond // 200 * 200)
)
CUSTOMERS = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.integers(1, 2**53),
            "created_date": MOMENTS,
            "modified_date": MOMENTS,
            "omnitron_id": st.integers(-(2**31), 2**31 - 1),
            "email": st.sampled_from(
                ["a@b.example", "x+y@z.example", "'a'@b.example", "=1@b.example"]
            ),
            **dict.fromkeys(("first_name", "last_name", "phone_number"), TEXTS),
            "erp_code": TEXTS,
            "channel_id": st.sampled_from([None, 1, 4]),
        }
    ),
    max_size=20,
    unique_by=lambda row: row["id"],
)


@pytest.mark.parametrize("format_", ["json", "csv", "xlsx"])
def test_what_the_service_gives_it_takes(shop: Shop, format_: str) -> None:
    client = make_client(shop.app)

    @settings(
        max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(CUSTOMERS)
    def holds(rows: list[dict[str, Any]]) -> None:
        shop.empty()
        if rows:
            shop.add(*rows)
        before = shop.customers()
        query = "limit=1000&format=json" if format_ == "json" else f"format={format_}"
        content = client.page(query).data
        shop.empty()
        result = shop.load(f"a.{format_}", content)
        assert result.exit_code == 0, result.stderr
        after = shop.customers()
        if format_ == "xlsx":
            before, after = [*map(_in_milliseconds, before)], [*map(_in_milliseconds, after)]
        assert after == before
        shop.empty()

    holds()


def _in_milliseconds(row: dict[str, Any]) -> dict[str, Any]:
    """Return a customer with what a sheet keeps of its moments."""
    return row | {
        name: round((row[name] - datetime(2000, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))
        for name in ("created_date", "modified_date")
    }


@given(st.text(st.sampled_from("'=+-@1 \t\r\nx"), max_size=6))
def test_every_guard_can_be_undone(text: str) -> None:
    [cell] = guarded([text])
    assert unguarded(cell) == text
    assert cell[:1] not in set("=@\t\r\n")


def test_files_without_a_guard_are_read_without_one(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(shop.app.config, "OMS_CSV_GUARD", False)
    rows = [ALI | {"id": 1, "first_name": "'=1", "last_name": "=1"}]
    shop.add(*rows)
    before = shop.customers()
    file = shop.folder / "a.csv"
    shop("export", file)
    shop.empty()
    shop("load", file)
    assert shop.customers() == before


def test_the_demo_can_be_moved(shop: Shop) -> None:
    shop.add(*published(), *plausible(99, first_id=11))
    before = shop.customers()
    for ending in (".csv", ".xlsx"):
        file = shop.folder / f"a{ending}"
        assert shop("export", file).exit_code == 0
        shop.empty()
        assert "109 added" in shop("load", file).stderr
        assert "109 unchanged" in shop("load", file).stderr
    assert [it["email"] for it in shop.customers()] == [it["email"] for it in before]
