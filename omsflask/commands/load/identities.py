"""Which customer a row is, and whether an earlier row was the same one."""

from __future__ import annotations

import sqlite3

from .rows import Row


class Identities:
    """What identifies the rows so far, in a file without a name that SQLite keeps and removes.

    A million of them would take a hundred megabytes of memory.

    :param key: the field that identifies a row without an id, where one does.
    """

    def __init__(self, key: str | None) -> None:
        self._key = key
        self._seen = sqlite3.connect("", isolation_level=None)
        self._seen.execute(
            "CREATE TABLE seen (name, value, place, PRIMARY KEY (name, value)) WITHOUT ROWID"
        )
        self._seen.execute("BEGIN")

    def name(self, row: Row) -> str:
        """Return the field that identifies ``row``."""
        return "id" if "id" in row.values or self._key is None else self._key

    def note(self, row: Row, file: str) -> None:
        """Note on a row of ``file`` when it has no identity, or that of an earlier one."""
        name = self.name(row)
        value = row.values.get(name)
        if value is None:
            row.reason = f"{name}: There is none, {'and no id' if self._key else 'nor a --key'}."
            return
        place = f"{file}, {row.place}"
        if not self._seen.execute(
            "INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", (name, value, place)
        ).rowcount:
            [earlier] = self._seen.execute(
                "SELECT place FROM seen WHERE name = ? AND value = ?", (name, value)
            ).fetchone()
            row.reason = f"{name}: The same as in {earlier}."

    def close(self) -> None:
        """Forget them."""
        self._seen.close()
