"""JSON: the published body, in its order of keys and in UTF-8."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from ..pagination import Page


def render(names: Sequence[str], page: Page) -> bytes:
    """Return the body of a page.

    :param names: of the cells of a row, in order.
    """
    # Not strict, which takes a third more: a row has its cells from the same declaration.
    return orjson.dumps(
        {
            "count": page.count,
            "next": page.next,
            "previous": page.previous,
            "results": [dict(zip(names, row, strict=False)) for row in page.rows],
        }
    )
