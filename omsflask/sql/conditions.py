"""Conditions: the filters of a query and the watermark as WHERE, with their values."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import BindParameter, Dialect, bindparam, func, null, or_, true
from sqlalchemy.sql.elements import ColumnElement

from ..declarations.comparison import Bound
from ..declarations.expressions import Expression
from ..declarations.parameters import INVALID, REFUSALS, Parameter
from ..declarations.services import BoundService
from ..declarations.values import adapted, compared
from ..errors import InvalidParameters
from . import names
from .query import Query
from .source import Source

#: No current writer stamps a row with a date so far ahead.
FUTURE = timedelta(days=1)


@dataclass(frozen=True)
class Conditions:
    """The conditions that narrow the rows of a source.

    :param watermark: what a row's stamp must not be newer than; none where nothing waits.
    """

    listing: BoundService
    query: Query
    source: Source
    dialect: Dialect
    watermark: datetime | None = None

    @cached_property
    def form(self) -> Hashable:
        """The key of the filters, which are built once for all values."""
        return tuple((name, _form(value)) for name, value in self.query.filters.items())

    @cached_property
    def filtered(self) -> dict[str, Bound]:
        """The values of the filters, by the names of the statement's parameters."""
        bounds: dict[str, Bound] = {}
        for number, (name, value) in enumerate(self.query.filters.items()):
            parameter = self.listing.service.filters.parameters[name]
            if not parameter.lookup.binds:
                continue
            several = value if isinstance(value, list) else [value]
            bound = [self._compared(parameter, it) for it in several]
            if parameter.lookup.expands:
                bounds[names.value(number)] = [it for it, _ in bound], bound[0][1]
            else:
                bounds |= {names.value(number, i): it for i, it in enumerate(bound)}
        return bounds

    def _compared(self, parameter: Parameter, value: Any) -> Bound:
        """Return a filter's value as it is compared with its column.

        :raises InvalidParameters: when the column's type, which may be the host's, refuses it.
        """
        kind = self.source.columns[parameter.column].type
        try:
            prepared = parameter.lookup.prepare(value)
            return compared(kind, prepared, self.dialect, parameter.field)
        except REFUSALS:
            raise InvalidParameters({parameter.name: [INVALID]}) from None

    @cached_property
    def bounds(self) -> dict[str, Bound]:
        """All values, the watermark's among them."""
        if self.watermark is None or self.stamp is None:
            return self.filtered
        return self.filtered | {
            names.WATERMARK: adapted(self.stamp.type, self.watermark),
            names.FUTURE: adapted(self.stamp.type, self.watermark + FUTURE),
        }

    @cached_property
    def stamp(self) -> Expression | None:
        """The SQL of when a row was last changed."""
        if self.listing.stamp is None:
            return None
        return self.source.columns[self.listing.service.attributes[self.listing.service.stamp]]

    def filters(self) -> Iterator[ColumnElement[bool]]:
        """Yield the conditions of the filters."""
        for number, (name, value) in enumerate(self.query.filters.items()):
            parameter = self.listing.service.filters.parameters[name]
            lookup = parameter.lookup
            if lookup.expands:
                value = self._bound(names.value(number))
            elif lookup.binds and isinstance(value, list):
                value = [self._bound(names.value(number, i)) for i in range(len(value))]
            elif lookup.binds:
                value = self._bound(names.value(number, 0))
            yield lookup.compare(self.source.columns[parameter.column], value)

    def all(self) -> Iterator[ColumnElement[bool]]:
        """Yield the conditions of the filters and of the watermark."""
        yield from self.filters()
        if self.stamp is not None and names.WATERMARK in self.bounds:
            # Nobody who still writes can be said to have stamped the others.
            watermark, future = self._bound(names.WATERMARK), self._bound(names.FUTURE)
            yield or_(self.stamp <= watermark, self.stamp > future, self.stamp.is_(None))

    def nothing_waits(self) -> ColumnElement[Any]:
        """Return the SQL of whether no row is newer than the watermark."""
        if self.stamp is None or names.WATERMARK not in self.bounds:
            return null()
        newest = self.source.base.add_columns(func.max(self.stamp)).scalar_subquery()
        return func.coalesce(newest <= self._bound(names.WATERMARK), true())

    def _bound(self, name: str) -> BindParameter[Any]:
        value, kind = self.bounds[name]
        return bindparam(name, value, type_=kind, expanding=isinstance(value, list))


def _form(value: Any) -> Hashable:
    """Return what a statement is built for: not a value, but what kind of one."""
    if isinstance(value, list):
        return "several", type(value[0]).__name__ if value else ""
    return value if isinstance(value, bool) else type(value).__name__
