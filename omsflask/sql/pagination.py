"""Pages: by number as published, and by cursor, which no insert or delete can shift."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

import orjson
from sqlalchemy import Connection, Engine

from ..declarations.cells import adapted, stored, stored_kind
from ..declarations.filters import Term
from ..declarations.services import BoundService, Query
from ..errors import InvalidPage, InvalidParameters
from ..web.links import Links
from .bookmarks import Places
from .connections import begin_snapshot, reading
from .counts import Count, Counts
from .cursors import Cursor
from .plan import DEEP_OFFSET, Place, Stretch
from .row_formats import Form, Row
from .selection import Selection

#: No engine takes a larger OFFSET, and no table has as many rows.
MAX_OFFSET = 2**63 - 1

NO_COUNT = Count(0)

#: A page's rows, whether there are more, and the state that they were read in.
Read = tuple[Sequence[Row], bool, str | None]

PAGE_NUMBER = re.compile(r"0*([1-9][0-9]{0,17})")


@dataclass(frozen=True)
class Page:
    """Some rows of a selection, the count of all, and the addresses of its neighbours.

    :param rows: in the form that they were read in.
    """

    count: int
    next: str | None
    previous: str | None
    rows: Sequence[Row]


@dataclass(frozen=True)
class Paginator:
    """Reads the pages of one selection.

    :param limit: rows a page.
    :param form: that the rows are read in.
    :param bind: what the rows are reached by.
    :param counts: that the app has made of late.
    :param kept_seconds: how long at most one is kept.
    """

    selection: Selection
    limit: int
    form: Form
    links: Links
    bind: Engine | Connection
    counts: Counts
    kept_seconds: float

    def read(self) -> Page:
        """Return the page that the query asks for.

        One statement reads it where the count is known; else both come from one snapshot.

        :raises InvalidPage: when there is none.
        :raises InvalidParameters: when its cursor is not one of this selection and order.
        """
        with reading(self.bind) as connection:
            page = self._with_known_count(connection)
            if page is None:
                begin_snapshot(self.bind, connection)
                page, _ = self._page(connection, self._count(connection))
        return page

    def _with_known_count(self, connection: Connection) -> Page | None:
        if self.query.cursor and not self.listing.scope:
            return self._page(connection, NO_COUNT)[0]
        count = self.counts.last(self.bind, connection, self.selection)
        if count is None:
            return None
        is_last = self._page_text == "last"
        try:
            page, state = self._page(connection, count)
        except InvalidPage:
            if self._offset(count) < count.number:
                return None  # There was such a page when it was counted.
            raise
        if count.is_exact(state, self.query.horizon):
            return page
        if not count.is_kept or is_last:
            return None
        if self._number(count.number) * self.limit <= DEEP_OFFSET:
            return page
        return self._page(connection, replace(count, state=None))[0]

    def _count(self, connection: Connection) -> Count:
        return self.counts.make(self.bind, connection, self.selection, self.kept_seconds)

    def _page(self, connection: Connection, count: Count) -> tuple[Page, str | None]:
        read = self._at_cursor if self.query.cursor else self._numbered
        return read(connection, count)

    def _numbered(self, connection: Connection, count: Count) -> tuple[Page, str | None]:
        offset = self._offset(count)
        read = self._deep if count.state and DEEP_OFFSET <= offset < count.number else self._shallow
        rows, more, state = read(connection, count, offset)
        if offset and not rows:
            raise InvalidPage
        if more and count.is_exact(state, self.query.horizon):
            self._note(count.places, offset + self.limit, rows[-1])
        number = offset // self.limit + 1
        links = {"has_next": more, "has_previous": number > 1}
        return self._made(rows, number, count.number, **links), state

    def _note(self, places: Places, number: int, row: Row) -> None:
        """Remember for the next page what lies behind a deep row.

        Not behind an infinity or NaN, for which JSON, and so a cursor, has but null.
        """
        if number < DEEP_OFFSET or places.before(self._order, number)[0] == number:
            return
        if all(isfinite(it) for it in self._held(row) if isinstance(it, float)):
            places.note(self._order, number, self._mark(row, False, 0))

    def _shallow(self, connection: Connection, count: Count, offset: int) -> Read:
        few = self.selection.is_few(count.number)
        return self._ahead(connection, Stretch(self.limit + 1, offset, few=few))

    def _deep(self, connection: Connection, count: Count, offset: int) -> Read:
        """Read from the nearest place that an exact count knows: the end may be one."""
        passed, place = self._nearest(count.places, offset)
        left = count.number - offset
        if left < offset - passed:
            last = Stretch(min(self.limit, left), max(0, left - self.limit), backward=True)
            rows, state = self._fetch(connection, last)
            return rows[::-1], left > self.limit, state
        return self._ahead(connection, Stretch(self.limit + 1, offset - passed, place=place))

    def _nearest(self, places: Places, offset: int) -> tuple[int, Place | None]:
        """Return how many rows lie before the last known place, and the place; else the start."""
        passed, mark = places.before(self._order, offset)
        try:
            return passed, None if mark is None else self._at(mark)[1]
        except InvalidParameters:
            return 0, None  # A cursor does not take every value: text with NUL, say.

    def _ahead(self, connection: Connection, stretch: Stretch) -> Read:
        # PostgreSQL makes the texts of a row before it passes over it.
        lazily = self.bind.dialect.name == "postgresql"
        rows, state = self._fetch(connection, replace(stretch, lazily=lazily))
        return rows[: self.limit], len(rows) > self.limit, state

    def _at_cursor(self, connection: Connection, count: Count) -> tuple[Page, str | None]:
        number = self._number(0)
        cursor, place = self._at(self.query.cursor or "")
        # Another holder's cursor carries the count of what she may see.
        total = count.number if self.listing.scope else cursor.count
        few = self.selection.is_few(total)
        stretch = Stretch(self.limit + 1, place=place, backward=cursor.backward, few=few)
        rows, state = self._fetch(connection, stretch)
        rows, more = rows[: self.limit], len(rows) > self.limit
        if cursor.backward:
            return self._made(rows[::-1], number, total, has_next=True, has_previous=more), state
        return self._made(rows, number, total, has_next=more, has_previous=True), state

    def _at(self, text: str) -> tuple[Cursor, Place]:
        """Return the cursor that a text is, and what it holds as values to compare with."""
        kinds = [stored_kind(column.type, self.bind.dialect) for column, _ in self.selection.steps]
        types = [kind.python_type for kind in kinds]
        cursor = Cursor.decode(text, self._binding, types)
        held = zip(kinds, cursor.values, strict=True)
        return cursor, [None if value is None else adapted(kind, value) for kind, value in held]

    @property
    def _page_text(self) -> str:
        return (self.query.page or "1").strip()

    def _number(self, count: int) -> int:
        text = self._page_text
        if text == "last" and not self.query.cursor:
            return max(1, -(-count // self.limit))
        match = PAGE_NUMBER.fullmatch(text)
        if match is None:
            raise InvalidPage
        return int(match[1])

    def _offset(self, count: Count) -> int:
        offset = (self._number(count.number) - 1) * self.limit
        if offset > MAX_OFFSET:
            raise InvalidPage
        return offset

    def _fetch(self, connection: Connection, stretch: Stretch) -> tuple[Sequence[Row], str | None]:
        """Return rows, and the state that they were read in; none where that is not known."""
        return self.form.read(connection.execute(*self.selection.stretch(stretch, self.form)))

    def _made(
        self, rows: Sequence[Row], number: int, count: int, *, has_next: bool, has_previous: bool
    ) -> Page:
        return Page(
            count=count,
            next=self._link(number + 1, rows[-1:], False, count) if has_next else None,
            previous=self._link(number - 1, rows[:1], True, count) if has_previous else None,
            rows=rows,
        )

    def _link(self, number: int, edge: Sequence[Row], backward: bool, count: int) -> str:
        if not self.query.walks:
            return self.links.to(number)
        if not edge:
            # Nothing is left on this side of the cursor: go on from the start of the walk.
            return self.links.to(1, "")
        return self.links.to(number, self._mark(edge[0], backward, count))

    def _mark(self, row: Row, backward: bool, count: int) -> str:
        """Return the cursor that lies behind a row."""
        return Cursor(self._held(row), backward, count).encode(self._binding)

    def _held(self, row: Row) -> tuple[Any, ...]:
        """Return what a row holds in the columns of the order."""
        values = self.form.values(self.listing, row)
        return tuple(
            stored(column.type, values[term.name], self.bind.dialect)
            for term, (column, _) in zip(self._order, self.selection.steps, strict=True)
        )

    @property
    def _order(self) -> tuple[Term, ...]:
        return self.listing.service.ordering(self.query)

    @property
    def _binding(self) -> bytes:
        filters = sorted((name, self.query.arguments[name]) for name in self.query.filters)
        order = [str(term) for term in self._order]
        return orjson.dumps([self.listing.service.path, order, filters])

    @property
    def listing(self) -> BoundService:
        """The list."""
        return self.selection.listing

    @property
    def query(self) -> Query:
        """What is asked of it."""
        return self.selection.query
