"""Batches that a thread makes."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from omsflask.commands.load.ahead import AHEAD, ahead


def test_items_come_in_order_and_are_made_before_they_are_wanted() -> None:
    made: list[int] = []

    def make() -> Iterator[int]:
        for number in range(10):
            made.append(number)
            yield number

    with closing(ahead(make())) as items:
        assert next(items) == 0
        until = time.monotonic() + 10
        while len(made) < AHEAD + 1 and time.monotonic() < until:
            time.sleep(0.01)
        assert made == [*range(AHEAD + 1)]
        assert [*items] == [*range(1, 10)]


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_an_error_comes_behind_the_items_before_it(kind: type[BaseException]) -> None:
    def make() -> Iterator[int]:
        yield 1
        raise kind

    items = ahead(make())
    assert next(items) == 1
    with pytest.raises(kind):
        next(items)


def test_no_thread_is_left_when_items_are_left() -> None:
    before = threading.active_count()
    with closing(ahead(iter(range(10)))) as items:
        assert next(items) == 0
    assert threading.active_count() == before
