"""Pages: by number as published, and by cursor, which no insert or delete can shift."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import orjson
from sqlalchemy import Connection, Dialect, Select

from .columns import bound, stored, stored_kind
from .cursors import Cursor
from .errors import InvalidPage
from .ordering import Step, behind, order_by, reverse
from .services import BoundService, Query

Row = Sequence[Any]

#: No engine takes a larger OFFSET, and no table has as many rows.
MAX_OFFSET = 2**63 - 1

PAGE_NUMBER = re.compile(r"0*([1-9][0-9]{0,17})")


@dataclass(frozen=True)
class Page:
    """Some rows of a selection, the count of all, and the addresses of its neighbours."""

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
        arguments = {name: self.arguments[name] for name in self.arguments if name != "page"}
        if number > 1:
            arguments["page"] = str(number)
        if cursor is not None:
            arguments["cursor"] = cursor
        return f"{self.address}?{urlencode(sorted(arguments.items()))}".removesuffix("?")


@dataclass(frozen=True)
class Paginator:
    """Reads the pages of one selection.

    :param holder: who holds the token, for the listing's scope.
    :param limit: rows a page.
    :param dialect: of the database.
    """

    listing: BoundService
    query: Query
    holder: Any
    limit: int
    links: Links
    dialect: Dialect

    def read(self, connection: Connection) -> Page:
        """Return the page that the query asks for.

        :raises InvalidPage: when there is none.
        :raises InvalidParameters: when its cursor is not one of this selection and order.
        """
        return self._at_cursor(connection) if self.query.cursor else self._numbered(connection)

    def _numbered(self, connection: Connection) -> Page:
        count = self._count(connection)
        number = self._number(count)
        offset = (number - 1) * self.limit
        if offset > MAX_OFFSET:
            raise InvalidPage
        statement = self.listing.select(self.query, self.holder).offset(offset)
        rows, more = self._fetch(connection, statement, self.listing.steps(self.query))
        if number > 1 and not rows:
            raise InvalidPage
        return self._page(rows, number, count, has_next=more, has_previous=number > 1)

    def _at_cursor(self, connection: Connection) -> Page:
        number = self._number(0)
        steps = self.listing.steps(self.query)
        cursor, place = self._cursor(steps)
        if cursor.backward:
            steps = reverse(steps)
        # Another holder's cursor carries the count of what she may see.
        count = self._count(connection) if self.listing.scope else cursor.count
        statement = self.listing.select(self.query, self.holder)
        rows, more = self._fetch(connection, statement.where(behind(steps, place)), steps)
        if cursor.backward:
            return self._page(rows[::-1], number, count, has_next=True, has_previous=more)
        return self._page(rows, number, count, has_next=more, has_previous=True)

    def _cursor(self, steps: Sequence[Step]) -> tuple[Cursor, Sequence[Any]]:
        """Return the query's cursor, and what it holds as parameters, null as none."""
        kinds = [stored_kind(column.type, self.dialect) for column, _ in steps]
        types = [kind.python_type for kind in kinds]
        cursor = Cursor.decode(self.query.cursor or "", self._binding, types)
        held = zip(kinds, cursor.values, strict=True)
        return cursor, [None if value is None else bound(kind, value) for kind, value in held]

    def _count(self, connection: Connection) -> int:
        return connection.scalar(self.listing.count(self.query, self.holder)) or 0

    def _number(self, count: int) -> int:
        text = (self.query.page or "1").strip()
        if text == "last" and not self.query.cursor:
            return max(1, -(-count // self.limit))
        match = PAGE_NUMBER.fullmatch(text)
        if match is None:
            raise InvalidPage
        return int(match[1])

    def _fetch(
        self, connection: Connection, statement: Select[Any], steps: Sequence[Step]
    ) -> tuple[list[Row], bool]:
        # One row more than the page tells whether another page follows; the count need not agree.
        statement = statement.order_by(*order_by(steps)).limit(self.limit + 1)
        rows: list[Row] = list(connection.execute(statement).all())
        return rows[: self.limit], len(rows) > self.limit

    def _page(
        self, rows: list[Row], number: int, count: int, *, has_next: bool, has_previous: bool
    ) -> Page:
        return Page(
            count=count,
            next=self._link(number + 1, rows[-1:], False, count) if has_next else None,
            previous=self._link(number - 1, rows[:1], True, count) if has_previous else None,
            rows=self.listing.shown(rows),
        )

    def _link(self, number: int, edge: Sequence[Row], backward: bool, count: int) -> str:
        if not self.query.walks:
            return self.links.to(number)
        if not edge:
            # Nothing is left on this side of the cursor: go on from the start of the walk.
            return self.links.to(1, "")
        held = {
            cell.name: stored(cell.expression.type, value, self.dialect)
            for cell, value in zip(self.listing.cells, edge[0], strict=True)
        }
        terms = self.listing.service.ordering(self.query)
        cursor = Cursor(tuple(held[term.name] for term in terms), backward, count)
        return self.links.to(number, cursor.encode(self._binding))

    @property
    def _binding(self) -> bytes:
        service = self.listing.service
        filters = sorted((name, self.query.arguments[name]) for name in self.query.filters)
        order = [str(term) for term in service.ordering(self.query)]
        return orjson.dumps([service.path, order, filters])
