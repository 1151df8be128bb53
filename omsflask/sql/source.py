"""Source: the rows that a holder may see, before any filter, to select from."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import CompoundSelect, Select, TextualSelect, select

from ..declarations.cells import Cell, cell
from ..declarations.expressions import Expression
from ..declarations.services import BoundService


@dataclass(frozen=True)
class Source:
    """The rows of a list, or what its scope leaves of them.

    :param columns: the SQL values by the attributes that the service names.
    :param cells: what a row shows.
    :param base: selects nothing yet.
    """

    columns: Mapping[str, Expression]
    cells: Sequence[Cell]
    base: Select[Any]

    @cached_property
    def is_json(self) -> bool:
        """Whether SQLite's JSON of a row is what Python would make of it."""
        return all(cell.is_json for cell in self.cells)


def source_of(listing: BoundService, holder: Any) -> Source:
    """Return what ``holder`` may see of a list.

    :raises TypeError: when the scope returns no SELECT of the columns that it was given.
    """
    if listing.scope is not None:
        return _scoped(listing, listing.scope(_rows_of(listing, all_columns=True), holder))
    kept: dict[Hashable, Any] = listing.statements
    if "source" not in kept:
        kept["source"] = Source(listing.columns, listing.cells, _rows_of(listing))
    source: Source = kept["source"]
    return source


def _rows_of(listing: BoundService, *, all_columns: bool = False) -> Select[Any]:
    given = listing.columns.items() if all_columns else ()
    columns = (column.label(name) for name, column in given)
    return select(*columns).select_from(listing.rows).where(*listing.kinds)


def _scoped(listing: BoundService, scoped: object) -> Source:
    """Return what a scope's SELECT leaves, whatever it says of order, limit and groups.

    That is done within, and so before a filter.
    """
    if not isinstance(scoped, Select | CompoundSelect | TextualSelect):
        raise TypeError(f"A scope returns a SELECT, not {scoped!r}.")
    rows = scoped.subquery()
    if missing := sorted(set(listing.columns) - set(rows.c.keys())):
        raise TypeError(f"A scope keeps the columns that it is given: {', '.join(missing)}.")
    columns = {name: rows.c[name] for name in listing.columns}
    attributes = listing.service.attributes
    cells = [cell(it.name, it.field, columns[attributes[it.name]]) for it in listing.cells]
    options = scoped.get_execution_options()
    return Source(columns, cells, select().select_from(rows).execution_options(**options))
