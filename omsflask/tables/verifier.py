"""Verified tokens of one app: remembered for some seconds, and their last use stored."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeGuard

from flask import current_app
from sqlalchemy import Connection, Engine
from sqlalchemy.pool import NullPool, SingletonThreadPool, StaticPool

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
    """What an app remembers of its tokens.

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
        bind = self.tokens.bind()
        source = source_of(bind)
        kept = (self.tokens.table, source, digest(key))
        holder: Holder | None = None if source is None else memory.holders.get(kept)
        if holder is not None:
            return None if holder.is_expired() else holder
        verified = self.tokens.verify(key, bind)
        if verified is None:
            return None
        holder, last_used_at = verified
        seconds = current_app.config["OMS_TOKEN_MEMORY_SECONDS"]
        if source is not None and seconds:
            memory.holders.put(kept, holder, seconds)
        if source is not None and _may_write_beside(bind):
            used = (self.tokens.table, source, holder.id)
            if _is_due(memory.uses, used, last_used_at):
                _record_use(self.tokens, bind, holder.id)
        return holder


#: Events whose listener can decide in each request what a connection sees, by their target.
DECIDING_EVENTS: tuple[tuple[Callable[[Engine], Any], tuple[str, ...]], ...] = (
    (lambda engine: engine, ("begin", "engine_connect", "before_execute", "before_cursor_execute")),
    (lambda engine: engine.pool, ("checkout",)),
    (lambda engine: engine.dialect, ("do_execute", "do_execute_no_params")),
)


def source_of(bind: Engine | Connection) -> Hashable | None:
    """Return what tells the rows that ``bind`` reads from those of any other engine.

    Two engines with one pool and equal options read the same rows, unless a listener of the host's
    decides in each request what a connection sees.

    :returns: None where that is not known: for a connection, whose transaction may be rolled back,
        and for a pool whose connections may differ.
    """
    if isinstance(bind, Connection) or isinstance(bind.pool, NullPool | SingletonThreadPool):
        return None
    for target, names in DECIDING_EVENTS:
        dispatch: Any = target(bind).dispatch
        if any(_decides(listener) for name in names for listener in getattr(dispatch, name)):
            return None
    try:
        options = _frozen(bind.get_execution_options())
        hash(options)
    except TypeError:
        return None
    return bind.pool, options


def _decides(listener: Any) -> bool:
    # SQLAlchemy wraps a listener that only watches, so that its result is ignored.
    is_watching = getattr(listener, "__name__", "").startswith("wrap_before_")
    return not is_watching and not listener.__module__.startswith(f"{PACKAGE}.")


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return frozenset((name, _frozen(each)) for name, each in value.items())
    return value


def _may_write_beside(bind: Engine | Connection) -> TypeGuard[Engine]:
    # The one connection of a StaticPool is in use by the request.
    return isinstance(bind, Engine) and not isinstance(bind.pool, StaticPool)


def _is_due(uses: Expiring, used: Hashable, last_used_at: datetime | None) -> bool:
    if last_used_at is not None and utc_now() - last_used_at < LAST_USED_STEP:
        return False
    if uses.get(used):
        return False
    uses.put(used, True, LAST_USED_STEP.total_seconds())
    return True


def _record_use(tokens: Tokens, engine: Engine, token_id: int) -> None:
    def record() -> None:
        try:
            tokens.record_use(engine, token_id)
        except Exception as error:
            logger.info("The use of a token was not recorded: %s", type(error).__name__)

    threading.Thread(target=record, name="omsflask-last-used", daemon=True).start()
