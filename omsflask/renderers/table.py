"""What a file is made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..columns import Cell

Row = Sequence[Any]


@dataclass(frozen=True)
class Table:
    """A selection on its way into a file.

    :param title: of the sheet.
    :param cells: the columns, in order.
    :param count: of the rows, counted in the snapshot that they come from.
    :param batches: the rows, some at a time, as they are shown.
    """

    title: str
    cells: Sequence[Cell]
    count: int
    batches: Iterable[Sequence[Row]]

    @property
    def names(self) -> list[str]:
        """The columns' published names."""
        return [cell.name for cell in self.cells]
