"""Sessions: text in UTF-8 and moments in ISO 8601, whatever a host's connection is set to.

A database or a role may have other settings. A driver then gives text in another encoding, or
cannot read a moment at all. SQLite keeps any bytes as text: U+FFFD stands for those that are not
UTF-8.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

#: Beginnings of PostgreSQL's settings that the drivers can read.
SETTINGS = {"client_encoding": "UTF8", "DateStyle": "ISO", "IntervalStyle": "postgres"}
SET = text("SELECT set_config(:name, :value, false)")


def readable(connection: Connection, *, is_own: bool) -> AbstractContextManager[None]:
    """Let a connection give what can be read, and set it back in the end.

    :param is_own: whether no transaction of the host's is under way on it.
    """
    adjust = READABLE.get((connection.dialect.name, connection.dialect.driver))
    return nullcontext() if adjust is None else adjust(connection, is_own)


@contextmanager
def _sqlite(connection: Connection, _is_own: bool) -> Iterator[None]:
    driver: Any = connection.connection.driver_connection
    before, driver.text_factory = driver.text_factory, decoded
    try:
        yield
    finally:
        driver.text_factory = before


def decoded(data: bytes) -> str:
    """Return the text that SQLite keeps as ``data``."""
    return data.decode("utf-8", "replace")


@contextmanager
def _postgresql(connection: Connection, is_own: bool) -> Iterator[None]:
    driver: Any = connection.connection.driver_connection
    found = {name: driver.info.parameter_status(name) or "" for name in SETTINGS}
    others = {name: it for name, it in found.items() if not it.startswith(SETTINGS[name])}
    if not others:
        yield
        return
    _set(connection, {name: SETTINGS[name] for name in others}, is_own)
    try:
        yield
    finally:
        # A setting of a failed transaction ends with the transaction.
        with suppress(DBAPIError):
            _set(connection, others, is_own)


def _set(connection: Connection, values: Mapping[str, str], is_own: bool) -> None:
    if connection.invalidated or connection.closed:
        return
    if is_own:
        connection.rollback()
    for name, value in values.items():
        if connection.dialect.driver == "psycopg2" and name == "client_encoding":
            _set_encoding(connection, value, is_own)
        else:
            connection.scalar(SET, {"name": name, "value": value})
    if is_own:
        connection.commit()  # A setting goes as it came, with its transaction.


def _set_encoding(connection: Connection, value: str, is_own: bool) -> None:
    """Set the encoding of psycopg2, which ends a transaction for that, and reads others too."""
    driver: Any = connection.connection.driver_connection
    if is_own:
        connection.commit()
        driver.set_client_encoding(value)


#: By the names of a dialect and of its driver.
READABLE: dict[tuple[str, str], Callable[[Connection, bool], AbstractContextManager[None]]] = {
    ("sqlite", "pysqlite"): _sqlite,
    ("postgresql", "psycopg"): _postgresql,
    ("postgresql", "psycopg2"): _postgresql,
}
