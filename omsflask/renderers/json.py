"""JSON: the published body, in its order of keys and in UTF-8."""

from __future__ import annotations

from typing import Any

import orjson


def render(count: int, following: str | None, before: str | None, results: Any) -> bytes:
    """Return the body of a page.

    :param following: the address of the next page, and ``before`` that of the previous one.
    :param results: the rows, as orjson writes them.
    """
    return orjson.dumps({"count": count, "next": following, "previous": before, "results": results})
