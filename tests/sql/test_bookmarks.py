"""Places: what is known by number, and how much of it is kept."""

from omsflask.sql import bookmarks
from omsflask.sql.bookmarks import Places


def test_the_nearest_place_before_a_number_is_found() -> None:
    known = Places()
    for number in (30, 10, 20):
        known.note("id", number, str(number))
    found = [known.before("id", number) for number in (9, 10, 15, 29, 30, 99)]
    assert found == [(0, None), (10, "10"), (10, "10"), (20, "20"), (30, "30"), (30, "30")]
    assert known.before("-id", 99) == (0, None)


def test_places_do_not_pile_up() -> None:
    known = Places()
    for number in range(10 * bookmarks.MAX_PLACES):
        known.note("id", number, "")
        assert known.before("id", number) == (number, "")
    assert len(known._known["id"]) <= bookmarks.MAX_PLACES
    for order in range(10 * bookmarks.MAX_ORDERS):
        known.note(order, 1, "")
        assert len(known._known) <= bookmarks.MAX_ORDERS
