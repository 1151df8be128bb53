"""JSON: the published body, in its order of keys and in UTF-8."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from ..pagination import Page


def render(names: Sequence[str], page: Page) -> bytes:
    """Return the body of a page."""
    return orjson.dumps(
        {
            "count": page.count,
            "next": page.next,
            "previous": page.previous,
            "results": [dict(zip(names, row, strict=True)) for row in page.rows],
        }
    )
