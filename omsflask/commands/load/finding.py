"""Which stored customer a row is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, String, any_, cast, literal, select
from sqlalchemy.orm import Session

from ..letter_case import candidates, fold, may_be_same, skeleton
from .identities import CASELESS
from .rows import Row

#: Customers' ids and keys, by what is the same of all keys that may be the same.
Known = dict[Any, list[tuple[int, Any]]]


@dataclass(frozen=True)
class Finder:
    """Finds customers by their id, or by a key.

    :param customer: the model.
    :param key: the field that identifies a row without an id, where one does.
    """

    session: Session
    customer: type[Any]
    key: str | None

    def find(self, rows: Sequence[Row]) -> list[int | None]:
        """Return the ids of the customers that ``rows`` are, or note on a row that it is several.

        A row with an id is the customer of that id, whether there is one or not.
        """
        ids = [None if row.reason else row.values.get("id") for row in rows]
        by_key = [place for place, row in enumerate(rows) if ids[place] is None and not row.reason]
        if by_key:
            known = self._known([rows[place].values[self.key] for place in by_key])
            for place in by_key:
                ids[place] = self._find(rows[place], known)
        return ids

    def _find(self, row: Row, known: Known) -> int | None:
        value = row.values[self.key]
        if self.key != CASELESS:
            found = known.get(value, [])
            row.reason = _several(self.key, found)
        else:
            alike = known.get(skeleton(value), [])
            found = [it for it in alike if fold(it[1]) == fold(value)]
            doubtful = [it for it in alike if it not in found and may_be_same(it[1], value)]
            row.reason = _several(self.key, found) or _in_doubt(self.key, doubtful)
        return found[0][0] if found and not row.reason else None

    def _known(self, values: Sequence[Any]) -> Known:
        """Return the customers whose key is, or may be, one of ``values``."""
        id_, column = self.customer.id, getattr(self.customer, self.key or "")
        known: Known = defaultdict(list)
        if self.key != CASELESS:
            stored = select(id_, column).where(among(self.session, column, values))
            for found in self.session.execute(stored):
                known[found[1]].append(tuple(found))
            return known
        wanted = {skeleton(value) for value in values}
        dialect = self.session.get_bind().dialect.name
        near = select(id_, cast(column, String)).where(candidates(dialect, column, wanted))
        for found in self.session.execute(near):
            if (common := skeleton(found[1])) in wanted:
                known[common].append(tuple(found))
        return known


def among(session: Session, column: Any, values: Sequence[Any]) -> ColumnElement[bool]:
    """Return SQL for one of ``values``, in a batch of rows: thousands are one parameter."""
    if session.get_bind().dialect.name != "postgresql":
        found: ColumnElement[bool] = column.in_(values)
    else:
        found = column == any_(literal([*values], ARRAY(column.type)))
    return found


def _several(key: str | None, found: Sequence[tuple[int, Any]]) -> str:
    if len(found) < 2:
        return ""
    return f"{key}: {len(found)} customers have it ({_ids(found)}); give the id of one."


def _in_doubt(key: str | None, found: Sequence[tuple[int, Any]]) -> str:
    if not found:
        return ""
    return (
        f"{key}: It may be that of customer {_ids(found)}, {found[0][1]}: the letters I, İ, ı and i"
        " differ by language. Give the id."
    )


def _ids(found: Sequence[tuple[int, Any]]) -> str:
    shown = ", ".join(map(str, sorted(id_ for id_, _ in found)[:5]))
    return shown if len(found) <= 5 else f"{shown}, …"
