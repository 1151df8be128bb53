"""Places in an ordered selection that are known by number, for as long as nobody commits.

Whoever follows page numbers asks for rows behind those of the page before. Where these were read
in the same state of the database, the next are found behind the last of them, and no row is passed
over once more.
"""

from __future__ import annotations

from bisect import bisect, insort
from collections.abc import Hashable
from threading import Lock

#: Orders of a selection whose places are known, and places of each.
MAX_ORDERS, MAX_PLACES = 4, 100


class Places:
    """Of one selection, in one state."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: dict[Hashable, list[tuple[int, str]]] = {}

    def note(self, order: Hashable, number: int, cursor: str) -> None:
        """Remember that a cursor lies behind the first ``number`` rows."""
        with self._lock:
            if order not in self._known and len(self._known) >= MAX_ORDERS:
                self._known.clear()
            places = self._known.setdefault(order, [])
            if len(places) >= MAX_PLACES:
                del places[::2]
            insort(places, (number, cursor))

    def before(self, order: Hashable, number: int) -> tuple[int, str | None]:
        """Return the last known place that is no further than ``number`` rows; else the start."""
        with self._lock:
            places = self._known.get(order, [])
            found = bisect(places, number, key=lambda it: it[0])
            return places[found - 1] if found else (0, None)
