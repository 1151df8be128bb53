"""Connections to read by: the host's engine, found through its session, and one snapshot."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from sqlalchemy import Connection, Engine, String, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.pool import SingletonThreadPool, StaticPool
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction


def bind_of(session: Callable[[], Session], model: type[Any]) -> Engine | Connection:
    """Return what ``model``'s rows are reached by.

    :param session: gives a session of the host's. It is only asked for its bind: no transaction of
        the host's is begun, joined or ended.
    """
    return session().get_bind(model)


#: The execution option of an engine that wants to know of a connection that all will be read by.
#: It is called with it, in the snapshot's transaction. A host's engine has none.
WHOLE = "oms_whole"


@contextmanager
def reading(bind: Engine | Connection) -> Iterator[Connection]:
    """Open a connection, each of whose statements sees the newest state, and give it back.

    A host whose session is bound to a connection (in its tests, say) is read by just that one.
    """
    if isinstance(bind, Connection):
        yield bind
        return
    with bind.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(isolation_level="AUTOCOMMIT")
        yield connection


@contextmanager
def snapshot(bind: Engine | Connection, *, whole: bool = False) -> Iterator[Connection]:
    """Open a connection whose reads see one state of the database, and give it back.

    :param whole: whether a selection is read to its end, which may take longer than a page.
    """
    with reading(bind) as connection:
        begin_snapshot(bind, connection)
        prepare = connection.get_execution_options().get(WHOLE)
        if whole and prepare and connection is not bind:
            prepare(connection)
        yield connection


def begin_snapshot(bind: Engine | Connection, connection: Connection) -> None:
    """Begin a read-only transaction in which all statements see the same rows.

    :param connection: that ``bind`` has given.
    """
    if connection is bind:
        return
    if connection.in_transaction():
        connection.rollback()
    if connection.dialect.name == "postgresql":
        connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        return
    # Python's sqlite3 begins a transaction before it writes, not before it reads. An in-memory
    # database may share its one connection with a transaction of the host's.
    driver = connection.connection.driver_connection
    if driver is not None and not driver.in_transaction:
        driver.execute("BEGIN")


@contextmanager
def driver_errors(connection: Connection) -> Iterator[None]:
    """Let errors be SQLAlchemy's where its driver is called without it.

    As SQLAlchemy does, it keeps a connection that is lost out of the pool.
    """
    dialect: Any = connection.dialect
    driver = connection.connection.driver_connection
    try:
        yield
    except dialect.loaded_dbapi.Error as error:
        lost = dialect.is_disconnect(error, driver, None)
        if lost:
            connection.invalidate(error)
        kind = dialect.loaded_dbapi.Error
        raise DBAPIError.instance(
            None, None, error, kind, connection_invalidated=lost, dialect=dialect
        ) from error


#: Any number will do, as long as it is always the same.
ADVISORY_LOCK = 0x6F6D73


def lock(connection: Connection) -> None:
    """Begin a transaction that no other one that did the same runs beside."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(select(func.pg_advisory_xact_lock(ADVISORY_LOCK)))


# A replica's snapshots do not list the transactions that are still running between their ends. In
# a subquery it is made once, and not for each row, as SQLite's is too.
STATE = """(SELECT concat(pg_current_snapshot(), CASE
    WHEN pg_is_in_recovery()
        AND pg_snapshot_xmin(pg_current_snapshot()) <> pg_snapshot_xmax(pg_current_snapshot())
    THEN clock_timestamp() END))"""


class state(GenericFunction[str]):  # noqa: N801
    """SQL for a text that stays the same, for a connection, only while nobody has committed."""

    type = String()
    inherit_cache = True


@compiles(state, "postgresql")
def _postgresql(_element: state, _compiler: SQLCompiler, **_: Any) -> str:
    return STATE


@compiles(state, "sqlite")
def _sqlite(_element: state, _compiler: SQLCompiler, **_: Any) -> str:
    return "(SELECT data_version || '-' || total_changes() FROM pragma_data_version)"


#: Sets this process's connections apart from those of any other.
PROCESS = secrets.token_hex(8)

_numbers = count(1)


def origin(bind: Engine | Connection, connection: Connection) -> str | None:
    """Return whose :class:`state` it is that ``connection`` sees, which ``bind`` has given.

    On PostgreSQL all connections see the same one; on SQLite each has its own.

    :returns: none where somebody else's transaction may be under way on it, whose changes, and
        whose rollback, no state tells.
    """
    if isinstance(bind, Connection) or isinstance(bind.pool, SHARED):
        return None
    if connection.dialect.name == "postgresql":
        return ""
    number = connection.info.setdefault("oms_number", next(_numbers))
    return f"{PROCESS}-{number}"


#: Pools that give one connection to several at a time.
SHARED = (StaticPool, SingletonThreadPool)
