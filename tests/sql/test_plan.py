"""Plans and cuts: which rows a page is made of, without a connection."""

from typing import Any

import pytest
from sqlalchemy import Integer

from omsflask.errors import InvalidPage
from omsflask.sql.cursors import Cursor
from omsflask.sql.plan import Known, Plan, Position, Shape, Slice, cut, plan, plan_after
from omsflask.sql.query import LAST, NO_PAGE, Query

BOOKMARK: Position = [(1900, Integer())]
ORDER, KEYS, SORTED = Shape.IN_ORDER, Shape.KEYS_FIRST, Shape.SORTED


def query(**given: Any) -> Query:
    return Query(order=(), **given)


PLANS = [
    # The page, what is known, and the slice, the shape, the page's number and what follows.
    ({}, Known(50), Slice(11), ORDER, 1, None),
    ({"number": 3}, Known(50), Slice(11, 20), ORDER, 3, None),
    ({"number": 3, "limit": 7}, Known(50), Slice(8, 14), ORDER, 3, None),
    ({"number": LAST}, Known(50), Slice(11, 40), ORDER, 5, None),
    ({"number": LAST}, Known(0), Slice(11), ORDER, 1, None),
    ({"number": 3}, Known(50, may_sort=True), Slice(11, 20), SORTED, 3, None),
    ({"number": 3}, Known(1001, may_sort=True), Slice(11, 20), ORDER, 3, None),
    ({"number": 201}, Known(9000), Slice(11, 2000), KEYS, 201, None),
    ({"number": 201}, Known(9000, is_exact=True), Slice(11, 2000), KEYS, 201, None),
    (
        {"number": 201},
        Known(9000, True, 1990, BOOKMARK),
        Slice(11, 10, BOOKMARK),
        ORDER,
        201,
        None,
    ),
    ({"number": 201}, Known(2015, True), Slice(10, 5, backward=True), ORDER, 201, True),
    ({"number": 202}, Known(2015, True), Slice(5, 0, backward=True), ORDER, 202, False),
    ({"number": LAST}, Known(2015, True), Slice(5, 0, backward=True), ORDER, 202, False),
    ({"number": 202}, Known(2015), Slice(11, 2010), KEYS, 202, None),
    ({"number": 999}, Known(50, True), Slice(11, 9980), KEYS, 999, None),
]


@pytest.mark.parametrize(("asked", "known", "rows", "shape", "number", "follows"), PLANS)
def test_a_page_is_planned(
    asked: dict[str, Any],
    known: Known,
    rows: Slice,
    shape: Shape,
    number: int,
    follows: bool | None,
) -> None:
    assert plan(query(**asked), known) == Plan(rows, shape, number, known.total, follows)


@pytest.mark.parametrize("number", [NO_PAGE, 10**18])
def test_there_is_no_such_page(number: int) -> None:
    with pytest.raises(InvalidPage):
        plan(query(number=number, limit=1000), Known(50))


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize(("may_sort", "total"), [(False, 5), (True, 5), (True, 5000)])
def test_a_page_behind_a_cursor_is_planned(backward: bool, may_sort: bool, total: int) -> None:
    asked = query(cursor=Cursor((7,), backward, total), number=4)
    shape = SORTED if may_sort and total == 5 else ORDER
    rows = Slice(11, after=BOOKMARK, backward=backward)
    known = Known(total, may_sort=may_sort)
    assert plan_after(asked, BOOKMARK, known) == Plan(rows, shape, 4, total)
    with pytest.raises(InvalidPage):
        plan_after(query(cursor=asked.cursor, number=LAST), BOOKMARK, known)


CUTS = [
    # The page, the plan, how many rows were read; the rows that are shown, and the neighbours.
    ({}, Plan(Slice(3), ORDER, 1, 9), 3, [0, 1], True, False),
    ({}, Plan(Slice(3), ORDER, 1, 2), 2, [0, 1], False, False),
    ({}, Plan(Slice(3), ORDER, 1, 0), 0, [], False, False),
    ({}, Plan(Slice(3, 2), ORDER, 2, 9), 3, [0, 1], True, True),
    ({}, Plan(Slice(2, 1, backward=True), ORDER, 4, 9, True), 2, [1, 0], True, True),
    ({}, Plan(Slice(1, backward=True), ORDER, 5, 9, False), 1, [0], False, True),
    ({"cursor": Cursor((), False, 9)}, Plan(Slice(3), ORDER, 2, 9), 3, [0, 1], True, True),
    ({"cursor": Cursor((), False, 9)}, Plan(Slice(3), ORDER, 2, 9), 0, [], False, True),
    (
        {"cursor": Cursor((), True, 9)},
        Plan(Slice(3, backward=True), ORDER, 2, 9),
        3,
        [1, 0],
        True,
        True,
    ),
    (
        {"cursor": Cursor((), True, 9)},
        Plan(Slice(3, backward=True), ORDER, 1, 9),
        2,
        [1, 0],
        True,
        False,
    ),
]


@pytest.mark.parametrize(("asked", "planned", "read", "shown", "follows", "precedes"), CUTS)
def test_rows_are_cut_to_a_page(
    asked: dict[str, Any],
    planned: Plan,
    read: int,
    shown: list[int],
    follows: bool,
    precedes: bool,
) -> None:
    made = cut(planned, query(limit=2, **asked), [*range(read)])
    assert (made.rows, made.has_next, made.has_previous) == (shown, follows, precedes)


def test_a_page_past_the_end_is_none() -> None:
    with pytest.raises(InvalidPage):
        cut(Plan(Slice(3, 4), ORDER, 3, 4), query(limit=2), [])
