"""Connections past SQLAlchemy: a driver's errors as its own, and a lock that makes others wait."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session


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


#: Locks that let one transaction at a time go on, by engine. The number of a lock is arbitrary, but
#: always the same.
LOCKS = {
    "postgresql": f"SELECT pg_advisory_xact_lock({0x6F6D73})",
    "sqlite": "BEGIN IMMEDIATE",
}


def lock(connection: Connection) -> None:
    """Begin a transaction that no other one that did the same runs beside."""
    connection.exec_driver_sql(LOCKS[connection.dialect.name])


def session_on(connection: Connection) -> Session:
    """Return a session of our own. In a transaction of a host's it has a savepoint."""
    if not connection.in_transaction():
        return Session(connection)
    driver: Any = connection.connection.driver_connection
    # Python's sqlite3 has not begun yet. The end of a savepoint would commit it.
    if connection.dialect.name == "sqlite" and not driver.in_transaction:
        lock(connection)
    return Session(connection, join_transaction_mode="create_savepoint")
