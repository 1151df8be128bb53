"""A workbook, all its sheets one after the other; every cell as the text that CSV would have."""

from __future__ import annotations

import importlib.util
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import IO, Any
from xml.etree.ElementTree import ParseError

from .rows import NOTES, Contents, Dialect, Row, Unreadable

#: What openpyxl raises where a file is something else, or is damaged.
BROKEN = (
    AttributeError, EOFError, IndexError, KeyError, OSError, ParseError, TypeError, ValueError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip

Sheet = Any


def read(file: IO[bytes], guarded: bool) -> Contents:
    """Read the headers of all sheets, which must be the same, and then the rows."""
    sheets = [sheet for sheet in _sheets(file) if _header(sheet)]
    if not sheets:
        raise Unreadable("is empty")
    columns = _header(sheets[0])
    for sheet in sheets:
        if _header(sheet) != columns:
            raise Unreadable(f"has another header in sheet {sheet.title!r} than in the first")
    own = tuple(name for name in columns if name not in NOTES)
    return Contents(_rows(sheets, columns), own, Dialect(guarded=guarded))


def _sheets(file: IO[bytes]) -> list[Sheet]:
    if importlib.util.find_spec("openpyxl") is None:
        raise Unreadable("needs openpyxl to be read: pip install 'omsflask[load]'")
    from openpyxl import load_workbook  # It is there only where it is wanted.

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Styles that it does not know are nothing to us.
        try:
            sheets: list[Sheet] = load_workbook(file, read_only=True, data_only=True).worksheets
        except BROKEN:
            raise Unreadable("is no workbook of Excel's, or is damaged") from None
    for sheet in sheets:
        sheet.reset_dimensions()  # What a file says of its own size is often wrong.
    return sheets


def _header(sheet: Sheet) -> list[str]:
    cells = [_text(value).strip() for value in next(_values(sheet), ())]
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _rows(sheets: Sequence[Sheet], columns: list[str]) -> Iterator[Row]:
    own = [place for place, name in enumerate(columns) if name not in NOTES]
    for sheet in sheets:
        of = f" of sheet {sheet.title!r}" if len(sheets) > 1 else ""
        for number, values in enumerate(_values(sheet), 1):
            cells = [_text(value) for value in values]
            if number > 1 and any(cells):
                yield _row(f"row {number}{of}", cells, columns, own)


def _row(place: str, cells: list[str], columns: list[str], own: list[int]) -> Row:
    if any(cells[len(columns) :]):
        return Row(place, cells, {}, f"It has cells beyond column {len(columns)}, the last named.")
    cells += [""] * (len(columns) - len(cells))
    raw = [cells[place] for place in own]
    return Row(place, raw, {columns[place]: cells[place] or None for place in own})


def _values(sheet: Sheet) -> Iterator[Sequence[Any]]:
    rows = sheet.iter_rows(values_only=True)
    done = 0
    try:
        for row in rows:
            yield row
            done += 1
    except BROKEN:
        raise Unreadable(f"is damaged after row {done} of sheet {sheet.title!r}") from None


def _text(value: Any) -> str:
    write = TEXTS.get(type(value))
    return str(value) if write is None else write(value)


def _unescaped(text: str) -> str:
    from openpyxl.utils.escape import unescape

    return str(unescape(text)) if "_x" in text else text


#: By the type of a cell's value. Excel keeps moments to the millisecond.
TEXTS: dict[type[Any], Callable[[Any], str]] = {
    type(None): lambda _: "",
    str: _unescaped,
    bool: lambda value: str(value).lower(),
    float: lambda value: str(int(value)) if value.is_integer() else repr(value),
    datetime: datetime.isoformat,
}
