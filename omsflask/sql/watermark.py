"""Watermark: the moment before which no change is on its way.

A row is stamped before its transaction commits. A consumer that remembers the newest stamp would
lose rows that were stamped earlier and committed later. The answer therefore holds the watermark,
and the consumer continues from there.

On PostgreSQL the watermark is the start of the oldest transaction that is writing to the table.
Each writer holds a lock on the table from before its first stamp until its commit. Newer rows wait.
Only locks on ordinary tables are visible, and on all parts of a partitioned or inherited table.
Writers behind a view or a foreign table are unknown: there is no watermark, and no row waits.

SQLite has one writer at a time. The writing statement takes the stamp, as in
:class:`omsflask.CustomerMixin`, so no committed stamp is later. The watermark is the newest stamp,
and no row waits.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Table, bindparam, func, select, text

from ..declarations.filters import Term
from ..declarations.services import BoundService
from ..declarations.values import adapted
from .database import Database
from .query import Query

#: Until when a table is complete that holds nobody yet.
BEGINNING = datetime(1, 1, 1, tzinfo=UTC)

#: A transaction whose start is hidden (pg_read_all_stats) holds rows back as long as the bound
#: allows. So does a prepared transaction, which no process holds. The time is that of
#: the statement: a writer that locks the table after the locks were read takes a later stamp. The
#: function is that of pg_stat_activity without names of users and databases: half of the time.
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

#: For a table without parents and children.
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

#: For partitioned and inherited tables: a program may write to any part of them.
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
            parameters[it].column == stamp and parameters[it].lookup.narrows_from_below
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

    A later date, set by hand or just now, comes again in the next pull from that moment.
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
