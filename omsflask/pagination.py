"""Pages: by number as published, and by cursor, which no insert or delete can shift."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from urllib.parse import quote_plus

import orjson
from sqlalchemy import Connection, Engine

from .columns import adapted, stored, stored_kind
from .connections import begin_snapshot, reading
from .counts import Count, Counts
from .cursors import Cursor
from .errors import InvalidPage
from .rows import Form, Row
from .selections import DEEP_OFFSET, Bound, Selection, Stretch
from .services import BoundService, Query

#: No engine takes a larger OFFSET, and no table has as many rows.
MAX_OFFSET = 2**63 - 1

NO_COUNT = Count(0)

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
class Links:
    """Makes the addresses of pages.

    :param address: absolute, without a query string.
    :param arguments: the request's own; they are kept, sorted by name.
    """

    address: str
    arguments: Mapping[str, str]

    def to(self, number: int, cursor: str | None = None) -> str:
        """Return the address of a page. The first carries no number, as published."""
        written = dict(self._written)
        if number > 1:
            written["page"] = f"page={number}"
        if cursor is not None:
            written["cursor"] = f"cursor={cursor}"
        query = "&".join(written[name] for name in sorted(written))
        return f"{self.address}?{query}".removesuffix("?")

    @cached_property
    def _written(self) -> Mapping[str, str]:
        """The arguments as a query string has them, but for the page's number."""
        return {
            name: f"{quote_plus(name)}={quote_plus(value)}"
            for name, value in self.arguments.items()
            if name != "page"
        }


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
            if is_last:
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
        number = self._number(count.number)
        offset = (number - 1) * self.limit
        if offset > MAX_OFFSET:
            raise InvalidPage
        left = count.number - offset
        if count.state is not None and offset >= DEEP_OFFSET and 0 < left < offset:
            # From the nearer end, which only an exact count says where it is.
            last = Stretch(min(self.limit, left), max(0, left - self.limit), backward=True)
            rows, state = self._fetch(connection, last)
            rows, more = rows[::-1], left > self.limit
        else:
            few = self.selection.is_few(count.number)
            # PostgreSQL makes the texts of a row before it passes over it.
            lazily = self.bind.dialect.name == "postgresql"
            stretch = Stretch(self.limit + 1, offset, few=few, lazily=lazily)
            rows, state = self._fetch(connection, stretch)
            rows, more = rows[: self.limit], len(rows) > self.limit
        if number > 1 and not rows:
            raise InvalidPage
        links = {"has_next": more, "has_previous": number > 1}
        return self._made(rows, number, count.number, **links), state

    def _at_cursor(self, connection: Connection, count: Count) -> tuple[Page, str | None]:
        number = self._number(0)
        cursor, place = self._cursor()
        # Another holder's cursor carries the count of what she may see.
        total = count.number if self.listing.scope else cursor.count
        few = self.selection.is_few(total)
        stretch = Stretch(self.limit + 1, place=place, backward=cursor.backward, few=few)
        rows, state = self._fetch(connection, stretch)
        rows, more = rows[: self.limit], len(rows) > self.limit
        if cursor.backward:
            return self._made(rows[::-1], number, total, has_next=True, has_previous=more), state
        return self._made(rows, number, total, has_next=more, has_previous=True), state

    def _cursor(self) -> tuple[Cursor, Sequence[Bound | None]]:
        """Return the query's cursor, and what it holds as values to compare with."""
        kinds = [stored_kind(column.type, self.bind.dialect) for column, _ in self.selection.steps]
        types = [kind.python_type for kind in kinds]
        cursor = Cursor.decode(self.query.cursor or "", self._binding, types)
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
        held = self.form.values(self.listing, edge[0])
        terms = self.listing.service.ordering(self.query)
        place = tuple(
            stored(column.type, held[term.name], self.bind.dialect)
            for term, (column, _) in zip(terms, self.selection.steps, strict=True)
        )
        cursor = Cursor(place, backward, count)
        return self.links.to(number, cursor.encode(self._binding))

    @property
    def _binding(self) -> bytes:
        service = self.listing.service
        filters = sorted((name, self.query.arguments[name]) for name in self.query.filters)
        order = [str(term) for term in service.ordering(self.query)]
        return orjson.dumps([service.path, order, filters])

    @property
    def listing(self) -> BoundService:
        """The list."""
        return self.selection.listing

    @property
    def query(self) -> Query:
        """What is asked of it."""
        return self.selection.query
