"""One query of a list by one holder: its statements, each built once for all that are alike.

Queries are alike when they differ in values only. Their statement is built with the first one's
values as parameters with names, and run with the others' under these names.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import (
    BindParameter,
    Dialect,
    Integer,
    Select,
    Table,
    bindparam,
    func,
    null,
    or_,
    select,
    true,
)
from sqlalchemy.sql.elements import ColumnElement

from ..declarations.cells import Expression, adapted, cell
from ..declarations.lookups import LOOKUPS
from ..declarations.services import BoundService, Query
from .connections import state
from .ordering import Step, behind, order_by, reverse, sorted_steps
from .plan import Bound, Stretch
from .row_formats import Form

#: What is dated so much later than now was stamped by nobody who writes now.
FUTURE = timedelta(days=1)

#: Of a list. There are more kinds of queries than these, but nobody asks them all.
MAX_STATEMENTS = 500

#: So many rows may be found by the filters and then sorted, and not looked for in their order.
FEW = 1000


@dataclass(frozen=True)
class Selection:
    """What a query selects from a list, for the holder of a token."""

    listing: BoundService
    query: Query
    holder: Any = None

    def key(self, dialect: Dialect) -> Hashable:
        """Return what tells it from every other selection of its list, whatever the order."""
        if not self.listing.scope:
            # As text, since a host's field may make of a parameter what has no hash.
            return self.listing.service.path, repr(self.query.filters)
        # The horizon moves with the clock; whatever it lets through is another state.
        settled = replace(self, query=replace(self.query, horizon=None))
        compiled = settled.count.compile(dialect=dialect)
        return str(compiled), str(compiled.params)

    @cached_property
    def steps(self) -> list[Step]:
        """The columns of the whole order, each with its direction."""
        return self.listing.steps(self.query)

    def is_few(self, count: int) -> bool:
        """Whether rows are so few that they had better be sorted.

        Not where an index holds them in order: those of exact values in the order of keys, and any
        that only the first column of the order narrows.
        """
        parameters = [self.listing.service.filters.parameters[it] for it in self.query.filters]
        are_exact = all(it.lookup == "exact" for it in parameters)
        if count > FEW or (are_exact and len(self.steps) == 1):
            return False
        return any(self.listing.columns[it.column] is not self.steps[0][0] for it in parameters)

    @property
    def is_whole(self) -> bool:
        """Whether it is all the rows of a table, in the order of its primary key, an integer."""
        rows, query = self.listing.rows, self.query
        if query.filters or query.horizon or self.listing.scope or self.listing.kinds:
            return False
        (column, descending), *others = self.steps
        primary = [*rows.primary_key] if isinstance(rows, Table) else []
        is_key = len(primary) == 1 and primary[0] is column and isinstance(column.type, Integer)
        return is_key and not descending and not others

    @property
    def rows(self) -> Select[Any]:
        """All of it, in order."""
        return self._select(*self._shown).order_by(*order_by(self.steps))

    @property
    def count(self) -> Select[Any]:
        """The number of rows."""
        return self._select(func.count())

    def counted(self) -> tuple[Select[Any], Mapping[str, Any]]:
        """Return a statement and its values.

        It selects the number of rows, the database's state, and whether no row of the list waits
        for the horizon.
        """

        def build() -> Select[Any]:
            # SQLite counts the fast way only where it is asked for nothing else beside.
            number: Any = self.count.scalar_subquery()
            return select(number, state(), self._nothing_waits())

        return self._built("count", build), self._values

    def _nothing_waits(self) -> ColumnElement[Any]:
        stamp = self.listing.stamp
        if stamp is None or "oms_horizon" not in self._bounds:
            return null()
        newest = select(func.max(stamp)).select_from(self.listing.rows).scalar_subquery()
        return func.coalesce(newest <= self._bound("oms_horizon"), true())

    def stretch(self, stretch: Stretch, form: Form) -> tuple[Select[Any], Mapping[str, Any]]:
        """Return the statement of some rows and the database's state, and its values."""
        build = lambda: form.select(self.listing, self._stretch(stretch))  # noqa: E731
        statement = self._built((form, stretch.shape), build)
        return statement, {**self._values, **stretch.values}

    def _stretch(self, stretch: Stretch) -> Select[Any]:
        steps = reverse(self.steps) if stretch.backward else self.steps
        steps = sorted_steps(steps) if stretch.few else steps
        order = order_by(steps)
        # Before the filters: of two bounds that a column has SQLite seeks to the first.
        place = () if stretch.place is None else [behind(steps, [*stretch.bounds()])]
        if stretch.lazily and stretch.offset and not stretch.is_deep:
            cells = self.listing.cells
            stored = self._select(*(it.expression.label(it.name) for it in cells), first=place)
            return self._kept(stretch.cut(stored.order_by(*order)), stretch.backward)
        if not stretch.is_deep:
            rows = self._select(*self._shown, first=place)
            return stretch.cut(rows.order_by(*order))
        key = self.listing.key
        keys = stretch.cut(self._select(key, first=place).order_by(*order))
        return self._select(*self._shown).where(key.in_(keys)).order_by(*order)

    def _kept(self, stored: Select[Any], backward: bool) -> Select[Any]:
        """Return the statement of rows of which nothing was shown yet."""
        cells = self.listing.cells
        kept = stored.subquery()
        shown = (cell(it.name, it.field, kept.c[it.name]).shown for it in cells)
        terms = self.listing.service.ordering(self.query)
        steps = [(kept.c[term.name], term.descending != backward) for term in terms]
        return select(*shown).order_by(*order_by(steps))

    @property
    def _shown(self) -> Iterator[Expression]:
        return (cell.shown for cell in self.listing.cells)

    def _built(self, kind: Hashable, build: Callable[[], Select[Any]]) -> Select[Any]:
        if self.listing.scope:
            return build()  # A scope may say something else each time.
        statements = self.listing.statements
        shape = (kind, self._shape)
        statement = statements.get(shape)
        if statement is None:
            if len(statements) >= MAX_STATEMENTS:
                statements.clear()
            statement = statements[shape] = build()
        return statement

    @cached_property
    def _shape(self) -> Hashable:
        values = self.query.filters.items()
        terms = self.listing.service.ordering(self.query)
        compared = tuple((name, _form(value)) for name, value in values)
        return compared, terms, self.query.horizon is None

    @cached_property
    def _bounds(self) -> dict[str, Bound]:
        """The values to compare with, by the names of the statement's parameters."""
        bounds: list[Bound] = []
        for name, value in self.query.filters.items():
            parameter = self.listing.service.filters.parameters[name]
            kind = self.listing.columns[parameter.column].type
            if LOOKUPS[parameter.lookup].binds:
                several = value if isinstance(value, list) else [value]
                bounds += (adapted(kind, each, parameter.field) for each in several)
        named = {f"oms_{i}": bound for i, bound in enumerate(bounds)}
        if self.query.horizon is not None and self.listing.stamp is not None:
            kind = self.listing.stamp.type
            named["oms_horizon"] = adapted(kind, self.query.horizon)
            named["oms_future"] = adapted(kind, self.query.horizon + FUTURE)
        return named

    @cached_property
    def _values(self) -> dict[str, Any]:
        return {name: value for name, (value, _) in self._bounds.items()}

    def _bound(self, name: str) -> BindParameter[Any]:
        value, kind = self._bounds[name]
        return bindparam(name, value, type_=kind)

    def _select(self, *columns: Any, first: Iterable[ColumnElement[bool]] = ()) -> Select[Any]:
        statement = select(*columns).select_from(self.listing.rows)
        statement = statement.where(*first, *self._conditions())
        scope = self.listing.scope
        return scope(statement, self.holder) if scope else statement

    def _conditions(self) -> Iterator[ColumnElement[bool]]:
        yield from self.listing.kinds
        bounds = map(self._bound, self._bounds)
        for name, value in self.query.filters.items():
            parameter = self.listing.service.filters.parameters[name]
            lookup = LOOKUPS[parameter.lookup]
            if lookup.binds:
                value = [next(bounds) for _ in value] if isinstance(value, list) else next(bounds)
            yield lookup.compare(self.listing.columns[parameter.column], value)
        if self.listing.stamp is not None and "oms_horizon" in self._bounds:
            yield _settled(self.listing.stamp, *bounds)


def _settled(stamp: Expression, horizon: Any, future: Any) -> ColumnElement[bool]:
    """Return the condition of the rows that no open transaction can be said to have stamped."""
    return or_(stamp <= horizon, stamp > future, stamp.is_(None))


def _form(value: Any) -> Hashable:
    """Return what a statement is built for: not a value, but what kind of one, or how many."""
    if isinstance(value, list):
        return tuple(map(type, value))
    return value if isinstance(value, bool) else type(value).__name__
