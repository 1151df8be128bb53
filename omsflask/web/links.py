"""Links: the addresses of a page's neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote_plus

from ..sql.pagination import Neighbour


@dataclass(frozen=True)
class Links:
    """Makes the addresses of pages.

    :param address: absolute, without a query string.
    :param arguments: the request's own; they are kept, sorted by name.
    """

    address: str
    arguments: Mapping[str, str]

    def of(self, page: Neighbour | None) -> str | None:
        """Return the address of a page. The first carries no number, as published."""
        if page is None:
            return None
        written = dict(self._written)
        if page.number > 1:
            written["page"] = f"page={page.number}"
        written.pop("cursor", None)
        if page.cursor is not None:
            written["cursor"] = f"cursor={page.cursor}"
        query = "&".join(written[name] for name in sorted(written))
        return f"{self.address}?{query}".removesuffix("?")

    @cached_property
    def _written(self) -> Mapping[str, str]:
        """The arguments as a query string has them, but for the page's number."""
        return {
            # Bytes that are no UTF-8 go back as they came.
            name: f"{quote_plus(name)}={quote_plus(value, errors='surrogateescape')}"
            for name, value in self.arguments.items()
            if name != "page"
        }
