"""CSV as the service gives it, and as spreadsheets and scripts do."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import IO, Any

from ...renderers.csv import unguarded
from .rows import MAX_ROW, NOTES, Contents, Dialect, Row, Unreadable, too_long
from .texts import MAX_LENGTH, lines

DELIMITERS = ",;\t|"

#: A first line for Excel alone: which delimiter the file has.
SEP = re.compile(r'"?sep=([^\w"\r\n])"?[\r\n]*', re.IGNORECASE)

#: A line in which a cell may be wrong although the row can be read.
DOUBTFUL = re.compile(r'"|\d[eE][+-]\d|#')

MIXED_UP = (
    "Its quotes are mixed up. A cell with a quote in it stands in quotes, and its own are doubled:"
    ' "Ali ""Bey"" Can". Excel writes it so.'
)
#: A cell, and why it is refused. Rows of the service's own may hold texts like the last two.
#: If such a row was refused before, an error may stand for a cell that could not be read.
DOUBTS = (
    (
        re.compile(r"\s*[-+]?\d(?:[.,]\d+)?[eE][-+]\d{2,}\s*", re.ASCII),
        "{} is a number that a spreadsheet cut short; its last digits are lost. In the workbook"
        " that the file was saved from, give the column the number format 0, and save it again.",
    ),
    (
        # As Excel calls it in English, German and Turkish.
        re.compile(r"\s*#(?:N/A|NV|YOK|[^\W_][\w/]*[!?])\s*"),
        "{} is an error of a formula. Mend the formula or clear the cell.",
    ),
    (
        re.compile(r"[^\r\n]*[\r\n].*", re.DOTALL),
        "It has a line end in it. Either a quote is missing or misplaced, or the cell has several"
        " lines: in Excel, replace Ctrl+J by a blank.",
    ),
)

#: A moment as the service writes it.
MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"


def read(file: IO[bytes], encoding: str, guarded: bool, names: Sequence[str] = ()) -> Contents:
    """Read the header, and then the rows as they are asked for.

    :param guarded: whether texts have the guard of the service's own files.
    :param names: the header of the service's own files.
    """
    text = Lines(lines(file, encoding))
    header, told = _first(text)
    if "\0" in header:
        raise Unreadable("is no CSV: it is binary")
    delimiter = told or max(DELIMITERS, key=header.count)
    reader = csv.reader(chain([header], text), delimiter=delimiter, strict=True)
    columns = [name.strip() for name in _header(reader)]
    table = Table.of(columns, Dialect(delimiter, encoding, guarded), names)
    return Contents(table.rows(reader, text), table.names, table.dialect)


class Lines:
    """The lines of a text, counted, and those of the row that is being read."""

    def __init__(self, texts: Iterator[str]) -> None:
        self._texts = texts
        self.number = 0
        self.row: list[str] = []
        self.size = 0

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        line = next(self._texts)
        self.number += 1
        self.row.append(line)
        self.size += len(line)
        if self.size > MAX_LENGTH:
            first = self.number - len(self.row) + 1
            raise Unreadable(f"has a row of more than {MAX_LENGTH:,} characters in line {first}")
        return line

    def begin(self) -> None:
        """Begin a row."""
        self.row.clear()
        self.size = 0


def _first(text: Lines) -> tuple[str, str]:
    """Return the first line that holds something, and the delimiter that a line before it tells."""
    told = ""
    for line in text:
        if text.number == 1 and (match := SEP.fullmatch(line)):
            told = match[1]
        elif line.strip(DELIMITERS + told + ' "\r\n'):
            return line, told
        text.begin()
    return "", told


def _header(reader: Any) -> list[str]:
    try:
        cells: list[str] = next(reader, [])
    except csv.Error as error:
        raise Unreadable(f"has a header that cannot be read: {error}") from None
    return cells


@dataclass(frozen=True)
class Table:
    """Facts about all rows of a file.

    :param places: where a row has the cells that are named.
    :param width: how many cells it has; those behind the last name are empty.
    :param own: how a row of the service's own begins, in such a file.
    :param own_doubts: why a cell of such a row is refused.
    """

    names: tuple[str, ...]
    places: tuple[int, ...]
    columns: int
    width: int
    dialect: Dialect
    quoted: re.Pattern[str]
    own: re.Pattern[str] | None
    own_doubts: Sequence[tuple[re.Pattern[str], str]]

    @classmethod
    def of(cls, columns: list[str], dialect: Dialect, own: Sequence[str]) -> Table:
        """Return the table with a header. A delimiter may stand behind the last name."""
        width = len(columns)
        while columns and not columns[-1]:
            columns.pop()
        places = tuple(place for place, name in enumerate(columns) if name not in NOTES)
        names = tuple(columns[place] for place in places)
        by = re.escape(dialect.delimiter)
        cell = rf'(?:"(?:[^"]++|"")*+"|[^"{by}\r\n]*+)'
        return cls(
            names,
            places,
            len(columns),
            width,
            dialect,
            re.compile(rf"{cell}(?:{by}{cell})*+[\r\n]*"),
            re.compile(rf"\d+{by}{MOMENT}{by}{MOMENT}{by}") if names == tuple(own) else None,
            DOUBTS[:1] if len(names) == len(columns) else DOUBTS[:2],
        )

    def rows(self, reader: Any, text: Lines) -> Iterator[Row]:
        """Yield the rows that ``reader`` makes of ``text``."""
        while True:
            text.begin()
            first = text.number + 1
            try:
                cells = next(reader, None)
            except csv.Error as error:
                if "expected after" not in str(error):
                    raise Unreadable(
                        f"cannot be read from line {first} on: a quote there is never closed"
                    ) from None
                yield Row(_place(first, text.number), [*text.row], {}, MIXED_UP)
                continue
            if cells is None:
                return
            if text.size > MAX_ROW:
                yield too_long(_place(first, text.number), [text.row[0][:100]])
            elif any(cells):
                yield self._row(_place(first, text.number), cells, text.row)

    def _row(self, place: str, cells: list[str], lines: list[str]) -> Row:
        text = lines[0] if len(lines) == 1 else "".join(lines)
        if self.dialect.guarded and "'" in text:
            cells = [unguarded(cell) for cell in cells]
        if len(cells) != self.width or any(cells[self.columns :]):
            return Row(place, cells, {}, f"It has {len(cells)} cells and not {self.width}.")
        raw = cells if len(self.places) == self.width else [cells[place] for place in self.places]
        reason = ""
        if len(lines) > 1 or _is_doubtful(text):
            reason = self._doubt(raw, text)
        values = {name: cell or None for name, cell in zip(self.names, raw, strict=True)}
        return Row(place, raw, {} if reason else values, reason)

    def _doubt(self, cells: list[str], text: str) -> str:
        """Return why a row may differ from what its author saw."""
        if not self.quoted.fullmatch(text):
            return MIXED_UP
        doubts = self.own_doubts if self._is_own(text) else DOUBTS
        return " ".join(
            f"{name}: {reason.format(cell.strip()[:40])}"
            for name, cell in zip(self.names, cells, strict=True)
            for pattern, reason in doubts
            if pattern.fullmatch(cell)
        )

    def _is_own(self, text: str) -> bool:
        """Whether the service wrote this row, and no quote has swallowed another one."""
        return bool(self.own and len(self.own.findall(text)) == 1 and text.endswith("\r\n"))


def _is_doubtful(text: str) -> bool:
    # Five times as fast as the pattern alone, which most lines do not need.
    marked = '"' in text or "#" in text or "E+" in text or "E-" in text
    return (marked or "e+" in text or "e-" in text) and bool(DOUBTFUL.search(text))


def _place(first: int, last: int) -> str:
    return f"line {first}" if first >= last else f"lines {first} to {last}"
