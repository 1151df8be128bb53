"""Watermark: the moment before which no change is on its way.

A row's stamp is taken before its transaction commits. A consumer that remembers the newest stamp
that it saw would lose what was stamped earlier and committed later, so the answer tells the
watermark, to go on from.

On PostgreSQL it is the start of the oldest transaction that is writing to the table: each holds a
lock on it from before it can stamp a row until it has committed. Newer rows wait. Locks are seen of
ordinary tables alone, of all that a partitioned table or an inheritance is made of. Behind a view
or a foreign table nobody knows who writes: there is no watermark, and no row waits.

On SQLite there is one writer at a time, and a stamp that is taken by the writing statement itself,
as :class:`omsflask.CustomerMixin` takes it, is no earlier than any that is committed: the watermark
is the newest of those, and nothing waits.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Table, bindparam, func, select, text

from ..declarations.filters import Term
from ..declarations.services import BoundService
from ..declarations.values import adapted
from .connections import Database
from .query import Query

#: Lookups that narrow rows from below.
FROM_BELOW = ("gt", "gte", "range")

#: Until when a table is complete that holds nobody yet.
BEGINNING = datetime(1, 1, 1, tzinfo=UTC)

#: Whose start may not be seen (pg_read_all_stats) holds rows back as long as the bound allows, and
#: so does a prepared transaction, which no process holds. The time is the statement's: whoever
#: takes a lock after the locks were read, and a stamp, takes a later one. The function is what is
#: under pg_stat_activity, without the names of users and databases: half of the time.
OLDEST_WRITER = """
    SELECT greatest(
        least(statement_timestamp(), min(coalesce(
            (SELECT xact_start FROM pg_stat_get_activity(held.pid) WHERE held.pid IS NOT NULL),
            '-infinity'
        ))),
        statement_timestamp() - make_interval(secs => :seconds)
    ) - interval '1 microsecond'
    FROM pg_locks AS held
    WHERE held.relation {}
        AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND held.mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock')
        AND held.pid IS DISTINCT FROM pg_backend_pid()
    HAVING {}"""

#: Of a table that has no other above or below it.
OF_A_TABLE = text(
    OLDEST_WRITER.format(
        "= CAST(to_regclass(:table) AS oid)",
        """(SELECT relkind = 'r' AND NOT relhassubclass FROM pg_class
            WHERE oid = to_regclass(:table))
        AND NOT EXISTS (SELECT 1 FROM pg_inherits WHERE inhrelid = to_regclass(:table))""",
    )
)

TREE = """
    WITH RECURSIVE above AS (
        SELECT CAST(to_regclass(:table) AS oid) AS oid
        UNION SELECT inhparent FROM pg_inherits JOIN above ON inhrelid = oid),
    tree AS (
        SELECT oid FROM above
        UNION SELECT inhrelid FROM pg_inherits JOIN tree ON inhparent = oid)"""

#: Of all that a partitioned table or an inheritance is made of: any of it may be written to.
OF_A_TREE = text(
    TREE
    + OLDEST_WRITER.format(
        "IN (SELECT oid FROM tree)",
        """(SELECT bool_and(coalesce(relkind IN ('r', 'p'), false))
            FROM tree LEFT JOIN pg_class USING (oid))""",
    )
)


def follows_changes(listing: BoundService, query: Query) -> bool:
    """Whether a query narrows its rows from below, or sorts them upwards, by their stamp."""
    stamp, parameters = listing.service.stamp, listing.service.filters.parameters
    return listing.stamp is not None and (
        Term(stamp) in query.order
        or any(
            parameters[it].column == stamp and parameters[it].lookup in FROM_BELOW
            for it in query.filters
        )
    )


def watermark(
    database: Database, listing: BoundService, query: Query, seconds: float
) -> datetime | None:
    """Return the moment up to which the rows of a query are complete, where that is asked.

    It has to be known before the snapshot is taken: whoever commits in between is then seen.

    :param seconds: how far it may lie back at most; 0 turns it off.
    :returns: none where it is not asked for, or cannot be known.
    """
    find = WATERMARKS.get(database.dialect.name)
    if not seconds or find is None or not follows_changes(listing, query):
        return None
    stamp = listing.stamp
    if not isinstance(stamp, Column) or not isinstance(stamp.table, Table):
        return None
    return find(database, listing, seconds)


def waiting_for(database: Database, moment: datetime | None) -> datetime | None:
    """Return the moment that rows must not be newer than; on SQLite none must wait.

    What is dated later there, by hand or just now, is met again by who goes on from the moment.
    """
    return moment if database.is_postgresql else None


def _on_postgresql(database: Database, listing: BoundService, seconds: float) -> Any:
    stamp: Any = listing.stamp
    with database.reading() as connection:
        values = {"table": database.relation(stamp.table), "seconds": seconds}
        # Without a row it is no such table.
        return connection.scalar(OF_A_TABLE, values) or connection.scalar(OF_A_TREE, values)


def _on_sqlite(database: Database, listing: BoundService, _seconds: float) -> Any:
    stamp: Any = listing.stamp
    now, kind = adapted(stamp.type, datetime.now(UTC))
    newest = listing.statements.get("newest")
    if newest is None:
        newest = select(func.max(stamp)).where(stamp <= bindparam("now", now, type_=kind))
        listing.statements["newest"] = newest
    with database.reading() as connection:
        moment = connection.scalar(newest, {"now": now})
    return moment if isinstance(moment, datetime) else BEGINNING


WATERMARKS: dict[str, Callable[[Database, BoundService, float], datetime | None]] = {
    "postgresql": _on_postgresql,
    "sqlite": _on_sqlite,
}
