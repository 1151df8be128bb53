"""A spreadsheet by xlsxwriter: text as text, numbers as numbers, moments as Excel's dates."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import Any

import xlsxwriter

from .table import Table


def stream(table: Table, config: Mapping[str, Any]) -> Iterator[bytes]:
    """Yield the file."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        sheet = book.add_worksheet(table.title)
        sheet.write_row(0, 0, [cell.name for cell in table.cells], book.add_format({"bold": True}))
        number = 0
        for batch in table.batches():
            for row in batch:
                number += 1
                for column, value in enumerate(row):
                    if isinstance(value, str):
                        sheet.write_string(number, column, value)
                    elif value is not None:
                        sheet.write_number(number, column, value)
    yield buffer.getvalue()
