"""Rows into the database: added, changed or left, a batch at a time."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Table, func, insert, inspect, select
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from ...tables.create import advance
from ...tables.staging import lock_writes
from ..faults import sentence
from .finding import Finder, among
from .identities import Identities
from .rows import Row
from .writing import STAMP, Change, Writer

#: Rows of a batch that the database may refuse one by one. Beyond that it is no matter of rows.
MAX_REFUSED = 100

#: SQLite asks for a lock at least ten times a second.
GIVE_WAY_SECONDS = 0.12


@dataclass(frozen=True)
class Outcome:
    """The result of a batch, beside the reasons on its rows.

    :param unchanged: how many rows are stored already.
    """

    changes: Sequence[Change]
    unchanged: int


@dataclass(frozen=True)
class Store:
    """Where customers are kept: models with the mixins' columns.

    :param columns: the attributes that may be written.
    :param key: the field that identifies a row without an id, where one does.
    :param found: the customers that rows were found to be.
    :param channels: the ids of channels that are there, as far as they were asked for.
    """

    session: Session
    customer: type[Any]
    channel: type[Any]
    columns: Sequence[str]
    key: str | None
    found: Identities
    writes: bool
    creates_channels: bool
    channels: set[int] = field(default_factory=set)

    def put(self, rows: Sequence[Row], file: str) -> Outcome:
        """Add or change the customers that rows are, or note on a row why that cannot be.

        Nobody else writes to the table meanwhile: what is looked up still holds when it is written.
        Nothing is committed.

        :param file: the name of what the rows are from.
        """
        if not self.session.in_transaction():
            self._begin()
        self._find_channels(rows)
        ids = Finder(self.session, self.customer, self.key).find(rows)
        if self.key:
            self.found.note_found(rows, ids, file)
        changes, unchanged = self._compare(rows, ids)
        if self.writes and changes:
            self._write(changes)
            changes = [change for change in changes if not change.row.reason]
        return Outcome(changes, unchanged)

    def commit(self) -> None:
        """Commit what was put."""
        self.session.commit()

    def give_way(self) -> None:
        """Let others write: SQLite's writers are not told that they may, they ask now and then."""
        if self.session.get_bind().dialect.name == "sqlite":
            time.sleep(GIVE_WAY_SECONDS)

    @cached_property
    def _writer(self) -> Writer:
        return Writer(self.session, self.customer, self.columns)

    def _begin(self) -> None:
        connection = self.session.connection()
        if connection.dialect.name == "postgresql":
            # Elsewhere the end of the year 9999 lies in one that Python has not.
            connection.exec_driver_sql("SET LOCAL TIME ZONE 'UTC'")
        if self.writes:
            lock_writes(connection, _table(self.customer))

    def _find_channels(self, rows: Sequence[Row]) -> None:
        """Note on rows whose channel is unknown, or create it."""
        wanted = {row.values.get("channel_id") for row in rows if not row.reason} - {None}
        if asked := wanted - self.channels:
            statement = select(self.channel.id).where(self.channel.id.in_(asked))
            self.channels.update(self.session.scalars(statement))
        missing = wanted - self.channels
        if self.creates_channels:
            self._create_channels(missing)
            return
        for row in rows if missing else ():
            if not row.reason and row.values.get("channel_id") in missing:
                row.reason = (
                    f"channel: There is no channel {row.values['channel_id']} (--create-channels)."
                )

    def _create_channels(self, ids: Collection[int]) -> None:
        if ids and self.writes:
            rows = [{"id": it, "name": f"Channel {it}"} for it in sorted(ids)]
            self.session.execute(insert(self.channel), rows)
            advance(self.session.connection(), _table(self.channel))
        self.channels.update(ids)

    def _compare(self, rows: Sequence[Row], ids: Sequence[int | None]) -> tuple[list[Change], int]:
        """Return what rows change, and how many change nothing."""
        last = self.session.scalar(select(func.max(self.customer.id)))
        stored = self._stored(
            [it for it in ids if it is not None and last is not None and it <= last]
        )
        changes, unchanged = [], 0
        for row, id_ in zip(rows, ids, strict=True):
            if row.reason:
                continue
            before = stored.get(id_)
            change = Change(row, row.values, {}) if before is None else _change(row, before)
            if change:
                changes.append(change)
            else:
                unchanged += 1
        return changes, unchanged

    def _stored(self, ids: Sequence[int]) -> dict[int | None, Mapping[str, Any]]:
        """Return the customers with ``ids``."""
        if not ids:
            return {}
        columns = [getattr(self.customer, it) for it in self.columns]
        statement = select(*columns).where(among(self.session, self.customer.id, ids))
        place = self.columns.index("id")
        return {
            row[place]: dict(zip(self.columns, map(_in_utc, row), strict=True))
            for row in self.session.execute(statement)
        }

    def _write(self, changes: Sequence[Change], refused: int = 0) -> int:
        """Write ``changes``, or note on a row why the database does not take it.

        :param refused: how many it did not take until now.
        :returns: how many it did not take until then.
        """
        try:
            with self.session.begin_nested():
                self._writer.write(changes)
        except (DataError, IntegrityError, UnicodeEncodeError) as error:
            if refused >= MAX_REFUSED:
                raise
            if len(changes) == 1:
                changes[0].row.reason = f"The database does not take it: {sentence(error)}."
                return refused + 1
            middle = len(changes) // 2
            refused = self._write(changes[:middle], refused)
            return self._write(changes[middle:], refused)
        return refused


def _change(row: Row, before: Mapping[str, Any]) -> Change | None:
    """Return what ``row`` changes of a customer."""
    values = row.values
    differing = {name: before[name] for name in values if before[name] != values[name]}
    if not differing:
        return None
    # A date that is given is set too, or the database would stamp the row.
    written = {name: values[name] for name in (*differing, STAMP) if name in values}
    keeps_stamp = values.get(STAMP) == before[STAMP]
    return Change(row, {**written, "id": before["id"]}, differing, keeps_stamp)


def _table(model: type[Any]) -> Table:
    table: Table = inspect(model).local_table
    return table


def _in_utc(value: Any) -> Any:
    if not isinstance(value, datetime):
        return value
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
