"""The table that a file is written from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..declarations.cells import Cell, Row
from ..sql.bulk import BulkText


class Table(Protocol):
    """A selection on its way into a file; its rows are read once, in one of two ways."""

    @property
    def title(self) -> str:
        """The name of the sheet."""

    @property
    def cells(self) -> Sequence[Cell]:
        """The columns, in order."""

    @property
    def count(self) -> int:
        """The number of rows, counted in the snapshot that they come from."""

    def batches(self) -> Iterator[Sequence[Row]]:
        """Yield the rows, some at a time, as values."""

    def bulk_text(self) -> BulkText | None:
        """Return the rows as the engine writes them, where it can."""


@dataclass(frozen=True)
class ShownPage:
    """A page on its way into a body.

    :param count: the number of rows of the whole selection.
    :param next: the address of the next page, or None; ``previous`` is that of the one before.
    :param results: the rows as JSON objects, for orjson to write; none for a file.
    :param table: the rows as a file takes them; none for JSON.
    """

    count: int
    next: str | None
    previous: str | None
    results: Any = None
    table: PageTable | None = None


@dataclass(frozen=True)
class PageTable:
    """The rows of a page."""

    title: str
    cells: Sequence[Cell]
    rows: Sequence[Row]

    @property
    def count(self) -> int:
        """The number of rows on the page."""
        return len(self.rows)

    def batches(self) -> Iterator[Sequence[Row]]:
        """Yield them all."""
        yield self.rows

    def bulk_text(self) -> None:
        """They are read already."""
        return
