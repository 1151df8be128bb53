"""Whole selections as files: one snapshot, counted, read in batches, closed in every ending."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Hashable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from threading import Lock

from ..declarations.cells import Cell, Row
from ..errors import Unavailable
from .bulk import BulkText, bulk_text
from .connections import driver_errors
from .counts import Counts, version_of
from .selection import Selection

BATCH_ROWS = 1000


class Export:
    """An open export, counted but not yet read: a :class:`~omsflask.renderers.table.Table`.

    The caller closes it. All rows come from one snapshot, by a connection of its own.

    :param counts: that the list's requests have made of late.
    :param kept_seconds: how long at most one is kept.
    :ivar count: the number of rows.
    :ivar version: changes whenever a row does; none where that cannot be known.
    :ivar on_rows: called with the number of rows of each batch that was read.
    """

    on_rows: Callable[[int], object] | None = None
    count: int
    version: Hashable

    def __init__(
        self,
        selection: Selection,
        counts: Counts | None = None,
        kept_seconds: float = 0.0,
    ) -> None:
        self._open = ExitStack()
        self._selection = selection
        self._statement = selection.rows
        try:
            self._connection = self._open.enter_context(selection.database.snapshot(whole=True))
            count = (counts or Counts()).exact(self._connection, selection, kept_seconds)
            self.count = count.number
            self.version = version_of(selection, self._connection, count)
        except BaseException:
            self.close()
            raise

    @property
    def title(self) -> str:
        """The name of the sheet."""
        return self._selection.listing.service.resource

    @property
    def cells(self) -> Sequence[Cell]:
        """The columns, in order."""
        return self._selection.source.cells

    def batches(self) -> Iterator[Sequence[Row]]:
        """Yield the rows, some at a time, as values."""
        options = {"yield_per": BATCH_ROWS}
        result = self._connection.execute(self._statement, execution_options=options)
        self._open.callback(result.close)
        for rows in result.partitions():
            yield self._selection.listing.shown(rows)
            if self.on_rows:
                self.on_rows(len(rows))

    def bulk_text(self) -> BulkText | None:
        """Return the rows as the engine writes them, where it can."""
        if not self._selection.is_sent_as_compiled:
            return None
        key = self._selection.listing.key if self._selection.is_whole else None
        rows = bulk_text(self._connection, self._statement, self.cells, key)
        if rows is not None:
            rows = replace(rows, batches=self._watched(rows))
            is_own = self._connection is not self._selection.database.bind
            # A cancelled COPY fails its transaction, which may be the host's: there it is read out.
            self._open.callback(rows.batches.close if is_own else partial(deque, rows.batches, 0))
        return rows

    def _watched(self, rows: BulkText) -> Generator[bytes]:
        with driver_errors(self._connection), closing(rows.batches):
            for batch in rows.batches:
                yield batch
                if self.on_rows:
                    self.on_rows(batch.count(rows.end))

    def close(self) -> None:
        """Give the connection back, whether all was read or not."""
        self._open.close()


class Slots:
    """How many exports run in this process.

    The garbage collector may give a slot back, in the middle of any work of its thread. The lock of
    a semaphore could then wait for itself.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._taken: set[object] = set()

    def take(self, most: int) -> Callable[[], None]:
        """Take a slot, and return what gives it back.

        :raises Unavailable: when ``most`` are taken.
        """
        slot = object()
        with self._lock:
            if len(self._taken) >= most:
                raise Unavailable("Too many exports are running. Try again shortly.", retry_after=5)
            self._taken.add(slot)
        return partial(self._taken.discard, slot)
