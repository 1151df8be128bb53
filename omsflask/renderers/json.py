"""JSON: the published body, in its order of keys and in UTF-8."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .table import ShownPage


def envelope(page: ShownPage) -> Mapping[str, Any]:
    """Return the published body of a page."""
    return {
        "count": page.count,
        "next": page.next,
        "previous": page.previous,
        "results": page.results,
    }
