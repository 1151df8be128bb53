"""What an engine's writer gives."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

from ...declarations.cells import Cell, iso8601


@dataclass(frozen=True)
class Dump:
    """A selection's rows, as text, null being nothing.

    :param batches: some rows at a time.
    :param before: the byte before each text.
    :param behind: the bytes of which one is behind each text.
    :param end: what ends each row of a batch, and is nowhere else in it.
    :param lines: makes CSV of a batch; none where a cell needs quotes, or is best looked at alone.
    :param cells: splits a row, without its end, into the cells' texts.
    """

    batches: Generator[bytes]
    before: bytes
    behind: bytes
    end: bytes
    lines: Callable[[bytes], bytes | None]
    cells: Callable[[bytes], list[str]]


def is_moment(cell: Cell) -> bool:
    """Whether a cell shows a moment, whose text the writers make faster than SQL does."""
    return isinstance(cell.shown, iso8601)


def moment(day: str, time: str) -> str:
    """Return a moment as it is shown.

    :param day: nothing where there is no moment.
    :param time: with as much of its fraction as was stored.
    """
    return day and f"{day}T{time[:8]}.{time[9:15]:0<6}Z"
