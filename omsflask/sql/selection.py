"""Selection: what a query selects from a list, for the holder of a token; its statements.

Queries are alike when they differ in values only. Their statement is built once, with the first
one's values as parameters with names, and runs with the others' under these names.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Integer, Select, Table, bindparam, false, func, select
from sqlalchemy.sql.elements import ColumnElement

from ..declarations.expressions import Expression
from ..declarations.services import BoundService
from . import names
from .conditions import Conditions
from .database import Database
from .knowledge import is_pure, names_of, ordinary, state, tables_of, text_and_values, values_key
from .ordering import Step, behind, order_by, reverse, sorted_steps
from .plan import Plan, Shape, Slice
from .query import Query
from .row_formats import RowFormat
from .source import Source, source_of

#: Cached statements of a list. More kinds of queries exist, but no client sends all of them.
MAX_STATEMENTS = 500


@dataclass(frozen=True)
class Selection:
    """The rows that a query selects from a list: its statements.

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
        """The rows that the holder may see."""
        return source_of(self.listing, self.holder)

    @cached_property
    def _conditions(self) -> Conditions:
        dialect = self.database.dialect
        return Conditions(self.listing, self.query, self.source, dialect, self.watermark)

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

        False if an index holds them in order. An index does so for exact values in the order of
        keys, and for rows that only the first column of the order narrows.
        """
        parameters = [self.listing.service.filters.parameters[it] for it in self.query.filters]
        if len(self.steps) == 1 and all(it.lookup.name == "exact" for it in parameters):
            return False
        return any(self.source.columns[it.column] is not self.steps[0][0] for it in parameters)

    @cached_property
    def key(self) -> Hashable:
        """Its identity among all selections of its list, in any order.

        None where that cannot be known, or where its rows may change without a commit.
        """
        database = self.database.key
        if database is None or self.database.is_shared or self._tables is None:
            return None
        try:
            if self.listing.scope is None:
                values: Hashable = values_key(self._conditions.filtered, self.database.dialect)
                return database, self.listing.service.path, self._conditions.form, values
            counting = self._counting(self._conditions.filters())
            return database, text_and_values(counting, self.database.dialect)
        except TypeError:
            return None

    @cached_property
    def content(self) -> tuple[Hashable, ...] | None:
        """Its identity among all selections, with its order and its columns.

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
        return {name: value for name, (value, _) in self._conditions.bounds.items()}

    def counted(self) -> tuple[Select[Any], Mapping[str, Any]]:
        """Return a statement and its values.

        It selects the number of rows and the database's state. It also selects whether all tables
        are ordinary, and whether no row of the list waits for the watermark.
        """
        tables = None if self.key is None else names_of(self.database, self._tables)

        def build() -> Select[Any]:
            # SQLite counts the fast way only where it is asked for nothing else beside.
            number: Any = self._counting(self._conditions.all()).scalar_subquery()
            are_ordinary = ordinary(bindparam(names.TABLES)) if tables else false()
            return self._with_options(
                select(number, state(), are_ordinary, self._conditions.nothing_waits())
            )

        kind = ("count", tables is None)
        return self._built(kind, build), {**self.values, names.TABLES: tables}

    def planned(self, plan: Plan, row_format: RowFormat) -> tuple[Select[Any], Mapping[str, Any]]:
        """Return the statement of a page's rows and the database's state, and its values."""

        def build() -> Select[Any]:
            return self._with_options(row_format.select(self.listing, self._planned(plan)))

        statement = self._built((row_format, plan.shape, plan.slice.form), build)
        return statement, {**self.values, **plan.slice.values}

    def _planned(self, plan: Plan) -> Select[Any]:
        rows = plan.slice
        steps = reverse(self.steps) if rows.backward else self.steps
        if plan.shape is Shape.SORTED:
            steps = sorted_steps(steps)
        order = order_by(steps)
        # A scope may show a row twice: its key then says too little.
        if plan.shape is Shape.IN_ORDER or self.listing.scope:
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
        return self.source.base.add_columns(*columns).where(*first, *self._conditions.all())

    def _counting(self, conditions: Iterable[ColumnElement[bool]]) -> Select[Any]:
        return self.source.base.add_columns(func.count()).where(*conditions)

    @cached_property
    def _tables(self) -> Any:
        """The tables that the rows come from; none where anything else shows or hides one."""
        if self.source.base.get_execution_options():
            return None
        return self._built("tables", lambda: tables_of(self._counting(self._conditions.all())))

    def _built(self, kind: Hashable, build: Callable[[], Any]) -> Any:
        if self.listing.scope:
            return build()  # A scope may say something else each time.
        statements = self.listing.statements
        form = (kind, self._conditions.form, self.query.order, self.watermark is None)
        if form not in statements:
            if len(statements) >= MAX_STATEMENTS:
                statements.clear()
            statements[form] = build()
        return statements[form]


def _after(rows: Slice, steps: Sequence[Step]) -> Sequence[ColumnElement[bool]]:
    """Return the condition of what lies behind a position, if there is one.

    It comes before the filters: of two bounds that a column has SQLite seeks to the first.
    """
    return () if rows.after is None else [behind(steps, [*rows.bounds()])]
