"""Selection: what a query selects from a list, for the holder of a token; its statements.

Queries are alike when they differ in values only. Their statement is built once, with the first
one's values as parameters with names, and runs with the others' under these names.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any

from sqlalchemy import (
    BindParameter,
    Integer,
    Select,
    Table,
    bindparam,
    false,
    func,
    null,
    or_,
    select,
    true,
)
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import SelectBase

from ..declarations.cells import Cell, Expression, cell
from ..declarations.lookups import LOOKUPS
from ..declarations.services import BoundService
from ..declarations.values import adapted
from . import names
from .connections import Database
from .knowledge import (
    is_pure,
    names_of,
    ordinary,
    state,
    tables_of,
    text_and_values,
    values_key,
)
from .ordering import Step, behind, order_by, reverse, sorted_steps
from .plan import Bound, Plan, Shape, Slice
from .query import Query
from .row_formats import Form

#: What is dated so much later than now was stamped by nobody who writes now.
FUTURE = timedelta(days=1)

#: Of a list. There are more kinds of queries than these, but nobody asks them all.
MAX_STATEMENTS = 500


@dataclass(frozen=True)
class Source:
    """The rows that a holder may see, to select from.

    :param columns: the SQL values by the attributes that the service names.
    :param cells: what a row shows.
    :param base: selects nothing yet.
    """

    columns: Mapping[str, Expression]
    cells: Sequence[Cell]
    base: Select[Any]


@dataclass(frozen=True)
class Selection:
    """What a query selects from a list.

    :param database: that is asked.
    :param holder: of the token, whom the list's scope is given.
    :param watermark: what a row's stamp must not be newer than (:mod:`.watermark`).
    """

    listing: BoundService
    query: Query
    database: Database
    holder: Any = None
    watermark: datetime | None = None

    @cached_property
    def source(self) -> Source:
        """The list's rows, or what its scope leaves of them.

        :raises TypeError: when the scope returns no SELECT of the columns that it was given.
        """
        listing = self.listing
        if listing.scope is None:
            return Source(listing.columns, listing.cells, _rows_of(listing))
        given = (column.label(name) for name, column in listing.columns.items())
        scoped = listing.scope(_rows_of(listing).with_only_columns(*given), self.holder)
        if not isinstance(scoped, SelectBase):
            raise TypeError(f"A scope returns a SELECT, not {scoped!r}.")
        # Whatever it says of order, limit and groups is done before a filter, and within.
        inner = scoped.subquery()
        if missing := sorted(set(listing.columns) - set(inner.c.keys())):
            raise TypeError(f"A scope keeps the columns that it is given: {', '.join(missing)}.")
        columns = {name: inner.c[name] for name in listing.columns}
        cells = [
            cell(it.name, it.field, columns[listing.service.attributes[it.name]])
            for it in listing.cells
        ]
        options = scoped.get_execution_options()
        return Source(columns, cells, select().select_from(inner).execution_options(**options))

    @cached_property
    def steps(self) -> list[Step]:
        """The columns of the whole order, each with its direction."""
        attributes = self.listing.service.attributes
        return [
            (self.source.columns[attributes[term.name]], term.descending)
            for term in self.query.order
        ]

    @cached_property
    def may_sort(self) -> bool:
        """Whether few rows had better be sorted than looked for in their order.

        Not where an index holds them in order: those of exact values in the order of keys, and any
        that only the first column of the order narrows.
        """
        parameters = [self.listing.service.filters.parameters[it] for it in self.query.filters]
        if len(self.steps) == 1 and all(it.lookup == "exact" for it in parameters):
            return False
        return any(self.source.columns[it.column] is not self.steps[0][0] for it in parameters)

    @cached_property
    def key(self) -> Hashable:
        """What tells it from every other selection of its list, whatever the order.

        None where that cannot be known, or where its rows may change without a commit.
        """
        database = self.database.key
        if database is None or self.database.is_shared or self._tables is None:
            return None
        try:
            if self.listing.scope is None:
                values: Hashable = values_key(self._bounds_of_filters, self.database.dialect)
                return database, self.listing.service.path, self._form_of_filters, values
            counting = self._counting(self._conditions(waits=False))
            return database, text_and_values(counting, self.database.dialect)
        except TypeError:
            return None

    @cached_property
    def content(self) -> tuple[Hashable, ...] | None:
        """What tells it from every other selection, its order and what it shows included.

        None where that cannot be known, or where what is shown may change without a commit.
        """
        shown = self._built("shown", lambda: tables_of(self._select(*self._shown)))
        if shown is None or self.key is None or not {*shown} <= {*self._tables}:
            return None
        if not all(is_pure(cell) for cell in self.source.cells):
            return None
        names_of_tables = names_of(self.database, self._tables)
        return names_of_tables, *text_and_values(self.rows, self.database.dialect)

    @property
    def is_sent_as_compiled(self) -> bool:
        """Whether a statement that is sent past SQLAlchemy says the same."""
        options = self.source.base.get_execution_options()
        return self.database.is_sent_as_compiled and "schema_translate_map" not in options

    @property
    def is_whole(self) -> bool:
        """Whether it is all the rows of a table, in the order of its primary key, an integer."""
        rows, query = self.listing.rows, self.query
        if query.filters or self.watermark or self.listing.scope or self.listing.kinds:
            return False
        (column, descending), *others = self.steps
        primary = [*rows.primary_key] if isinstance(rows, Table) else []
        is_key = len(primary) == 1 and primary[0] is column and isinstance(column.type, Integer)
        return is_key and not descending and not others

    @property
    def rows(self) -> Select[Any]:
        """All of it, in order."""
        return self._select(*self._shown).order_by(*order_by(self.steps))

    @cached_property
    def values(self) -> dict[str, Any]:
        """The values of its statements, by the names of the parameters."""
        return {name: value for name, (value, _) in self._bounds.items()}

    def counted(self) -> tuple[Select[Any], Mapping[str, Any]]:
        """Return a statement and its values.

        It selects the number of rows, the database's state, whether all the tables are ordinary
        ones, and whether no row of the list waits for the watermark.
        """
        tables = None if self.key is None else names_of(self.database, self._tables)

        def build() -> Select[Any]:
            # SQLite counts the fast way only where it is asked for nothing else beside.
            number: Any = self._counting(self._conditions()).scalar_subquery()
            are_ordinary = ordinary(bindparam(names.TABLES)) if tables else false()
            return self._with_options(select(number, state(), are_ordinary, self._nothing_waits()))

        kind = ("count", tables is None)
        return self._built(kind, build), {**self.values, names.TABLES: tables}

    def planned(self, plan: Plan, form: Form) -> tuple[Select[Any], Mapping[str, Any]]:
        """Return the statement of a page's rows and the database's state, and its values."""

        def build() -> Select[Any]:
            return self._with_options(form.select(self.listing, self._planned(plan)))

        statement = self._built((form, plan.shape, plan.slice.form), build)
        return statement, {**self.values, **plan.slice.values}

    def _planned(self, plan: Plan) -> Select[Any]:
        rows = plan.slice
        steps = reverse(self.steps) if rows.backward else self.steps
        if plan.shape is Shape.SORTED:
            steps = sorted_steps(steps)
        order = order_by(steps)
        if plan.shape is not Shape.KEYS_FIRST:
            return rows.cut(self._select(*self._shown, first=_after(rows, steps)).order_by(*order))
        key = self.source.columns[self.listing.service.attributes[self.listing.service.key]]
        keys = rows.cut(self._select(key, first=_after(rows, steps)).order_by(*order))
        return self._select(*self._shown).where(key.in_(keys)).order_by(*order)

    def _with_options(self, statement: Select[Any]) -> Select[Any]:
        """Return a statement that may have the scope's within, with the options of that."""
        return statement.execution_options(**self.source.base.get_execution_options())

    @property
    def _shown(self) -> Iterator[Expression]:
        return (cell.shown for cell in self.source.cells)

    def _select(self, *columns: Any, first: Iterable[ColumnElement[bool]] = ()) -> Select[Any]:
        return self.source.base.add_columns(*columns).where(*first, *self._conditions())

    def _counting(self, conditions: Iterable[ColumnElement[bool]]) -> Select[Any]:
        return self.source.base.add_columns(func.count()).where(*conditions)

    @cached_property
    def _tables(self) -> Any:
        """The tables that the rows come from; none where anything else shows or hides one."""
        if self.source.base.get_execution_options():
            return None
        return self._built("tables", lambda: tables_of(self._counting(self._conditions())))

    def _built(self, kind: Hashable, build: Callable[[], Any]) -> Any:
        if self.listing.scope:
            return build()  # A scope may say something else each time.
        statements = self.listing.statements
        form = (kind, self._form_of_filters, self.query.order, self.watermark is None)
        if form not in statements:
            if len(statements) >= MAX_STATEMENTS:
                statements.clear()
            statements[form] = build()
        return statements[form]

    @cached_property
    def _form_of_filters(self) -> Hashable:
        return tuple((name, _form(value)) for name, value in self.query.filters.items())

    @cached_property
    def _bounds_of_filters(self) -> dict[str, Bound]:
        """The values to compare with, by the names of the statement's parameters."""
        bounds: dict[str, Bound] = {}
        for number, (name, value) in enumerate(self.query.filters.items()):
            parameter = self.listing.service.filters.parameters[name]
            lookup, kind = LOOKUPS[parameter.lookup], self.source.columns[parameter.column].type
            several = value if isinstance(value, list) else [value]
            adapt = partial(adapted, kind, field=parameter.field)
            if lookup.expands:
                bounds[names.value(number)] = [adapt(it)[0] for it in several], adapt(value[0])[1]
            elif lookup.binds:
                bounds |= {names.value(number, i): adapt(it) for i, it in enumerate(several)}
        return bounds

    @cached_property
    def _bounds(self) -> dict[str, Bound]:
        bounds = dict(self._bounds_of_filters)
        stamp = self._stamp
        if self.watermark is not None and stamp is not None:
            bounds[names.WATERMARK] = adapted(stamp.type, self.watermark)
            bounds[names.FUTURE] = adapted(stamp.type, self.watermark + FUTURE)
        return bounds

    @property
    def _stamp(self) -> Expression | None:
        if self.listing.stamp is None:
            return None
        return self.source.columns[self.listing.service.attributes[self.listing.service.stamp]]

    def _bound(self, name: str) -> BindParameter[Any]:
        value, kind = self._bounds[name]
        return bindparam(name, value, type_=kind, expanding=isinstance(value, list))

    def _conditions(self, *, waits: bool = True) -> Iterator[ColumnElement[bool]]:
        """Yield the conditions of the query.

        :param waits: whether rows that are newer than the watermark are left out.
        """
        for number, (name, value) in enumerate(self.query.filters.items()):
            parameter = self.listing.service.filters.parameters[name]
            lookup = LOOKUPS[parameter.lookup]
            if lookup.expands:
                value = self._bound(names.value(number))
            elif lookup.binds and isinstance(value, list):
                value = [self._bound(names.value(number, i)) for i in range(len(value))]
            elif lookup.binds:
                value = self._bound(names.value(number, 0))
            yield lookup.compare(self.source.columns[parameter.column], value)
        stamp = self._stamp
        if waits and stamp is not None and names.WATERMARK in self._bounds:
            # Nobody who still writes can be said to have stamped the others.
            watermark, future = self._bound(names.WATERMARK), self._bound(names.FUTURE)
            yield or_(stamp <= watermark, stamp > future, stamp.is_(None))

    def _nothing_waits(self) -> ColumnElement[Any]:
        stamp = self._stamp
        if stamp is None or names.WATERMARK not in self._bounds:
            return null()
        newest = self.source.base.add_columns(func.max(stamp)).scalar_subquery()
        return func.coalesce(newest <= self._bound(names.WATERMARK), true())


def _rows_of(listing: BoundService) -> Select[Any]:
    return select().select_from(listing.rows).where(*listing.kinds)


def _after(rows: Slice, steps: Sequence[Step]) -> Sequence[ColumnElement[bool]]:
    """Return the condition of what lies behind a position, if there is one.

    It comes before the filters: of two bounds that a column has SQLite seeks to the first.
    """
    return () if rows.after is None else [behind(steps, [*rows.bounds()])]


def _form(value: Any) -> Hashable:
    """Return what a statement is built for: not a value, but what kind of one."""
    if isinstance(value, list):
        return "several", type(value[0]).__name__ if value else ""
    return value if isinstance(value, bool) else type(value).__name__
