"""Which customer a row is, and whether an earlier row was the same one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from ..letter_case import may_be_same, skeleton
from .rows import Row

#: The key that is the same in capitals and in small letters.
CASELESS = "email"

#: ``others`` holds what may be the same and is not (mike@ and mıke@), and keys of rows with an id.
TABLES = """
CREATE TABLE firsts (name, value, text, place, PRIMARY KEY (name, value)) WITHOUT ROWID;
CREATE TABLE others (name, value, text, place, identifies);
CREATE INDEX by_value ON others (name, value);
BEGIN"""

ADD_FIRST = "INSERT OR IGNORE INTO firsts VALUES (?, ?, ?, ?)"
ADD_OTHER = "INSERT INTO others VALUES (?, ?, ?, ?, ?)"

EARLIER = """
SELECT text, place, true FROM firsts WHERE (name, value) = (?, ?)
UNION ALL SELECT text, place, identifies FROM others WHERE (name, value) = (?, ?)"""


class Identity(NamedTuple):
    """The identity of a row.

    :param value: what all texts have in common that may be the same as ``text``.
    :param place: where the row is.
    """

    name: str
    value: Any
    text: Any
    place: str


class Identities:
    """The identities of the rows so far, in a file without a name that SQLite keeps and removes.

    A million of them would take a hundred megabytes of memory.

    :param key: the field that identifies a row without an id, where one does.
    """

    def __init__(self, key: str | None) -> None:
        self.key = key
        # Files are read by another thread than the one that makes and closes this.
        self._seen = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._seen.executescript(TABLES)
        self._names: set[str] = set()

    def name(self, row: Row) -> str:
        """Return the field that identifies ``row``."""
        return "id" if "id" in row.values or self.key is None else self.key

    def note(self, rows: Iterable[Row], file: str) -> None:
        """Note on rows of ``file`` that they have no identity, or that of an earlier one."""
        identified = [
            (row, _identity(self.name(row), row, file))
            for row in rows
            if not row.reason and self._has_identity(row)
        ]
        self._names.update(identity.name for _, identity in identified)
        if len(self._names) < 2 and self._add_all(identity for _, identity in identified):
            self._seen.executemany(ADD_OTHER, self._keys((row for row, _ in identified), file))
            return
        for row, identity in identified:
            self._add(row, identity)
            for key in self._keys([row], file):
                self._add_key(row, key)

    def note_found(self, rows: Sequence[Row], ids: Sequence[int | None], file: str) -> None:
        """Note on rows of ``file`` that an earlier one was the same customer.

        :param ids: of the customers that the rows are.
        """
        found = [
            (row, Identity("id", id_, id_, f"{file}, {row.place}"))
            for row, id_ in zip(rows, ids, strict=True)
            if id_ is not None
        ]
        if not self._add_all(identity for _, identity in found):
            for row, identity in found:
                self._add(row, identity)

    def close(self) -> None:
        """Forget them."""
        self._seen.close()

    def _has_identity(self, row: Row) -> bool:
        if row.values.get(self.name(row)) is not None:
            return True
        hint = "and no id" if self.key else "nor a --key"
        row.reason = f"{self.name(row)}: There is none, {hint}."
        return False

    def _keys(self, rows: Iterable[Row], file: str) -> Iterator[tuple[Any, ...]]:
        """Yield the keys of rows that are known by an id."""
        for row in rows if self.key else ():
            if not row.reason and self.name(row) == "id" and row.values.get(self.key) is not None:
                yield (*_identity(str(self.key), row, file), False)

    def _add_all(self, identities: Iterable[Identity]) -> bool:
        """Add identities that are all new, or none of them."""
        added = [*identities]
        self._seen.execute("SAVEPOINT added")
        before = self._seen.total_changes
        self._seen.executemany(ADD_FIRST, added)
        if self._seen.total_changes - before == len(added):
            self._seen.execute("RELEASE added")
            return True
        self._seen.execute("ROLLBACK TO added")
        return False

    def _add(self, row: Row, identity: Identity) -> None:
        """Add an identity that is new, or note on ``row`` that it is not."""
        if earlier := self._earlier(identity):
            row.reason = f"{identity.name}: {earlier}."
        elif not self._seen.execute(ADD_FIRST, identity).rowcount:
            self._seen.execute(ADD_OTHER, (*identity, True))

    def _add_key(self, row: Row, key: tuple[Any, ...]) -> None:
        """Add the key of a row with an id, or note on ``row`` that another is known by it."""
        *identity, _ = key
        if earlier := self._earlier(Identity(*identity), by_key=True):
            row.reason = f"{self.key}: {earlier}, which has no id."
        else:
            self._seen.execute(ADD_OTHER, key)

    def _earlier(self, identity: Identity, *, by_key: bool = False) -> str:
        """Return where the same identity is, as a sentence; nothing where it is not.

        :param by_key: whether only a row counts that is known by it.
        """
        name, value, text, _ = identity
        for other, place, identifies in self._seen.execute(EARLIER, (name, value, name, value)):
            if (name != CASELESS or may_be_same(text, other)) and (identifies or not by_key):
                hint = "" if text == other else ", but for the letters' case"
                return f"The same as in {place}{hint}"
        return ""


def _identity(name: str, row: Row, file: str) -> Identity:
    text = row.values[name]
    value = skeleton(text) if name == CASELESS else text
    return Identity(name, value, text, f"{file}, {row.place}")
