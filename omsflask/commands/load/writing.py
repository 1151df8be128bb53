"""Changes into the table: by the thousand where that is known to do the same, else one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from sqlalchemy import Column, Table, insert, inspect, update
from sqlalchemy.orm import Session

from ...tables.create import advance
from ...tables.staging import insert_rows, may_stage, update_rows
from .rows import Row

Values = Mapping[str, Any]

STAMP = "modified_date"

#: So few rows are written one by one, which needs no temporary table.
FEW = 50


class NotTaken(Exception):
    """The database took fewer rows than it was given, and said nothing."""


class Change(NamedTuple):
    """A row that adds a customer, or changes one.

    :param values: what is written.
    :param before: the values that differ, as they are stored; none of a new customer.
    :param keeps_stamp: whether the row gives the date that is stored.
    """

    row: Row
    values: Values
    before: Values
    keeps_stamp: bool = False

    @property
    def is_new(self) -> bool:
        """Whether it adds a customer."""
        return not self.before


@dataclass(frozen=True)
class Writer:
    """Writes changes of customers.

    :param customer: the model.
    :param columns: the attributes that may be written.
    """

    session: Session
    customer: type[Any]
    columns: Collection[str]

    def write(self, changes: Iterable[Change]) -> None:
        """Write ``changes``, all of them.

        :raises NotTaken: when the database left some out.
        """
        groups = defaultdict(list)
        for change in changes:
            names = tuple(change.values)
            groups[change.is_new, "id" not in names, names].append(change)
        # A customer's e-mail address may become free for a new one, and keys come after given ones.
        for (is_new, is_numbered, names), group in sorted(groups.items()):
            by_the_thousand = len(group) > FEW and self._may_stage
            write = self._stage if by_the_thousand else self._insert if is_new else self._update
            if (taken := write(group, names)) != len(group):
                raise NotTaken(f"The database took {taken:,} of {len(group):,} rows")
            if is_new and not is_numbered:
                advance(self.session.connection(), self.table)

    @property
    def table(self) -> Table:
        """Where customers are."""
        table: Table = inspect(self.customer).local_table
        return table

    def _insert(self, changes: Sequence[Change], _names: object) -> int:
        # Else rows would be grouped by which of their values are null.
        options = {"render_nulls": True}
        statement = insert(self.customer).returning(self.customer.id)
        rows = [change.values for change in changes]
        return len(self.session.execute(statement, rows, execution_options=options).all())

    def _update(self, changes: Sequence[Change], _names: object) -> int:
        self.session.execute(update(self.customer), [change.values for change in changes])
        # The table's trigger takes such a date for none and stamps the row.
        dated = [
            {"id": it.values["id"], STAMP: it.values[STAMP]} for it in changes if it.keeps_stamp
        ]
        if dated:
            self.session.execute(update(self.customer), dated)
        return len(changes)

    def _stage(self, changes: Sequence[Change], names: Sequence[str]) -> int:
        connection = self.session.connection()
        columns = [self._column(name) for name in names]
        rows = [tuple(change.values.values()) for change in changes]
        if changes[0].is_new:
            return insert_rows(connection, self.table, columns, rows)
        stamp = self._column(STAMP) if any(change.keeps_stamp for change in changes) else None
        return update_rows(connection, self.table, columns, rows, stamp)

    @cached_property
    def _may_stage(self) -> bool:
        mapper = inspect(self.customer)
        alone = mapper.inherits is None and mapper.polymorphic_on is None
        if not alone or self.session.dispatch.do_orm_execute:
            return False
        columns = [self._column(name) for name in self.columns]
        return may_stage(self.session.connection(), self.table, columns)

    def _column(self, name: str) -> Column[Any]:
        column: Column[Any] = inspect(self.customer).columns[name]
        return column
