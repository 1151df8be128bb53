"""A spreadsheet: the workbook is xlsxwriter's, its rows are put in as they come.

xlsxwriter makes a small workbook that has everything but the rows: the parts, the formats, the
header, a row to copy the cells' formats from. The workbook is sent piece by piece, and the rows of
each sheet are made and compressed on the way. No file is written, and the first bytes leave at
once.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from ..declarations.cells import Cell, Row
from .table import Table
from .xlsx_cells import WRITERS, rows

#: Below the header, in Excel's 1,048,576 rows.
ROWS_A_SHEET = 2**20 - 1

#: Level 6 makes the file a fifth smaller and takes half as long again.
COMPRESSION_LEVEL = 1

BATCH_ROWS = 500

#: Largest length of a sheet's title, in UTF-16 units.
MAX_TITLE = 31

#: How Excel shows the numbers of a column, by what the field type's cells are.
FORMATS = {"datetime": "yyyy-mm-dd hh:mm:ss", "date": "yyyy-mm-dd"}


def stream(table: Table, config: Mapping[str, Any]) -> Generator[bytes]:
    """Yield the file."""
    skeleton = zipfile.ZipFile(io.BytesIO(_skeleton(table)))
    remaining = chain.from_iterable(table.batches())
    # Early errors come before the first piece.
    remaining = chain([*islice(remaining, 1)], remaining)
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION_LEVEL) as book:
        for part in skeleton.namelist():
            with book.open(part, "w") as target:
                for piece in _part(part, skeleton.read(part), table.cells, remaining):
                    target.write(piece)
                    yield sink.drained()
    yield sink.drained()


def _part(
    name: str, content: bytes, cells: Sequence[Cell], remaining: Iterator[Row]
) -> Iterator[bytes]:
    if not name.startswith("xl/worksheets/"):
        yield content
        return
    head, formats, tail = _split(content)
    yield head
    for xml in _rows(cells, formats, islice(remaining, ROWS_A_SHEET)):
        yield xml.encode()
    yield tail


def _rows(
    cells: Sequence[Cell], formats: Mapping[str, str], remaining: Iterator[Row]
) -> Iterator[str]:
    names = map(xl_col_to_name, range(len(cells)))
    columns = [
        (WRITERS[cell.type.cell], name, formats.get(name, ""))
        for cell, name in zip(cells, names, strict=True)
    ]
    first = 2
    while batch := list(islice(remaining, BATCH_ROWS)):
        yield rows(columns, batch, first)
        first += len(batch)


def _skeleton(table: Table) -> bytes:
    """Return a workbook with all sheets, and in each the header and one row of bare formats."""
    buffer = io.BytesIO()
    sheets = max(1, -(-table.count // ROWS_A_SHEET))
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        header = book.add_format({"bold": True})
        formats = {cell: book.add_format({"num_format": it}) for cell, it in FORMATS.items()}
        for number in range(sheets):
            sheet = book.add_worksheet(_title(table.title, number))
            sheet.freeze_panes(1, 0)
            last = min(table.count - number * ROWS_A_SHEET, ROWS_A_SHEET)
            sheet.autofilter(0, 0, last, len(table.cells) - 1)
            for column, cell in enumerate(table.cells):
                sheet.set_column(column, column, cell.type.width)
                sheet.write_string(0, column, cell.name, header)
                if cell.type.cell in formats:
                    sheet.write_number(1, column, 1, formats[cell.type.cell])
    return buffer.getvalue()


def _title(name: str, number: int) -> str:
    """Return what a sheet is called. Excel keeps "History" for itself, and takes 31 characters."""
    ending = f" {number + 1}" if number or name.casefold() == "history" else ""
    characters = name.encode("utf-16-le")[: 2 * (MAX_TITLE - len(ending))]
    return characters.decode("utf-16-le", errors="ignore") + ending


def _split(content: bytes) -> tuple[bytes, dict[str, str], bytes]:
    """Return a sheet before its rows, the formats of their cells by column, and the rest."""
    head, tail = content.split(b"</sheetData>")
    head, _, sample = head.partition(b'<row r="2"')
    formats = re.findall(r'<c r="([A-Z]+)2"( s="\d+")', sample.decode())
    # The filter covers all rows; xlsxwriter knows of the sample only.
    [whole] = re.findall(rb'<autoFilter ref="([^"]+)"', tail)
    head = re.sub(rb'<dimension ref="[^"]+"', b'<dimension ref="%s"' % whole, head)
    return head, dict(formats), b"</sheetData>" + tail


class _Sink(io.RawIOBase):
    """A stream that a zip file is written to and read from. It cannot seek."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def drained(self) -> bytes:
        """Return what was written since the last time."""
        piece = b"".join(self._pieces)
        self._pieces.clear()
        return piece
