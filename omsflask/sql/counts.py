"""Counts and bookmarks: how many rows a selection has, and which lie behind how many others.

A count is exact until a transaction commits, and is reused until then. On a busy database a cheap
count is made anew. A slow one is kept for a time in proportion to its cost: counting takes a
twentieth of the database's time at most. :mod:`.knowledge` decides whether a count is known.
Otherwise no count is cached.
"""

from __future__ import annotations

from bisect import bisect, insort
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from time import monotonic

from sqlalchemy import Connection, select

from .knowledge import origin, session_of, state
from .selection import Selection

#: A faster count is made anew.
CHEAP_SECONDS = 0.005

#: A count is kept for so many times what it cost.
TTL_FACTOR = 20

#: Cached counts, one for each selection. The least recently used is dropped first.
MAX_COUNTS = 1000

#: Orders of a selection that have bookmarks, bookmarks of each, and characters of one.
MAX_ORDERS, MAX_BOOKMARKS, MAX_LENGTH = 4, 100, 500


class Bookmarks:
    """Cursors of an ordered selection that are known by number, in one state.

    A client that follows page numbers asks for the rows after those of the page before. The
    bookmark of its last row finds them, so that no row is skipped twice.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: dict[Hashable, list[tuple[int, str]]] = {}

    def note(self, order: Hashable, number: int, cursor: str) -> None:
        """Remember that a cursor lies behind the first ``number`` rows."""
        if len(cursor) > MAX_LENGTH:
            return
        with self._lock:
            if order not in self._known and len(self._known) >= MAX_ORDERS:
                self._known.clear()
            known = self._known.setdefault(order, [])
            if len(known) >= MAX_BOOKMARKS:
                del known[::2]
            insort(known, (number, cursor))

    def before(self, order: Hashable, number: int) -> tuple[int, str | None]:
        """Return the last bookmark that is no further than ``number`` rows; else the start."""
        with self._lock:
            known = self._known.get(order, [])
            found = bisect(known, number, key=lambda it: it[0])
            return known[found - 1] if found else (0, None)


@dataclass(frozen=True)
class Count:
    """A number of rows.

    :param state: of the database that it is exact in; none where that cannot be known.
    :param watermark: that it was made for, which may move though nobody commits.
    :param nothing_waits: whether no row waited for the watermark: a later one changes nothing.
    :param until: when it is no longer good in other states, on the monotonic clock.
    :param bookmarks: that are known in the state.
    """

    number: int
    state: str | None = None
    watermark: datetime | None = None
    nothing_waits: bool = False
    until: float = 0.0
    bookmarks: Bookmarks = field(default_factory=Bookmarks)

    def is_exact(self, state: str | None, watermark: datetime | None) -> bool:
        """Whether it is the number of rows in that state, up to that watermark."""
        if state is None or state != self.state:
            return False
        if watermark is None or self.watermark is None or not self.nothing_waits:
            return watermark == self.watermark
        return watermark >= self.watermark

    def is_kept_for(self, state: str | None) -> bool:
        """Whether it is good enough in another state, whoever has committed since.

        The role and the search path must be the same: others may see other rows.
        """
        if state is None or self.state is None or monotonic() >= self.until:
            return False
        return session_of(state) == session_of(self.state)


class Counts:
    """The counts that a list's requests have made of late."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: OrderedDict[Hashable, Count] = OrderedDict()

    def last(self, connection: Connection, selection: Selection) -> Count | None:
        """Return the last count of a selection, if there is one.

        :param connection: of the selection's database.
        """
        key = _key(selection, connection)
        with self._lock:
            count = self._counts.get(key)
            if count is not None:
                self._counts.move_to_end(key)
        return count

    def exact(self, connection: Connection, selection: Selection, seconds: float) -> Count:
        """Return the count in a snapshot: the last one, where nobody has committed since.

        :param connection: reading the snapshot.
        :param seconds: how long at most a count is kept; 0 lets nothing be used again.
        """
        count = self.last(connection, selection) if seconds else None
        if count is not None:
            read = connection.scalar(select(state()))
            if count.is_exact(read, selection.watermark):
                return count
        return self.make(connection, selection, seconds)

    def make(self, connection: Connection, selection: Selection, seconds: float) -> Count:
        """Count a selection.

        :param seconds: how long at most the count is kept; 0 lets nothing be used again.
        """
        key = _key(selection, connection)
        begun = monotonic()
        number, read, is_ordinary, nothing_waits = connection.execute(*selection.counted()).one()
        ended = monotonic()
        if key is None or not is_ordinary:
            self._forget(key)
            return Count(number)
        cost = ended - begun
        until = ended + min(seconds, TTL_FACTOR * cost) if cost > CHEAP_SECONDS else 0.0
        count = Count(number, read, selection.watermark, bool(nothing_waits), until)
        if seconds:
            self._remember(key, count)
        return count

    def _remember(self, key: Hashable, count: Count) -> None:
        with self._lock:
            self._counts[key] = count
            self._counts.move_to_end(key)
            if len(self._counts) > MAX_COUNTS:
                self._counts.popitem(last=False)

    def _forget(self, key: Hashable) -> None:
        with self._lock:
            self._counts.pop(key, None)


def _key(selection: Selection, connection: Connection) -> Hashable:
    """Return what a count belongs to; none where it can belong to one answer only."""
    key = selection.key
    return None if key is None else (origin(selection.database, connection), key)


def version_of(selection: Selection, connection: Connection, count: Count) -> Hashable:
    """Return what changes whenever a row of the selection does; none where that is not known.

    :param count: exact in the snapshot that ``connection`` reads.
    """
    content = None if count.state is None else selection.content
    return content and (origin(selection.database, connection), count.state, *content)
