"""The SQL of an order: ORDER BY, and the condition of what lies behind a place in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, false, or_, tuple_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from ..declarations.expressions import Expression

#: A column and whether it descends.
Step = tuple[Expression, bool]


class unindexed(GenericFunction[Any]):  # noqa: N801
    """SQL for the value of a column, which no index of that column holds for the planner."""

    inherit_cache = True

    def __init__(self, column: Expression) -> None:
        super().__init__(column, type_=column.type)
        self.nullable = _is_nullable(column)


@compiles(unindexed, "sqlite")
def _sqlite(element: unindexed, compiler: SQLCompiler, **options: Any) -> str:
    # https://www.sqlite.org/optoverview.html#disqualifying_where_clause_terms_using_unary_
    return f"+{compiler.process(element.clauses, **options)}"


@compiles(unindexed, "postgresql")
def _postgresql(element: unindexed, compiler: SQLCompiler, **options: Any) -> str:
    return f"greatest({compiler.process(element.clauses, **options)})"


def sorted_steps(steps: Sequence[Step]) -> list[Step]:
    """Return the same order, for which rows are found by the filters and then sorted.

    SQLite does not know how few rows a filter leaves, and PostgreSQL does not know where they are.
    Both would walk an index of this order, and may read all other rows first.
    """
    return [(unindexed(column), descending) for column, descending in steps]


def order_by(steps: Sequence[Step]) -> list[Any]:
    """Return the ORDER BY of ``steps``: null behind every value, whatever the engine's habit."""
    return [_directed(*step) for step in steps]


def reverse(steps: Sequence[Step]) -> list[Step]:
    """Return the same order read from its end."""
    return [(column, not descending) for column, descending in steps]


def behind(steps: Sequence[Step], values: Sequence[Any]) -> Any:
    """Return the condition of the rows behind the row that holds ``values`` in these columns.

    :param values: parameters, or none for null.

    Without nulls and in one direction it compares row values, which both engines answer from an
    index.
    """
    columns = [column for column, _ in steps]
    if not any(map(_is_nullable, columns)) and len({descending for _, descending in steps}) == 1:
        left = tuple_(*columns)
        right = tuple_(*values)
        return left < right if steps[0][1] else left > right
    return or_(
        *(
            and_(*map(_same, columns[:depth], values[:depth]), _beyond(*step, values[depth]))
            for depth, step in enumerate(steps)
        )
    )


def _is_nullable(column: Expression) -> bool:
    return bool(getattr(column, "nullable", True))


def _directed(column: Expression, descending: bool) -> Any:
    directed = column.desc() if descending else column.asc()
    if not _is_nullable(column):
        return directed
    return directed.nulls_first() if descending else directed.nulls_last()


def _same(column: Expression, value: Any) -> Any:
    return column.is_(None) if value is None else column == value


def _beyond(column: Expression, descending: bool, value: Any) -> Any:
    if value is None:
        return column.is_not(None) if descending else false()
    if descending:
        return column < value
    further = column > value
    return or_(further, column.is_(None)) if _is_nullable(column) else further
