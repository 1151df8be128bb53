"""Database: the one way by which a request reaches its rows, and one snapshot to read from.

A :class:`Database` is a host's engine with the options that the host gave it: a schema map, a
tenant, listeners. Everything that a request reads goes through one.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, Table
from sqlalchemy.orm import Session
from sqlalchemy.pool import SingletonThreadPool, StaticPool

from .dialects import check_served
from .sessions import readable

Bind = Engine | Connection

#: The execution option of an engine that wants to know of a connection that all will be read by.
#: It is called with it, in the snapshot's transaction. A host's engine has none.
ON_EXPORT = "oms_on_export"

#: The execution option of a connection that came in a transaction, begun by a host's listener.
BEGUN = "oms_begun"

#: Styles of parameters for which SQLAlchemy doubles the percent signs of names.
FORMATTING = ("format", "pyformat")

#: How SQLAlchemy names a listener that changes no statement.
WATCHING = ("wrap_before_execute", "wrap_before_cursor_execute")


@dataclass(frozen=True)
class Database:
    """An engine, or a connection that a host's session is bound to, and the options to use it with.

    :param options: the session's own execution options, beside those of the bind.
    """

    bind: Bind
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, session: Callable[[], Session], model: type[Any]) -> Database:
        """Return the database of a host's session, as that session would reach ``model``.

        :raises UnservedDatabase: when it is neither SQLite nor PostgreSQL.
        """
        asked = session()
        bind = asked.get_bind(model)
        check_served(bind.dialect)
        return cls(bind, getattr(asked, "execution_options", {}))

    @cached_property
    def dialect(self) -> Dialect:
        """The dialect, one object for each engine that was created."""
        return self.bind.dialect

    @cached_property
    def is_postgresql(self) -> bool:
        """Whether the server is PostgreSQL."""
        return self.dialect.name == "postgresql"

    @cached_property
    def all_options(self) -> Mapping[str, Any]:
        """The execution options that a statement runs with."""
        return {**self.bind.get_execution_options(), **self.options}

    @cached_property
    def key(self) -> Hashable:
        """The identity of this database; none if no answer of it may be cached.

        :returns: none for a connection of the host's, because its transaction may hold changes.
            None for a pool that has a database for each thread. None if a listener acts as a
            transaction begins, or changes statements. None if an option has no hash.
        """
        if isinstance(self.bind, Connection) or isinstance(self.bind.pool, SingletonThreadPool):
            return None
        if self.begins_by_itself or _changes_statements(self.bind):
            return None
        try:
            return self.dialect, frozen(self.all_options)
        except TypeError:
            return None

    @property
    def is_shared(self) -> bool:
        """Whether all use one connection at a time, and see what others have not committed."""
        return isinstance(self.bind, Engine) and isinstance(self.bind.pool, StaticPool)

    @cached_property
    def begins_by_itself(self) -> bool:
        """Whether a listener acts as a transaction begins: by ``SET LOCAL``, say."""
        return bool(self.bind.dispatch.begin)

    @property
    def is_sent_as_compiled(self) -> bool:
        """Whether SQL that is sent past SQLAlchemy says the same: no name or text is changed."""
        engine = self.bind if isinstance(self.bind, Engine) else self.bind.engine
        return "schema_translate_map" not in self.all_options and not _changes_statements(engine)

    def beside(self, engine: Engine) -> Database:
        """Return another engine of the same data, used with the options of this one."""
        own = {name: it for name, it in self.all_options.items() if name != ON_EXPORT}
        return Database(engine, own)

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """Open a connection with the options, and give it back; a host's own stays as it is."""
        if isinstance(self.bind, Connection):
            with readable(self.bind, is_own=False):
                yield self.bind
            return
        with self.bind.connect() as connection:
            if self.options:
                connection.execution_options(**self.options)
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a connection, each of whose statements sees the newest state, and give it back."""
        with self.connected() as connection:
            if self.is_postgresql and connection is not self.bind:
                self._autocommit(connection)
            with readable(connection, is_own=not connection.get_execution_options().get(BEGUN)):
                yield connection

    def _autocommit(self, connection: Connection) -> None:
        """Save the round trips of a transaction, where nothing is lost by that.

        ``SET LOCAL`` of a listener lasts only until the end of the transaction.
        """
        if connection.in_transaction() or _is_in_transaction(connection):
            connection.execution_options(**{BEGUN: True})
        elif not self.begins_by_itself:
            connection.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction and commit it.

        One that a host's connection is in is the host's to end.
        """
        with self.connected() as connection:
            if connection is self.bind:
                yield connection
                return
            with connection.begin():
                yield connection

    @contextmanager
    def snapshot(self, *, whole: bool = False) -> Iterator[Connection]:
        """Open a connection whose reads see one state of the database, and give it back.

        :param whole: whether a selection is read to its end, which may take longer than a page.
        """
        with self.reading() as connection:
            self.begin_snapshot(connection)
            prepare = connection.get_execution_options().get(ON_EXPORT)
            if whole and prepare and connection is not self.bind:
                prepare(connection)
            yield connection

    def begin_snapshot(self, connection: Connection) -> None:
        """Begin a read-only transaction in which all statements see the same rows.

        A transaction that came with the connection goes on as it is: to end it would end what a
        listener began.

        :param connection: that :meth:`reading` gave.
        """
        if connection is self.bind or connection.get_execution_options().get(BEGUN):
            return
        if connection.in_transaction():
            connection.rollback()
        SNAPSHOTS[self.dialect.name](connection)

    def relation(self, table: Table, options: Mapping[str, Any] | None = None) -> str:
        """Return a table's name in SQL, where a statement would look for it, as a value.

        :param options: of the statement; they come before the database's.
        """
        quoting = self.dialect.identifier_preparer
        schema = self.schema_of(table, options)
        name = quoting.quote(table.name)
        name = f"{quoting.quote_schema(schema)}.{name}" if schema else name
        # In a statement a driver that formats halves the percent signs.
        return name.replace("%%", "%") if self.dialect.paramstyle in FORMATTING else name

    def schema_of(self, table: Table, options: Mapping[str, Any] | None = None) -> str | None:
        """Return the schema that a statement looks for a table in; none for the search path's."""
        translated = {**self.all_options, **(options or {})}.get("schema_translate_map") or {}
        if table.schema not in translated:
            return table.schema
        return translated[table.schema] or self.dialect.default_schema_name


def _snapshot_on_postgresql(connection: Connection) -> None:
    connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _snapshot_on_sqlite(connection: Connection) -> None:
    # Python's sqlite3 begins a transaction before it writes, not before it reads. An in-memory
    # database may share its one connection with a transaction of the host's.
    driver = connection.connection.driver_connection
    if driver is not None and not driver.in_transaction:
        driver.execute("BEGIN")


#: How a snapshot begins, by engine.
SNAPSHOTS: dict[str, Callable[[Connection], None]] = {
    "postgresql": _snapshot_on_postgresql,
    "sqlite": _snapshot_on_sqlite,
}


def frozen(value: Any) -> Hashable:
    """Return what equals only for equal options.

    :raises TypeError: where a value has no hash.
    """
    if isinstance(value, Mapping):
        return frozenset((name, frozen(it)) for name, it in value.items())
    if isinstance(value, list | tuple):
        return tuple(map(frozen, value))
    hash(value)
    return type(value), value


def _changes_statements(engine: Engine) -> bool:
    """Whether a listener may put another statement, or other values, in the place of ours."""
    heard = engine.dispatch
    for listener in (*heard.before_execute, *heard.before_cursor_execute):
        if getattr(listener, "__name__", "") not in WATCHING:
            return True
    inside = engine.dialect.dispatch
    return bool(inside.do_execute or inside.do_execute_no_params)


def _is_in_transaction(connection: Connection) -> bool:
    """Whether a connection of psycopg or psycopg2 is in a transaction, whoever began it."""
    info = getattr(connection.connection.driver_connection, "info", None)
    return bool(getattr(info, "transaction_status", 0))
