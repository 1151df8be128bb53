"""JSON: the published body, in its order of keys and in UTF-8."""

from __future__ import annotations

from typing import Any

import orjson

from ..sql.pagination import Page


def render(page: Page, results: Any) -> bytes:
    """Return the body of a page.

    :param results: its rows, as orjson writes them.
    """
    return orjson.dumps(
        {
            "count": page.count,
            "next": page.next,
            "previous": page.previous,
            "results": results,
        }
    )
