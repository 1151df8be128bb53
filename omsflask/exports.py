"""Whole selections as files: one snapshot, counted, read in batches, closed in every ending."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import chain
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Engine

from .connections import snapshot, state
from .errors import Unavailable
from .ordering import order_by
from .renderers.table import Table
from .services import BoundService, Query

BATCH_ROWS = 1000


class Export:
    """An open export, counted but not yet read. Whoever makes one closes it.

    All is read from one snapshot, by a connection of the export's own.
    """

    def __init__(
        self, bind: Engine | Connection, listing: BoundService, query: Query, holder: Any
    ) -> None:
        self._open = ExitStack()
        self._listing = listing
        self._statement = listing.select(query, holder).order_by(*order_by(listing.steps(query)))
        try:
            self._connection = self._open.enter_context(snapshot(bind))
            self.state = state(self._connection)
            self.count: int = self._connection.scalar(listing.count(query, holder)) or 0
        except BaseException:
            self.close()
            raise

    def table(self) -> Table:
        """Return the rows, whose first batch is read at once, so that errors come early."""
        result = self._connection.execution_options(yield_per=BATCH_ROWS).execute(self._statement)
        batches = result.partitions()
        first = next(batches, [])
        return Table(
            title=self._listing.service.resource,
            cells=self._listing.cells,
            count=self.count,
            batches=map(self._listing.shown, chain([first], batches)),
        )

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
