"""Pages: planned, read, and counted anew where the count was not exact after all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

from sqlalchemy import Connection, DateTime

from ..declarations.expressions import Expression
from ..declarations.values import adapted, keep, stored, stored_type
from ..errors import InvalidPage, InvalidParameters
from .counts import Count, Counts
from .cursors import Cursor
from .plan import DEEP_OFFSET, Cut, Known, Plan, Position, cut, offset_of, plan, plan_after
from .query import LAST, Query
from .row_formats import Row, RowFormat
from .selection import Selection

NO_COUNT = Count(0)


@dataclass(frozen=True)
class Neighbour:
    """The page before, or the one that follows.

    :param number: of that page.
    :param cursor: that it lies behind, where links carry one.
    """

    number: int
    cursor: str | None = None


@dataclass(frozen=True)
class Page:
    """Some rows of a selection, the count of all, and the page's neighbours.

    :param rows: in the form that they were read in.
    """

    count: int
    next: Neighbour | None
    previous: Neighbour | None
    rows: Sequence[Row]


@dataclass(frozen=True)
class Paginator:
    """Reads a page of a selection.

    :param row_format: that the rows are read in.
    :param counts: that the list's requests have made of late.
    :param kept_seconds: how long at most a count is kept.
    """

    selection: Selection
    row_format: RowFormat
    counts: Counts
    kept_seconds: float

    @cached_property
    def query(self) -> Query:
        """The query of the request."""
        return self.selection.query

    def read(self) -> Page:
        """Return the page that the query asks for.

        One statement reads it where the count is known; else both come from one snapshot.

        :raises InvalidPage: when there is none.
        :raises InvalidParameters: when its cursor holds what no row can.
        """
        with self.selection.database.reading() as connection:
            page = self._with_known_count(connection)
            if page is None:
                self.selection.database.begin_snapshot(connection)
                count = self.counts.make(connection, self.selection, self.kept_seconds)
                page, _ = self._page(connection, count)
        return page

    def _with_known_count(self, connection: Connection) -> Page | None:
        if self.query.cursor and not self.selection.listing.scope:
            return self._page(connection, NO_COUNT)[0]
        count = self.counts.last(connection, self.selection)
        if count is None:
            return None
        try:
            page, state = self._page(connection, count)
        except InvalidPage:
            if self.query.cursor is None and offset_of(self.query, count.number) < count.number:
                return None  # There was such a page when it was counted.
            raise
        if count.is_exact(state, self.selection.watermark):
            return page
        return self._with_kept_count(connection, count, page, state)

    def _with_kept_count(
        self, connection: Connection, count: Count, page: Page, state: str | None
    ) -> Page | None:
        """Return a page with a count that was dear, though others have committed since."""
        if not count.is_kept_for(state) or self.query.number == LAST:
            return None
        if page.count < len(page.rows):
            return None
        if self.query.cursor or offset_of(self.query, count.number) < DEEP_OFFSET:
            return page
        return self._page(connection, replace(count, state=None))[0]

    def _page(self, connection: Connection, count: Count) -> tuple[Page, str | None]:
        planned = self._plan(count)
        rows, state = self.row_format.read(
            connection.execute(*self.selection.planned(planned, self.row_format))
        )
        shown = cut(planned, self.query, rows)
        if shown.has_next and count.is_exact(state, self.selection.watermark):
            self._note(count, planned, shown.rows[-1])
        return self._made(connection, planned, shown), state

    def _plan(self, count: Count) -> Plan:
        cursor, may_sort = self.query.cursor, self.selection.may_sort
        if cursor is not None:
            # Another holder's cursor carries the count of what she may see.
            total = count.number if self.selection.listing.scope else cursor.count
            return plan_after(self.query, self._position(cursor), Known(total, may_sort=may_sort))
        is_exact = count.state is not None
        passed, bookmark = self._bookmark(count) if is_exact else (0, None)
        return plan(self.query, Known(count.number, is_exact, passed, bookmark, may_sort))

    def _bookmark(self, count: Count) -> tuple[int, Position | None]:
        """Return how many rows lie before the nearest bookmark, and its position."""
        offset = offset_of(self.query, count.number)
        if offset < DEEP_OFFSET:
            return 0, None
        passed, mark = count.bookmarks.before(self.query.order, offset)
        try:
            held = mark and self._position(Cursor.decode(mark, self.query.binding))
        except InvalidParameters:
            return 0, None  # A cursor does not take every value: text with NUL, say.
        return passed, held or None

    def _note(self, count: Count, planned: Plan, row: Row) -> None:
        """Remember for the next page what lies behind a deep row."""
        number = planned.number * self.query.limit
        order = self.query.order
        if number < DEEP_OFFSET or count.bookmarks.before(order, number)[0] == number:
            return
        if self._hidden(row):
            return
        if (cursor := self._cursor(row)) is not None:
            count.bookmarks.note(order, number, cursor)

    def _position(self, cursor: Cursor) -> Position:
        """Return what a cursor holds as values to compare with."""
        dialect = self.selection.database.dialect
        kinds = [stored_type(column.type, dialect) for column, _ in self.selection.steps]
        held = zip(kinds, cursor.read(kinds), strict=True)
        return [None if value is None else adapted(kind, value) for kind, value in held]

    def _made(self, connection: Connection, planned: Plan, shown: Cut) -> Page:
        rows, neighbour = shown.rows, partial(self._neighbour, connection, planned)
        following = neighbour(1, rows[-1:]) if shown.has_next else None
        before = neighbour(-1, rows[:1]) if shown.has_previous else None
        return Page(planned.total, following, before, rows)

    def _neighbour(
        self, connection: Connection, planned: Plan, step: int, edge: Sequence[Row]
    ) -> Neighbour:
        number = planned.number + step
        if not self.query.walks:
            return Neighbour(number)
        if not edge:
            # Nothing is left on this side of the cursor: go on from the start of the walk.
            return Neighbour(1, "")
        if self._is_infinite(connection, edge[0]):
            return Neighbour(number)
        return Neighbour(number, self._cursor(edge[0], step < 0, planned.total))

    def _cursor(self, row: Row, backward: bool = False, count: int = 0) -> str | None:
        """Return the cursor that lies behind a row.

        None where no cursor keeps what the row holds: the walk goes on by the page's number.
        """
        cursor = Cursor(self._held(row), backward, count)
        try:
            self._position(cursor)
        except InvalidParameters:
            return None
        return cursor.encode(self.query.binding)

    def _is_infinite(self, connection: Connection, row: Row) -> bool:
        """Whether the row holds an infinite moment, which is shown as NULL."""
        hidden = self._hidden(row)
        if not hidden:
            return False
        service, source = self.selection.listing.service, self.selection.source
        key = self.row_format.values(self.selection.listing, row)[service.key]
        asked = source.base.add_columns(*(column.is_(None) for column in hidden))
        is_row = source.columns[service.attributes[service.key]] == key
        found = connection.execute(asked.where(is_row)).first()
        return found is None or not all(found)

    def _hidden(self, row: Row) -> list[Expression]:
        """Return the columns of the order that may hold an infinite moment."""
        if not self.selection.database.is_postgresql:
            return []
        values = self.row_format.values(self.selection.listing, row)
        return [
            column
            for term, (column, _) in zip(self.query.order, self.selection.steps, strict=True)
            if values[term.name] is None and isinstance(column.type, DateTime)
        ]

    def _held(self, row: Row) -> tuple[Any, ...]:
        """Return what a cursor keeps of a row: its values in the columns of the order."""
        values = self.row_format.values(self.selection.listing, row)
        dialect = self.selection.database.dialect
        return tuple(
            keep(stored_type(column.type, dialect), stored(column.type, values[term.name], dialect))
            for term, (column, _) in zip(self.query.order, self.selection.steps, strict=True)
        )
