"""How many rows a selection has, counted no more often than is worth it.

A count is exact for as long as nobody has committed, and is used again. On a busy database a cheap
one is made anew; another is kept for a time in proportion to what it cost, so that not more than a
twentieth of the database's time goes into counting.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from time import monotonic

from sqlalchemy import Connection, Engine, select

from .bookmarks import Places
from .connections import origin, state
from .selection import Selection

#: What takes less is made anew.
CHEAP_SECONDS = 0.005

#: A count is kept for so many times what it cost.
KEPT = 20

#: Of selections; the one that was longest not asked for is forgotten.
MAX_COUNTS = 1000


@dataclass(frozen=True)
class Count:
    """A number of rows.

    :param state: of the database that it is exact in; none where that cannot be known.
    :param horizon: that it was made for, which may move though nobody commits.
    :param nothing_waits: whether no row waited for the horizon: one that moves on changes nothing.
    :param until: when it is no longer good in other states, on the monotonic clock.
    :param places: that are known in the state.
    """

    number: int
    state: str | None = None
    horizon: datetime | None = None
    nothing_waits: bool = False
    until: float = 0.0
    places: Places = field(default_factory=Places)

    def is_exact(self, state: str | None, horizon: datetime | None) -> bool:
        """Whether it is the number of rows in that state, up to that horizon."""
        if state is None or state != self.state:
            return False
        if horizon is None or self.horizon is None or not self.nothing_waits:
            return horizon == self.horizon
        return horizon >= self.horizon

    @property
    def is_kept(self) -> bool:
        """Whether it is good enough, whoever has committed since."""
        return monotonic() < self.until


class Counts:
    """The counts that a process has made of late."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: OrderedDict[Hashable, Count] = OrderedDict()

    def last(
        self, bind: Engine | Connection, connection: Connection, selection: Selection
    ) -> Count | None:
        """Return the last count of a selection, if there is one.

        :param connection: given by ``bind``.
        """
        key = _key(bind, connection, selection)
        with self._lock:
            count = self._counts.get(key)
            if count is not None:
                self._counts.move_to_end(key)
        return count

    def exact(
        self,
        bind: Engine | Connection,
        connection: Connection,
        selection: Selection,
        seconds: float,
    ) -> Count:
        """Return the count in a snapshot: the last one, where nobody has committed since.

        :param connection: given by ``bind``, and reading the snapshot.
        """
        count = self.last(bind, connection, selection) if seconds else None
        if count is not None:
            read = connection.scalar(select(state()))
            if count.is_exact(read, selection.query.horizon):
                return count
        return self.make(bind, connection, selection, seconds)

    def make(
        self,
        bind: Engine | Connection,
        connection: Connection,
        selection: Selection,
        seconds: float,
    ) -> Count:
        """Count a selection.

        :param connection: given by ``bind``.
        :param seconds: how long at most the count is kept; 0 lets nothing be used again.
        """
        key = _key(bind, connection, selection)
        begun = monotonic()
        number, read, nothing_waits = connection.execute(*selection.counted()).one()
        ended = monotonic()
        if key is None:
            return Count(number)
        cost = ended - begun
        until = ended + min(seconds, KEPT * cost) if cost > CHEAP_SECONDS else 0.0
        count = Count(number, read, selection.query.horizon, bool(nothing_waits), until)
        if not seconds:
            return count
        with self._lock:
            self._counts[key] = count
            if len(self._counts) > MAX_COUNTS:
                self._counts.popitem(last=False)
        return count


def _key(bind: Engine | Connection, connection: Connection, selection: Selection) -> Hashable:
    """Return what a count belongs to; none where it can belong to one answer only."""
    whose = origin(bind, connection)
    return None if whose is None else (bind, whose, selection.key(bind.dialect))
