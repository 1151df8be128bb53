"""The standalone app's engine: its pool, and every wait with an end. A host's is never touched."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from threading import Lock
from time import monotonic
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from sqlalchemy import URL, Engine, event
from sqlalchemy import Connection as Reading
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import QueuePool

from ..sql.database import ON_EXPORT

#: Timeouts that commands switch off.
WITHOUT_TIMEOUTS = {
    "OMS_STATEMENT_TIMEOUT_SECONDS": 0,
    "OMS_LOCK_TIMEOUT_SECONDS": 0,
    "OMS_SILENCE_TIMEOUT_SECONDS": 0,
    "OMS_EXPORT_TIMEOUT_SECONDS": 0,
}

#: After so long a rest a connection is asked whether it still lives, though nothing was heard.
IDLE_SECONDS = 5.0

#: After a failed attempt to connect, others are not made for so long.
BREAK_SECONDS = 1.0


def options(url: URL, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the engine of ``url`` is made with."""
    made: dict[str, Any] = {"hide_parameters": True}
    dialect: Any = url.get_dialect()
    if dialect.get_pool_class(url) is QueuePool:
        # On SQLite a count is known to the connection that made it: let it be the same one.
        made["pool_use_lifo"] = True
    if url.get_backend_name() == "sqlite":
        return made
    return made | {
        "pool_size": config["OMS_POOL_SIZE"],
        "max_overflow": 0,
        "pool_timeout": config["OMS_POOL_TIMEOUT_SECONDS"],
        "pool_recycle": config["OMS_POOL_RECYCLE_SECONDS"],
        "pool_pre_ping": url.get_driver_name() != "psycopg",
        "connect_args": _in_their_types(url),
    }


def _in_their_types(url: URL) -> dict[str, Any]:
    """Return what psycopg takes as a number and no server's name for it: a URL is all text."""
    name = "prepare_threshold"
    text = url.query.get(name)
    if text is None or url.get_driver_name() != "psycopg":
        return {}
    if not (isinstance(text, str) and text.isdecimal()):
        raise ValueError(f"{name} must be a whole number, not {text!r}.")
    return {name: int(text)}


def is_in_instance(url: URL) -> bool:
    """Whether a database is a file in ``instance/``, where a relative path of SQLite starts."""
    file = (url.database or ":memory:").removeprefix("file:")
    return url.get_backend_name() == "sqlite" and file != ":memory:" and not os.path.isabs(file)


def prepare(engine: Engine, config: Mapping[str, Any]) -> None:
    """Let each connection of ``engine`` begin as this service needs it."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "do_connect", _create_sqlite)
        event.listen(engine, "connect", _prepare_sqlite)
        return
    event.listen(engine, "do_connect", CircuitBreaker(config))
    if engine.dialect.driver == "psycopg":
        event.listen(engine, "checkout", PrePing(engine, config["OMS_CONNECT_TIMEOUT_SECONDS"]))
        event.listen(engine, "checkin", _note_idle)
    seconds = config["OMS_EXPORT_TIMEOUT_SECONDS"]
    engine.update_execution_options(**{ON_EXPORT: lambda connection: _allow(connection, seconds)})


class CircuitBreaker:
    """Opens connections, and while that fails only one at a time.

    Each waiting request would keep a thread busy, so one request at a time tries to connect and the
    others fail at once.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config
        self._lock = Lock()
        self._shut_until = 0.0

    def __call__(self, dialect: Any, _record: Any, args: Any, parameters: dict[str, Any]) -> Any:
        """Open a connection."""
        self._pass(dialect)
        timeout = self._config["OMS_CONNECT_TIMEOUT_SECONDS"]
        # Some versions of SQLAlchemy pass the same dictionary for every connection.
        parameters = dict(parameters)
        parameters.setdefault("connect_timeout", timeout)
        parameters.setdefault("client_encoding", "utf8")
        parameters["options"] = f"{self._settings()} {parameters.get('options', '')}".strip()
        try:
            connection = self._connect(dialect, args, parameters)
        except BaseException:
            self._shut_until = monotonic() + BREAK_SECONDS
            raise
        self._shut_until = 0.0
        return connection

    def _pass(self, dialect: Any) -> None:
        with self._lock:
            if monotonic() < self._shut_until:
                raise dialect.loaded_dbapi.OperationalError("no connection was to be had just now")
            if self._shut_until:
                patience = self._config["OMS_CONNECT_TIMEOUT_SECONDS"] + BREAK_SECONDS
                self._shut_until = monotonic() + patience

    def _connect(self, dialect: Any, args: Any, parameters: dict[str, Any]) -> Any:
        if dialect.driver != "psycopg":
            return dialect.connect(*args, **parameters)
        from .psycopg_timeout import Connection  # psycopg is there only where it is used.

        # pgbouncer may run a prepared statement on a connection that does not know it.
        parameters.setdefault("prepare_threshold", None)
        connection = Connection.connect(*args, **parameters)
        connection.silence = self._config["OMS_SILENCE_TIMEOUT_SECONDS"]
        return connection

    def _settings(self) -> str:
        """Return the server's settings; those of the URL come behind them and so win."""
        names = ("statement_timeout", "lock_timeout")
        seconds = {name: self._config[f"OMS_{name.upper()}_SECONDS"] for name in names}
        timeouts = [f"-c {name}={round(it * 1000)}" for name, it in seconds.items() if it]
        return " ".join(["-c datestyle=ISO", *timeouts])


class PrePing:
    """Asks a connection that rested, or that was told something, whether it still lives."""

    def __init__(self, engine: Engine, seconds: float) -> None:
        self._dialect: Any = engine.dialect
        self._seconds = seconds

    def __call__(self, connection: Any, record: Any, _fairy: Any) -> None:
        """Refuse a dead connection: the pool opens another in its place."""
        rested = monotonic() - record.info.get("idle_since", monotonic())
        if rested < IDLE_SECONDS and not connection.has_news():
            return
        try:
            with connection.silent_at_most(self._seconds):
                self._dialect.do_ping(connection)
        except self._dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error


def _note_idle(connection: Any, record: Any) -> None:
    if connection is not None:
        record.info["idle_since"] = monotonic()


def _allow(connection: Reading, seconds: float) -> None:
    """Let the statements of this transaction take ``seconds``."""
    time = f"{round(seconds * 1000)}"
    connection.exec_driver_sql(
        "SELECT set_config('statement_timeout', %(time)s, true),"
        " set_config('idle_in_transaction_session_timeout', %(time)s, true)",
        {"time": time},
    )


def _create_sqlite(_dialect: Any, _record: Any, args: Any, parameters: Any) -> None:
    """Create SQLite's file for its owner alone. SQLite gives -wal and -shm the same rights."""
    file = str(args[0])
    if parameters.get("uri") and file.startswith("file:"):
        uri = urlsplit(file)
        if dict(parse_qsl(uri.query)).get("mode", "rwc") != "rwc":
            return
        file = unquote(uri.path)
    if file not in ("", ":memory:"):
        with suppress(OSError):  # SQLite itself says why a file cannot be opened.
            os.close(os.open(file, os.O_CREAT | os.O_EXCL, 0o600))


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    for pragma in ("busy_timeout = 5000", "synchronous = NORMAL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")
