"""Both files as LibreOffice reads them: everybody there, text as text, dates as dates."""

import csv
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest
from conftest import Client

from omsflask.renderers.csv import unguarded

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("soffice") is None, reason="needs LibreOffice Calc"),
]

TEXTS = [
    "=1+1", "@SUM(A1)", "+905551112233", "+1+cmd|'/c calc'!A0", "-5", "-2+3", "'=x", "'quoted",
    "\ttab", "two\nlines", "İıŞşĞğÜüÖöÇç", "00123", "05551112233", "1e5", "2024-01-01", "TRUE",
    "#N/A", "1/2", "https://example.com", "mailto:a@b.example", "a,b;c", 'she said "so"', " before",
    "after ", "_x0041_", "😀🎉", "null", "12345678901234567890", "x" * 255,
]  # fmt: skip

#: Separated by commas, quoted by ", in UTF-8, from the first line on. Which columns are text a CSV
#: cannot say, and whoever opens one does: here the sixth.
READ = "CSV:44,34,76,1"
READ_AS_TEXT = f"{READ},6/2"

#: As stored, and not as shown.
WRITTEN = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,false,false,false,-1"
FORMULA = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}formula"
KIND = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}value-type"


@pytest.fixture
def everybody(new_client: Callable[..., Client]) -> Client:
    return new_client(
        [
            {
                "created_date": datetime(2024, 2, 29, 23, 59, 58, 123456, UTC),
                "modified_date": datetime(2024, 12, 31, 0, 0, 1, 0, UTC),
                "omnitron_id": number,
                "email": f"{number}@example.com",
                "first_name": text,
                "phone_number": text[:128],
            }
            for number, text in enumerate(TEXTS, 1)
        ]
    )


def convert(file: Path, target: str, read: str = READ) -> Path:
    """Return what LibreOffice makes of a file.

    :param read: how, where it is a CSV.
    """
    folder = file.parent / "converted"
    profile = f"-env:UserInstallation=file://{file.parent}/profile"
    command = ["soffice", profile, "--headless", "--convert-to", target, "--outdir", str(folder)]
    if file.suffix == ".csv":
        command.append(f"--infilter={read}")
    subprocess.run([*command, str(file)], check=True, capture_output=True, timeout=120)
    (made,) = folder.glob(f"*.{target.partition(':')[0]}")
    return made


def download(client: Client, name: str, folder: Path) -> Path:
    file = folder / f"customers.{name}"
    file.write_bytes(client.page(f"format={name}").data)
    return file


def table(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as lines:
        return [*csv.DictReader(lines)]


@pytest.mark.parametrize("name", ["csv", "xlsx"])
def test_libreoffice_reads_everybody_as_text(everybody: Client, tmp_path: Path, name: str) -> None:
    rows = table(convert(download(everybody, name, tmp_path), WRITTEN, READ_AS_TEXT))
    stored = unguarded if name == "csv" else str
    assert [stored(row["first_name"]) for row in rows] == TEXTS
    assert [row["omnitron_id"] for row in rows] == [str(i) for i in range(1, len(TEXTS) + 1)]


@pytest.mark.parametrize("name", ["csv", "xlsx"])
def test_libreoffice_runs_nothing(everybody: Client, tmp_path: Path, name: str) -> None:
    tree = ElementTree.parse(convert(download(everybody, name, tmp_path), "fods"))
    assert not [cell for cell in tree.iter() if FORMULA in cell.attrib]
    assert not [cell for cell in tree.iter() if cell.tag.endswith("}a")]


def test_dates_of_a_spreadsheet_are_dates(everybody: Client, tmp_path: Path) -> None:
    tree = ElementTree.parse(convert(download(everybody, "xlsx", tmp_path), "fods"))
    dates = [cell for cell in tree.iter() if cell.get(KIND) == "date"]
    assert len(dates) == 2 * len(TEXTS)
    shown = {"".join(cell.itertext()).strip() for cell in dates}
    assert shown == {"2024-02-29 23:59:58", "2024-12-31 00:00:01"}
