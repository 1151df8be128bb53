"""Verified tokens of one app: remembered for some seconds, and their last use stored."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import Connection, Engine
from sqlalchemy.pool import NullPool

from ..sql.database import Database
from .models import utc_now
from .tokens import Holder, Tokens, digest, is_well_formed

logger = logging.getLogger(__name__)

LAST_USED_STEP = timedelta(minutes=1)

#: Longest memory of either kind. The oldest entry goes first.
MAX_ENTRIES = 10_000

PACKAGE = __name__.partition(".")[0]


class Expiring:
    """A bounded dictionary of entries that expire."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[Hashable, tuple[float, Any]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Hashable) -> Any:
        """Return the value of ``key``, or None."""
        until, value = self._entries.get(key, (0.0, None))
        return value if time.monotonic() < until else None

    def put(self, key: Hashable, value: Any, seconds: float) -> None:
        """Remember a value, and forget those that are expired or too many."""
        now = time.monotonic()
        with self._lock:
            self._entries.pop(key, None)
            while self._entries:
                oldest = next(iter(self._entries))
                if len(self._entries) < MAX_ENTRIES and now < self._entries[oldest][0]:
                    break
                del self._entries[oldest]
            self._entries[key] = (now + seconds, value)


@dataclass(frozen=True)
class TokenMemory:
    """The tokens that an app has verified lately.

    :param holders: of the keys verified lately.
    :param uses: whose last use was stored lately.
    """

    holders: Expiring = field(default_factory=Expiring)
    uses: Expiring = field(default_factory=Expiring)


class Verifier:
    """Verifies keys, and remembers the valid ones in ``app.extensions["oms_tokens"]``.

    A remembered key is valid only for the app, the table, the engine and the execution options by
    which it was verified. ``last_used_at`` is written once a minute at most, by a thread of its
    own: a request never waits for a write.
    """

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens

    def __call__(self, key: str) -> Holder | None:
        """Return the holder of ``key``, or None."""
        if not is_well_formed(key):
            return None
        memory: TokenMemory = current_app.extensions["oms_tokens"]
        database = self.tokens.database()
        source = source_of(database)
        kept = (self.tokens.table, source, digest(key))
        holder: Holder | None = None if source is None else memory.holders.get(kept)
        if holder is not None:
            return None if holder.is_expired() else holder
        verified = self.tokens.verify(key, database)
        if verified is None:
            return None
        holder, last_used_at = verified
        seconds = current_app.config["OMS_TOKEN_MEMORY_SECONDS"]
        if source is not None and seconds:
            memory.holders.put(kept, holder, seconds)
        # The one connection of a pool that is shared is in use by the request.
        if source is not None and not database.is_shared:
            used = (self.tokens.table, source, holder.id)
            if _is_due(memory.uses, used, last_used_at):
                _record_use(self.tokens, database, holder.id)
        return holder


#: Events whose listener can decide in each request what a connection sees, by their target. Those
#: of which no database is remembered are not among them.
DECIDING_EVENTS: tuple[tuple[Callable[[Engine], Any], str], ...] = (
    (lambda engine: engine, "engine_connect"),
    (lambda engine: engine.pool, "checkout"),
)


def source_of(database: Database) -> Hashable | None:
    """Return what tells the tokens of a database from those of any other.

    :returns: None if that is not known. A host's listener may decide in each request what a
        connection sees, and the connections of a pool may differ.
    """
    bind = database.bind
    if database.key is None or isinstance(bind, Connection) or isinstance(bind.pool, NullPool):
        return None
    for target, name in DECIDING_EVENTS:
        if not all(map(_is_ours, getattr(target(bind).dispatch, name))):
            return None
    return database.key


def _is_ours(listener: Any) -> bool:
    return str(listener.__module__).startswith(f"{PACKAGE}.")


def _is_due(uses: Expiring, used: Hashable, last_used_at: datetime | None) -> bool:
    if last_used_at is not None and utc_now() - last_used_at < LAST_USED_STEP:
        return False
    if uses.get(used):
        return False
    uses.put(used, True, LAST_USED_STEP.total_seconds())
    return True


def _record_use(tokens: Tokens, database: Database, token_id: int) -> None:
    def record() -> None:
        try:
            tokens.record_use(database, token_id)
        except Exception as error:
            logger.info("The use of a token was not recorded: %s", type(error).__name__)

    threading.Thread(target=record, name="omsflask-last-used", daemon=True).start()
