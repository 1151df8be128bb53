"""The commit horizon: the moment before which no change is still on its way.

A row's stamp is taken before its transaction commits. A consumer that remembers the newest stamp
that it saw would lose what was stamped earlier and committed later, so rows wait that are newer
than the oldest transaction that is writing to their table.

On PostgreSQL a writing transaction holds a lock on the table from before it can stamp a row until
it has committed. On SQLite there is one writer at a time, and a stamp that is taken by the writing
statement itself, as :class:`omsflask.CustomerMixin` takes it, is later than all that are committed:
there nothing has to wait.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Engine, Table, text

from .columns import Expression
from .fields import format_utc
from .services import BoundService, Query

#: Names the moment in an answer.
HEADER = "OMS-Complete-Until"

#: Whose start may not be seen (pg_read_all_stats) holds rows back as long as the bound allows, and
#: so does a prepared transaction, which no process holds. The time is the statement's: whoever
#: takes a lock after the locks were read, and a stamp, takes a later one.
OLDEST_WRITER = text(
    """
    SELECT greatest(
        least(statement_timestamp(), min(coalesce(activity.xact_start, '-infinity'))),
        clock_timestamp() - make_interval(secs => :seconds)
    )
    FROM pg_locks AS held LEFT JOIN pg_stat_activity AS activity USING (pid)
    WHERE held.relation = CAST(:table AS regclass)
        AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND held.mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock')
        AND held.pid IS DISTINCT FROM pg_backend_pid()
    """
)


def horizon(
    bind: Engine | Connection, listing: BoundService, query: Query, seconds: float
) -> datetime | None:
    """Return the moment that the rows of a query must be older than, where they must.

    It has to be known before the snapshot is taken: whoever commits in between is then seen.

    :param seconds: how far it may lie back at most; 0 turns it off.
    """
    if not seconds or bind.dialect.name != "postgresql" or not listing.follows_changes(query):
        return None
    table = _table(listing.stamp)
    if table is None:
        return None
    name = bind.dialect.identifier_preparer.format_table(table)
    values = {"table": name, "seconds": seconds}
    if isinstance(bind, Connection):
        return bind.execute(OLDEST_WRITER, values).scalar()
    with bind.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        return connection.execute(OLDEST_WRITER, values).scalar()


def headers(moment: datetime | None) -> dict[str, str]:
    """Return what tells a consumer up to when it has seen everything."""
    return {} if moment is None else {HEADER: format_utc(moment)}


def _table(stamp: Expression | None) -> Table | None:
    table: Any = stamp.table if isinstance(stamp, Column) else None
    return table if isinstance(table, Table) else None
