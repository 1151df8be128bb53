"""Whole selections as files: one snapshot, counted, read in batches, closed in every ending."""

from __future__ import annotations

from collections.abc import Generator, Hashable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from threading import Lock

from sqlalchemy import Connection, Engine

from ..declarations.cells import Cell, Row
from ..errors import Unavailable
from .bulk import Dump, dump
from .connections import driver_errors, origin, snapshot
from .counts import Counts
from .selection import Selection

BATCH_ROWS = 1000


class Export:
    """An open export, counted but not yet read: a :class:`~omsflask.renderers.table.Table`.

    Whoever makes one closes it. All is read from one snapshot, by a connection of its own.

    :param counts: that the app has made of late.
    :param kept_seconds: how long at most one is kept.
    :ivar count: the number of rows.
    :ivar selected: what tells the selection from every other one.
    :ivar state: of the database, a text; none where it cannot be known.
    """

    count: int
    selected: Hashable
    state: str | None

    def __init__(
        self,
        bind: Engine | Connection,
        selection: Selection,
        counts: Counts | None = None,
        kept_seconds: float = 0.0,
    ) -> None:
        self._open = ExitStack()
        self._listing = selection.listing
        self._statement = selection.rows
        self._key = selection.listing.key if selection.is_whole else None
        self.selected = selection.key(bind.dialect)
        try:
            self._connection = self._open.enter_context(snapshot(bind, whole=True))
            count = (counts or Counts()).exact(bind, self._connection, selection, kept_seconds)
            self.count = count.number
            whose = origin(bind, self._connection)
            self.state = None if count.state is None else f"{whose}-{count.state}"
        except BaseException:
            self.close()
            raise

    @property
    def title(self) -> str:
        """What a sheet is called."""
        return self._listing.service.resource

    @property
    def cells(self) -> Sequence[Cell]:
        """The columns, in order."""
        return self._listing.cells

    def batches(self) -> Iterator[Sequence[Row]]:
        """Yield the rows, some at a time, as values."""
        result = self._connection.execution_options(yield_per=BATCH_ROWS).execute(self._statement)
        self._open.callback(result.close)
        return map(self._listing.shown, result.partitions())

    def dump(self) -> Dump | None:
        """Return the rows as the engine writes them, where it can."""
        rows = dump(self._connection, self._statement, self.cells, self._key)
        if rows is not None:
            rows = replace(rows, batches=self._watched(rows.batches))
            self._open.callback(rows.batches.close)
        return rows

    def _watched(self, batches: Generator[bytes]) -> Generator[bytes]:
        with driver_errors(self._connection):
            yield from batches

    def close(self) -> None:
        """Give the connection back, whether all was read or not."""
        self._open.close()


class Slots:
    """How many exports run in this process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._taken = 0

    def take(self, most: int) -> None:
        """Take a slot, to be given back.

        :raises Unavailable: when ``most`` are taken.
        """
        with self._lock:
            if self._taken >= most:
                raise Unavailable("Too many exports are running. Try again shortly.", retry_after=5)
            self._taken += 1

    def give_back(self) -> None:
        """Give a slot back."""
        with self._lock:
            self._taken -= 1
