"""Stretches: which rows of an ordered selection a page is made of."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, BindParameter, Integer, Select, bindparam

from ..declarations.cells import Kind

#: From here on a page's keys are found first.
DEEP_OFFSET = 1000

#: A value to compare with, as its SQL type takes it.
Bound = tuple[Any, Kind]

#: What a row holds in the columns of an order; null is none.
Place = Sequence[Bound | None]


@dataclass(frozen=True)
class Stretch:
    """Some rows of an ordered selection.

    :param limit: how many at most.
    :param offset: how many to pass over from the start, the place or, backward, the end.
    :param place: what they lie behind.
    :param backward: whether they are counted from the end.
    :param few: whether the selection is such as :meth:`Selection.is_few` says.
    :param lazily: whether to make nothing of a row that is passed over, where the engine would.
    """

    limit: int
    offset: int = 0
    place: Place | None = None
    backward: bool = False
    few: bool = False
    lazily: bool = False

    @property
    def shape(self) -> Hashable:
        """What its statement is built for."""
        nulls = None if self.place is None else tuple(held is None for held in self.place)
        return nulls, self.backward, self.few, self.lazily, self.offset > 0, self.is_deep

    @property
    def is_deep(self) -> bool:
        """Whether keys are found first, in an index alone, and their rows by them."""
        return self.offset >= DEEP_OFFSET

    @property
    def values(self) -> dict[str, Any]:
        """The values of its statement, by the names of the parameters."""
        values = {"oms_limit": self.limit, "oms_offset": self.offset}
        return values | {f"oms_place_{i}": it[0] for i, it in enumerate(self.place or ()) if it}

    def bounds(self) -> Iterator[BindParameter[Any] | None]:
        """Yield what the place is compared with."""
        for i, held in enumerate(self.place or ()):
            yield None if held is None else bindparam(f"oms_place_{i}", held[0], type_=held[1])

    def cut(self, statement: Select[Any]) -> Select[Any]:
        """Return an ordered statement's limit and offset."""
        limit = bindparam("oms_limit", self.limit, type_=Integer)
        if not self.offset:
            return statement.limit(limit)
        # 64 bits, which a driver's 32 for an Integer would not hold.
        offset = bindparam("oms_offset", self.offset, type_=BigInteger)
        return statement.limit(limit).offset(offset)
