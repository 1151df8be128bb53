"""Query: what a request asks of a list, complete. Nothing about it is decided afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import orjson

from ..declarations.filters import Term
from ..declarations.services import ListService
from .cursors import Cursor

#: The numbers of the last page, and of a page that there cannot be.
LAST, NO_PAGE = -1, 0

#: Rows a page where nobody says.
PAGE_SIZE = 10


@dataclass(frozen=True, kw_only=True)
class Query:
    """A request for a list, parsed and checked; made by :meth:`of`.

    :param arguments: the query string as sent, each name with its last value.
    :param filters: by the parameter's name, its value.
    :param order: the whole order; its last term is the key.
    :param path: of the list.
    :param limit: rows a page.
    :param number: of the page: 1 and more, :data:`LAST` or :data:`NO_PAGE`.
    :param cursor: the position that the page lies behind.
    :param format: of the answer, where the request names one.
    :param walks: whether links carry a cursor: the request names its order, or asks for a walk.
    :param is_paged: whether a page was asked for, and not the whole selection.
    """

    arguments: Mapping[str, str] = field(default_factory=dict)
    filters: Mapping[str, Any] = field(default_factory=dict)
    order: tuple[Term, ...]
    path: str = ""
    limit: int = PAGE_SIZE
    number: int = 1
    cursor: Cursor | None = None
    format: str | None = None
    walks: bool = False
    is_paged: bool = False

    @classmethod
    def of(
        cls,
        service: ListService,
        *,
        order: Sequence[Term] = (),
        cursor: str | None = None,
        arguments: Mapping[str, str] | None = None,
        filters: Mapping[str, Any] | None = None,
        **given: Any,
    ) -> Self:
        """Return a query of ``service``.

        :param order: the terms that were asked for; the service's own order where there are none.
        :param cursor: as sent; an empty one asks for links with cursors.
        :raises InvalidParameters: when the cursor belongs to another list, order or selection.
        """
        query = cls(
            arguments=arguments or {},
            filters=filters or {},
            order=whole_order(service, order),
            path=service.path,
            walks=bool(order) or cursor is not None,
            **given,
        )
        if not cursor:
            return query
        return replace(query, cursor=Cursor.decode(cursor, query.binding))

    @cached_property
    def binding(self) -> bytes:
        """The list, order and filters that its cursors belong to."""
        compared = sorted((name, self.arguments.get(name, "")) for name in self.filters)
        return orjson.dumps([self.path, [str(term) for term in self.order], compared])


def whole_order(service: ListService, terms: Sequence[Term]) -> tuple[Term, ...]:
    """Return an order that tells every two rows apart: it ends in the key.

    The key runs in the direction of the term before it, so that an index can serve both.
    """
    ordering = service.filters.ordering
    terms = tuple(terms) or (ordering.default if ordering else ())
    if any(term.name == service.key for term in terms):
        return terms
    return (*terms, Term(service.key, bool(terms) and terms[-1].descending))
