"""JSON: the published body, in its order of keys and in UTF-8."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat

import orjson

from ..pagination import Page


def render(names: Sequence[str], page: Page) -> bytes:
    """Return the body of a page.

    :param names: of the cells of a row, in order.
    """
    return orjson.dumps(
        {
            "count": page.count,
            "next": page.next,
            "previous": page.previous,
            "results": [*map(dict, map(zip, repeat(names), page.rows))],
        }
    )
