"""The commit horizon: the moment after which changes may still be on their way.

A row's stamp is taken before its transaction commits. A consumer that remembers the newest stamp
that it saw would lose what was stamped earlier and committed later, so the answer tells the
horizon, to go on from.

On PostgreSQL it is the start of the oldest transaction that is writing to the table: each holds a
lock on it from before it can stamp a row until it has committed. Newer rows wait. On SQLite there
is one writer at a time, and a stamp that is taken by the writing statement itself, as
:class:`omsflask.CustomerMixin` takes it, is no earlier than any that is committed: the horizon is
the newest of those, and nothing waits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Connection, Engine, Table, bindparam, func, select, text

from ..declarations.cells import adapted
from ..declarations.fields import format_utc
from ..declarations.services import BoundService, Query
from .connections import reading

#: Names the moment in an answer.
HEADER = "OMS-Complete-Until"

#: Until when a table is complete that holds nobody yet.
BEGINNING = datetime(1, 1, 1, tzinfo=UTC)

#: Whose start may not be seen (pg_read_all_stats) holds rows back as long as the bound allows, and
#: so does a prepared transaction, which no process holds. The time is the statement's: whoever
#: takes a lock after the locks were read, and a stamp, takes a later one. The function is what is
#: under pg_stat_activity, without the names of users and databases: half of the time.
OLDEST_WRITER = text(
    """
    SELECT greatest(
        least(statement_timestamp(), min(coalesce(
            (SELECT xact_start FROM pg_stat_get_activity(held.pid) WHERE held.pid IS NOT NULL),
            '-infinity'
        ))),
        statement_timestamp() - make_interval(secs => :seconds)
    ) - interval '1 microsecond'
    FROM pg_locks AS held
    WHERE held.relation = CAST(:table AS regclass)
        AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND held.mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock')
        AND held.pid IS DISTINCT FROM pg_backend_pid()
    """
)


def horizon(
    bind: Engine | Connection, listing: BoundService, query: Query, seconds: float
) -> datetime | None:
    """Return the moment up to which the rows of a query are complete, where that is asked.

    It has to be known before the snapshot is taken: whoever commits in between is then seen.

    :param seconds: how far it may lie back at most; 0 turns it off.
    """
    find = HORIZONS.get(bind.dialect.name)
    if not seconds or find is None or not listing.follows_changes(query):
        return None
    stamp = listing.stamp
    if not isinstance(stamp, Column) or not isinstance(stamp.table, Table):
        return None
    return find(bind, listing, seconds)


def settled(query: Query, bind: Engine | Connection, moment: datetime | None) -> Query:
    """Return the query without the rows that must wait; on SQLite none must.

    What is dated later there, by hand or just now, is met again by who goes on from the moment.
    """
    if moment is None or bind.dialect.name == "sqlite":
        return query
    return replace(query, horizon=moment)


def headers(moment: datetime | None) -> dict[str, str]:
    """Return what tells a consumer up to when it has seen everything."""
    return {} if moment is None else {HEADER: format_utc(moment)}


def _on_postgresql(bind: Engine | Connection, listing: BoundService, seconds: float) -> Any:
    stamp: Any = listing.stamp
    name = bind.dialect.identifier_preparer.format_table(stamp.table)
    values = {"table": name, "seconds": seconds}
    with reading(bind) as connection:
        return connection.scalar(OLDEST_WRITER, values)


def _on_sqlite(bind: Engine | Connection, listing: BoundService, _seconds: float) -> Any:
    stamp: Any = listing.stamp
    now, kind = adapted(stamp.type, datetime.now(UTC))
    newest = listing.statements.get("newest")
    if newest is None:
        newest = select(func.max(stamp)).where(stamp <= bindparam("now", now, type_=kind))
        listing.statements["newest"] = newest
    with reading(bind) as connection:
        moment = connection.scalar(newest, {"now": now})
    return moment if isinstance(moment, datetime) else BEGINNING


HORIZONS: dict[str, Callable[[Engine | Connection, BoundService, float], datetime | None]] = {
    "postgresql": _on_postgresql,
    "sqlite": _on_sqlite,
}
