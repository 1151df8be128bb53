"""Rows into the database: added, changed or left, a batch at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Table, insert, inspect, select, update
from sqlalchemy.orm import Session

from ...sql.connections import lock
from ...tables.sequences import advance
from .rows import Row

Values = Mapping[str, Any]

STAMP = "modified_date"


@dataclass(frozen=True)
class Tally:
    """What became of rows."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.added + other.added,
            self.changed + other.changed,
            self.unchanged + other.unchanged,
            self.refused + other.refused,
        )


@dataclass(frozen=True)
class Changes:
    """What rows change.

    :param dated: dates that stay while other values change. The table's trigger takes such a date
        for none and stamps the row, so that it is set once more.
    """

    added: list[Values] = field(default_factory=list)
    changed: list[Values] = field(default_factory=list)
    dated: list[Values] = field(default_factory=list)

    def compare(self, stored: Values, given: Values) -> None:
        """Note what ``given`` changes of a customer."""
        if all(stored[name] == value for name, value in given.items()):
            return
        self.changed.append({**given, "id": stored["id"]})
        if given.get(STAMP) == stored[STAMP]:
            self.dated.append({"id": stored["id"], STAMP: stored[STAMP]})


@dataclass(frozen=True)
class Store:
    """Where customers are kept: models with the mixins' columns.

    :param columns: the attributes that may be written.
    :param known: the ids of channels that are there, as far as they were asked for.
    """

    session: Session
    customer: type[Any]
    channel: type[Any]
    columns: Collection[str]
    writes: bool
    creates_channels: bool
    known: set[int] = field(default_factory=set)

    def put(self, rows: Sequence[Row], identity: Callable[[Row], str]) -> Tally:
        """Add or change the customers that rows are, or note on a row why that cannot be.

        Nobody else writes to the table meanwhile: what is looked up still holds when it is written.
        Nothing is committed.

        :param identity: the name of what identifies a row.
        """
        self._begin()
        self._find_channels(rows)
        by_name = defaultdict(list)
        for row in rows:
            if not row.reason:
                by_name[identity(row)].append(row)
        changes = Changes()
        for name, group in by_name.items():
            self._compare(name, group, changes)
        if self.writes:
            self._write(changes)
        refused = sum(bool(row.reason) for row in rows)
        added, changed = len(changes.added), len(changes.changed)
        return Tally(added, changed, len(rows) - refused - added - changed, refused)

    def _compare(self, name: str, rows: Sequence[Row], changes: Changes) -> None:
        """Find out what rows change, which are identified by ``name``."""
        stored = self._stored(name, [row.values[name] for row in rows])
        for row in rows:
            same = stored.get(row.values[name], [])
            if not same:
                changes.added.append(row.values)
            elif len(same) > 1:
                row.reason = f"{name}: {len(same)} customers have it; give the id of one."
            else:
                changes.compare(same[0], row.values)

    def _stored(self, name: str, values: Sequence[Any]) -> dict[Any, list[Values]]:
        """Return the customers with one of ``values``, by it."""
        columns = [getattr(self.customer, it).label(it) for it in self.columns]
        statement = select(*columns).where(getattr(self.customer, name).in_(values))
        found: dict[Any, list[Values]] = defaultdict(list)
        for row in self.session.execute(statement):
            values_of = {it: _in_utc(value) for it, value in row._mapping.items()}
            found[values_of[name]].append(values_of)
        return found

    def _find_channels(self, rows: Sequence[Row]) -> None:
        """Note on rows whose channel is unknown, or create it."""
        wanted = {row.values.get("channel_id") for row in rows if not row.reason} - {None}
        if asked := wanted - self.known:
            statement = select(self.channel.id).where(self.channel.id.in_(asked))
            self.known.update(self.session.scalars(statement))
        missing = wanted - self.known
        if self.creates_channels:
            self._create_channels(missing)
            return
        for row in rows:
            if not row.reason and row.values.get("channel_id") in missing:
                row.reason = (
                    f"channel: There is no channel {row.values['channel_id']} (--create-channels)."
                )

    def _create_channels(self, ids: Collection[int]) -> None:
        if ids and self.writes:
            rows = [{"id": it, "name": f"Channel {it}"} for it in sorted(ids)]
            self.session.execute(insert(self.channel), rows)
            advance(self.session.connection(), _table(self.channel))
        self.known.update(ids)

    def _write(self, changes: Changes) -> None:
        if changes.added:
            # Else rows would be grouped by which of their values are null.
            options = {"render_nulls": True}
            self.session.execute(insert(self.customer), changes.added, execution_options=options)
            if any("id" in values for values in changes.added):
                advance(self.session.connection(), _table(self.customer))
        for updates in (changes.changed, changes.dated):
            if updates:
                self.session.execute(update(self.customer), updates)

    def _begin(self) -> None:
        connection = self.session.connection()
        if connection.dialect.name == "postgresql":
            # Elsewhere the end of the year 9999 lies in one that Python has not.
            connection.exec_driver_sql("SET LOCAL TIME ZONE 'UTC'")
        if self.writes:
            self._lock(connection)

    def _lock(self, connection: Connection) -> None:
        if connection.dialect.name == "sqlite":
            driver: Any = connection.connection.driver_connection
            if not driver.in_transaction:
                lock(connection)
            return
        table = connection.dialect.identifier_preparer.format_table(_table(self.customer))
        connection.exec_driver_sql(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")


def _table(model: type[Any]) -> Table:
    table: Table = inspect(model).local_table
    return table


def _in_utc(value: Any) -> Any:
    if not isinstance(value, datetime):
        return value
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
