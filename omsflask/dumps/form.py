"""What an engine's writer gives."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

from ..columns import Cell, iso8601


@dataclass(frozen=True)
class Dump:
    """A selection's rows, as text, null being nothing.

    :param batches: some rows at a time.
    :param marks: the bytes between cells and rows; the first of them stands before every text.
    :param end: what ends each row of a batch, and is nowhere else in it.
    :param lines: makes CSV of a batch; none where a cell needs quotes, or is best looked at alone.
    :param cells: splits a row, without its end, into the cells' texts.
    """

    batches: Generator[bytes]
    marks: bytes
    end: bytes
    lines: Callable[[bytes], bytes | None]
    cells: Callable[[bytes], list[str]]


def is_moment(cell: Cell) -> bool:
    """Whether a cell shows a moment, whose text the writers make faster than SQL does."""
    return isinstance(cell.shown, iso8601)
