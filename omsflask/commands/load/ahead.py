"""Rows that are read and checked while the database writes those before them."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Item = TypeVar("Item")

#: Items that are made before they are asked for.
AHEAD = 2

END: Any = object()


def ahead(items: Iterator[Item]) -> Generator[Item]:
    """Yield ``items``, which a thread makes."""
    thread = ThreadPoolExecutor(1)
    try:
        coming = deque(thread.submit(next, items, END) for _ in range(AHEAD))
        while (item := coming.popleft().result()) is not END:
            coming.append(thread.submit(next, items, END))
            yield item
    finally:
        thread.shutdown(cancel_futures=True)
