"""Bookmarks: what is known by number, and how much of it is kept."""

from omsflask.sql import counts
from omsflask.sql.counts import Bookmarks


def test_the_nearest_place_before_a_number_is_found() -> None:
    known = Bookmarks()
    for number in (30, 10, 20):
        known.note("id", number, str(number))
    found = [known.before("id", number) for number in (9, 10, 15, 29, 30, 99)]
    assert found == [(0, None), (10, "10"), (10, "10"), (20, "20"), (30, "30"), (30, "30")]
    assert known.before("-id", 99) == (0, None)


def test_bookmarks_do_not_pile_up() -> None:
    known = Bookmarks()
    for number in range(10 * counts.MAX_BOOKMARKS):
        known.note("id", number, "")
        assert known.before("id", number) == (number, "")
    assert len(known._known["id"]) <= counts.MAX_BOOKMARKS
    for order in range(10 * counts.MAX_ORDERS):
        known.note(order, 1, "")
        assert len(known._known) <= counts.MAX_ORDERS


def test_a_long_cursor_is_not_kept() -> None:
    known = Bookmarks()
    known.note("id", 10, "x" * (counts.MAX_LENGTH + 1))
    assert known.before("id", 10) == (0, None)
