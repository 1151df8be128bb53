"""Plan: which rows of an ordered selection a page is made of, and by which way they are found.

Nothing here knows a connection: :func:`plan` chooses, and :func:`cut` makes a page of the rows
that were read.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sqlalchemy import BigInteger, BindParameter, Integer, Select, bindparam

from ..declarations.comparison import Bound
from ..errors import InvalidPage
from .names import LIMIT, OFFSET, position
from .query import LAST, NO_PAGE, Query

#: No engine takes a larger OFFSET, and no table has as many rows.
MAX_OFFSET = 2**63 - 1

#: From here on the keys of a page are found first.
DEEP_OFFSET = 1000

#: Up to this number, rows are found by the filters and then sorted.
MAX_SORTED_ROWS = 1000

#: The values of a row in the columns of an order; NULL is None.
Position = Sequence[Bound | None]


class Shape(Enum):
    """How the rows of a slice are found."""

    #: In the order itself, by an index that has it.
    IN_ORDER = "in order"
    #: Their keys first, in an index alone, and the rows by them.
    KEYS_FIRST = "keys first"
    #: The same, but by the filters, and sorted then: they are few.
    SORTED = "sorted"


@dataclass(frozen=True)
class Slice:
    """Some rows of an ordered selection.

    :param limit: how many at most.
    :param offset: how many to pass over: from the start, the position or, backward, the end.
    :param after: the position that they lie behind.
    :param backward: whether the order is read from its end.
    """

    limit: int
    offset: int = 0
    after: Position | None = None
    backward: bool = False

    @property
    def form(self) -> Hashable:
        """The key of its statement, which is built once for all values."""
        nulls = None if self.after is None else tuple(held is None for held in self.after)
        return nulls, self.backward, self.offset > 0

    @property
    def values(self) -> dict[str, Any]:
        """The values of its statement, by the names of the parameters."""
        values: dict[str, Any] = {LIMIT: self.limit, OFFSET: self.offset}
        return values | {position(i): it[0] for i, it in enumerate(self.after or ()) if it}

    def bounds(self) -> Iterator[BindParameter[Any] | None]:
        """Yield what the position is compared with."""
        for i, held in enumerate(self.after or ()):
            yield None if held is None else bindparam(position(i), held[0], type_=held[1])

    def cut(self, statement: Select[Any]) -> Select[Any]:
        """Return an ordered statement with the limit and the offset."""
        limit = bindparam(LIMIT, self.limit, type_=Integer)
        if not self.offset:
            return statement.limit(limit)
        # 64 bits, which a driver's 32 for an Integer would not hold.
        offset = bindparam(OFFSET, self.offset, type_=BigInteger)
        return statement.limit(limit).offset(offset)


@dataclass(frozen=True)
class Known:
    """Known facts about a selection before its rows are read.

    :param total: the number of rows.
    :param is_exact: whether it is that of the state in which the page is read.
    :param passed: how many rows lie before the nearest bookmark that is no further than the page.
    :param bookmark: the position of that bookmark; none for the start.
    :param may_sort: whether few rows had better be sorted than looked for in their order.
    """

    total: int
    is_exact: bool = False
    passed: int = 0
    bookmark: Position | None = None
    may_sort: bool = False


@dataclass(frozen=True)
class Plan:
    """The rows of a page before they are read.

    :param slice: what is read: one row more than the page has, to see whether there are others.
    :param number: of the page.
    :param total: the number of rows that the page tells.
    :param follows: whether rows come after the page, where that is known before.
    """

    slice: Slice
    shape: Shape
    number: int
    total: int
    follows: bool | None = None


@dataclass(frozen=True)
class Cut:
    """The rows of a page, and whether there are others on either side."""

    rows: Sequence[Any]
    has_next: bool
    has_previous: bool


def offset_of(query: Query, total: int) -> int:
    """Return how many rows lie before the page of a number.

    :raises InvalidPage: when there cannot be one.
    """
    number = max(1, -(-total // query.limit)) if query.number == LAST else query.number
    offset = (number - 1) * query.limit
    if query.number == NO_PAGE or offset > MAX_OFFSET:
        raise InvalidPage
    return offset


def plan_after(query: Query, after: Position, known: Known) -> Plan:
    """Return the plan of a page behind a cursor.

    :param after: what the cursor holds.
    :raises InvalidPage: when the page is not numbered.
    """
    cursor = query.cursor
    if cursor is None or query.number < 1:
        raise InvalidPage
    rows = Slice(query.limit + 1, after=after, backward=cursor.backward)
    shape = Shape.SORTED if known.may_sort and known.total <= MAX_SORTED_ROWS else Shape.IN_ORDER
    return Plan(rows, shape, query.number, known.total)


def plan(query: Query, known: Known) -> Plan:
    """Return the plan of a page that is asked for by its number.

    :raises InvalidPage: when there cannot be one.
    """
    offset = offset_of(query, known.total)
    number = offset // query.limit + 1
    if not (known.is_exact and DEEP_OFFSET <= offset < known.total):
        few = known.may_sort and known.total <= MAX_SORTED_ROWS
        rows = Slice(query.limit + 1, offset)
        return Plan(rows, Shape.SORTED if few else _shape(offset), number, known.total)
    left = known.total - offset
    if left < offset - known.passed:
        passed = max(0, left - query.limit)
        rows = Slice(min(query.limit, left), passed, backward=True)
        return Plan(rows, _shape(passed), number, known.total, follows=left > query.limit)
    rows = Slice(query.limit + 1, offset - known.passed, known.bookmark)
    return Plan(rows, _shape(rows.offset), number, known.total)


def _shape(offset: int) -> Shape:
    return Shape.KEYS_FIRST if offset >= DEEP_OFFSET else Shape.IN_ORDER


def cut(plan: Plan, query: Query, rows: Sequence[Any]) -> Cut:
    """Return what is shown of the rows that were read.

    :raises InvalidPage: when there are none where a page before has some.
    """
    shown, more = rows[: query.limit], len(rows) > query.limit
    if plan.slice.backward:
        shown = shown[::-1]
    if query.cursor is not None:
        return Cut(shown, *((True, more) if plan.slice.backward else (more, True)))
    if plan.number > 1 and not rows:
        raise InvalidPage
    return Cut(shown, more if plan.follows is None else plan.follows, plan.number > 1)
