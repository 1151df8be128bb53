"""Cells that a merged one covers: they look like the first of them, and hold nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO, NamedTuple

from openpyxl.utils.cell import range_boundaries

from ..rows import Unreadable
from ..texts import PIECE

#: They stand behind all rows, where nothing is left to be refused: the bytes are searched first.
MERGED = re.compile(rb"<(?:[\w.-]+:)?mergeCell\s[^<>]*>")
REFERENCE = re.compile(rb"""\sref\s*=\s*["']([^"']*)["']""")
NAME = b"mergeCell"

#: Longer than an element of them.
MAX_ELEMENT = 1000
MAX_MERGED = 20_000


class Merged(NamedTuple):
    """A range of cells, and the one that is shown."""

    first_row: int
    first_column: int
    last_row: int
    last_column: int
    reference: str

    def covers(self, row: int, column: int) -> bool:
        """Whether a cell is in it, and not the one that is shown."""
        return (
            self.first_row <= row <= self.last_row
            and self.first_column <= column <= self.last_column
            and (row, column) != (self.first_row, self.first_column)
        )


class MergedCells:
    """The merged cells of a sheet, for rows that come in order."""

    def __init__(self, part: IO[bytes]) -> None:
        self._ahead = sorted(_merged(part), reverse=True)
        self._here: list[Merged] = []

    def of(self, row: int) -> list[Merged]:
        """Return those that reach into a row."""
        while self._ahead and self._ahead[-1].first_row <= row:
            self._here.append(self._ahead.pop())
        if self._here:
            self._here = [it for it in self._here if it.last_row >= row]
        return self._here


def _merged(part: IO[bytes]) -> Iterator[Merged]:
    rest, count = b"", 0
    while piece := part.read(PIECE):
        text = rest + piece
        if b"\0" in text:
            raise Unreadable("has a sheet that is not UTF-8")
        if NAME not in text:
            rest = text[-len(NAME) - 64 :]
            continue
        end = 0
        for match in MERGED.finditer(text):
            end = match.end()
            count += 1
            if count > MAX_MERGED:
                raise Unreadable(f"has more than {MAX_MERGED:,} merged cells: unmerge them")
            yield _range(match[0])
        rest = text[max(end, len(text) - MAX_ELEMENT) :]


def _range(element: bytes) -> Merged:
    match = REFERENCE.search(element)
    if match is None:
        raise ValueError(element)
    first_column, first_row, last_column, last_row = range_boundaries(match[1].decode().upper())
    if not (first_column and first_row):
        raise ValueError(element)
    shown = match[1].decode().partition(":")[0].replace("$", "")
    return Merged(first_row, first_column, last_row, last_column, shown)
