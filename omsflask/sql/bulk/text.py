"""The rows that an engine's writer gives."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass


@dataclass(frozen=True)
class BulkText:
    """A selection's rows as text, where NULL is empty.

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
