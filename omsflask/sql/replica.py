"""A read replica: lists are read there while it answers, and on the primary while it does not.

One request reads one server. A request for changes needs the watermark (:mod:`.watermark`), and a
replica cannot tell it. A replica knows no locks, and its last replayed commit says nothing about a
transaction that began earlier and commits later.

So the primary is asked for the watermark first, and then for its write position. All transactions
that stamped rows before the watermark have ended by then. A replica that has replayed up to that
position shows their rows. Most replicas do so within milliseconds, and others are skipped.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Dialect, Engine, select, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, TimeoutError

from .database import Database

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")
Identity = tuple[Any, ...] | None

#: How long a request waits for what the primary has written; after one in vain, how long none does.
REPLICA_WAIT_SECONDS = 0.5
IMPATIENT_SECONDS = 5.0

#: After a longer wait for the replica, the wait for the primary would be too long.
FALLBACK_SECONDS = 3.0

RETRY_SECONDS = 1.0

#: A standby had to go on, or a statement took too long, which is no outage.
PASSING = ("40001", "57014")

# The flushed position would be too early: without synchronous_commit a transaction ends before it.
WRITTEN = text("SELECT CAST(pg_current_wal_insert_lsn() AS text)")
HAS_REPLAYED = text(
    "SELECT pg_is_in_recovery() AND pg_last_wal_replay_lsn() >= CAST(:position AS pg_lsn)"
)

#: The same of a primary and of what streams from it.
IDENTITY = text("SELECT system_identifier, current_database() FROM pg_control_system()")


def read(
    replica: Replica | None,
    primary: Database,
    work: Callable[[Database], Answer],
    complete_until: datetime | None = None,
) -> Answer:
    """Return what ``work`` makes of one server, the replica if there is one and it will do.

    :param complete_until: the moment, if any, up to which the server must have everything. The
        primary had it already.
    """
    if replica is None or isinstance(primary.bind, Connection):
        return work(primary)
    return replica.read(primary, primary.bind, work, complete_until)


class Replica:
    """A streaming replica of the primary, reached by an engine of its own."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._lock = threading.Lock()
        self._is_away = False
        self._impatient_until = 0.0
        #: Identities of servers, by the dialects of their engines.
        self._identities: WeakKeyDictionary[Dialect, Identity] = WeakKeyDictionary()

    def read(
        self,
        database: Database,
        primary: Engine,
        work: Callable[[Database], Answer],
        complete_until: datetime | None,
    ) -> Answer:
        """Return what ``work`` makes of the replica, else of the primary."""
        if self._is_away:
            return work(database)
        copied = self._identity(primary)
        position = None if complete_until is None else _written(primary)
        start = time.monotonic()
        try:
            is_copy = copied is not None and self._identity(self.engine) == copied
            if is_copy and (position is None or self._reaches(position)):
                return work(database.beside(self.engine))
        except (InterfaceError, OperationalError, TimeoutError) as error:
            self._note(error)
            if time.monotonic() - start > FALLBACK_SECONDS:
                raise
        return work(database)

    def _identity(self, engine: Engine) -> Identity:
        """Return what a server has in common with its replicas alone; none where it may not say."""
        if engine.dialect not in self._identities:
            try:
                with engine.connect() as connection:
                    identity = tuple(connection.execute(IDENTITY).one())
            except DBAPIError as error:
                if error.connection_invalidated or isinstance(error, OperationalError):
                    raise
                logger.warning("The replica is not used: its role may not ask pg_control_system().")
                identity = None
            self._identities[engine.dialect] = identity
        return self._identities[engine.dialect]

    def _reaches(self, position: str) -> bool:
        """Whether the replica has replayed all up to a position, or does so soon."""
        now = time.monotonic()
        end = now if now < self._impatient_until else now + REPLICA_WAIT_SECONDS
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            while not connection.scalar(HAS_REPLAYED, {"position": position}):
                if time.monotonic() >= end:
                    self._impatient_until = time.monotonic() + IMPATIENT_SECONDS
                    return False
                time.sleep(0.01)
        return True

    def _note(self, error: InterfaceError | OperationalError | TimeoutError) -> None:
        """Pass the replica over until it answers again, if it went away."""
        original = getattr(error, "orig", None)
        if isinstance(error, TimeoutError) or getattr(original, "sqlstate", None) in PASSING:
            return
        with self._lock:
            if self._is_away:
                return
            self._is_away = True
        reason = str(original).partition("\n")[0]
        logger.warning("The replica does not answer, the primary does its work: %s", reason)
        threading.Thread(target=self._await, name="omsflask-replica", daemon=True).start()

    def _await(self) -> None:
        while self._is_away:
            time.sleep(RETRY_SECONDS)
            try:
                with self.engine.connect() as connection:
                    connection.execute(select(1))
                self._is_away = False
            except (InterfaceError, OperationalError, TimeoutError):
                continue
        logger.warning("The replica answers again.")


def _written(primary: Engine) -> str:
    with primary.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        return str(connection.scalar(WRITTEN))
