"""CSV as the service gives it, and as spreadsheets do: by semicolons or tabs, with a mark."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import chain
from typing import IO, Any

from ...renderers.csv import unguarded
from .rows import NOTES, Contents, Dialect, Row, Unreadable
from .texts import lines

DELIMITERS = ",;\t"


def read(file: IO[bytes], encoding: str, guarded: bool) -> Contents:
    """Read the header, and then the rows as they are asked for.

    :param guarded: whether texts have the guard of the service's own files.
    """
    text = lines(file, encoding)
    header = next(text, "")
    if "\0" in header:
        raise Unreadable("is no CSV: it is binary")
    delimiter = max(DELIMITERS, key=header.count)
    reader = csv.reader(chain([header], text), delimiter=delimiter, strict=True)
    columns = [name.strip() for name in next(_safely(reader), [])]
    own = tuple(name for name in columns if name not in NOTES)
    return Contents(_rows(reader, columns, guarded), own, Dialect(delimiter, encoding, guarded))


def _rows(reader: Any, columns: list[str], guarded: bool) -> Iterator[Row]:
    own = [place for place, name in enumerate(columns) if name not in NOTES]
    names = [columns[place] for place in own]
    line = reader.line_num + 1
    for cells in _safely(reader):
        if any(cells):
            yield _row(f"line {line}", cells, columns, own, names, guarded)
        line = reader.line_num + 1


def _row(
    place: str,
    cells: list[str],
    columns: list[str],
    own: list[int],
    names: list[str],
    guarded: bool,
) -> Row:
    if guarded:
        cells = [unguarded(cell) for cell in cells]
    if len(cells) != len(columns):
        return Row(place, cells, {}, f"It has {len(cells)} cells and not {len(columns)}.")
    raw = [cells[place] for place in own]
    return Row(place, raw, {name: cell or None for name, cell in zip(names, raw, strict=True)})


def _safely(reader: Any) -> Iterator[list[str]]:
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise Unreadable(f"cannot be read from line {line} on: {error}") from None
        if cells is None:
            return
        yield cells
