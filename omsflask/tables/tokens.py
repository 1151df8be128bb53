"""Tokens: issued once, kept as a hash, verified, listed, revoked."""

from __future__ import annotations

import logging
import re
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from zlib import crc32

from flask import current_app
from sqlalchemy import Engine, Row, Table, and_, or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from ..sql.connections import bind_of, lock
from .models import TokenMixin, utc_now

logger = logging.getLogger(__name__)

KEY = re.compile(r"oms_([0-9a-f]{40})([0-9a-f]{8})")
PREFIX_LENGTH = 12
NAME_LENGTH = 255
LAST_USED_STEP = timedelta(minutes=1)


class TokenError(ValueError):
    """A token cannot be issued or revoked. The text is one sentence."""


def make_key() -> str:
    """Return a new key: 160 random bits, and their CRC-32, by which a typing error shows."""
    digits = secrets.token_hex(20)
    return f"oms_{digits}{crc32(digits.encode()):08x}"


def is_well_formed(key: str) -> bool:
    """Whether ``key`` can be one of ours, which costs no query to know."""
    match = KEY.fullmatch(key)
    return match is not None and crc32(match[1].encode()) == int(match[2], 16)


def digest(key: str) -> str:
    """Return what is stored of a key. 160 random bits need no slow hash and no salt."""
    return sha256(key.encode()).hexdigest()


@dataclass(frozen=True)
class Holder:
    """Who holds a verified token."""

    id: int
    name: str
    expires_at: datetime | None = None

    def is_expired(self) -> bool:
        """Whether the token's time is over."""
        return self.expires_at is not None and self.expires_at <= utc_now()


class Tokens:
    """The tokens in a host's table.

    :param session: gives a session of the host's, of which only the engine is used.
    :param model: a model with :class:`omsflask.tables.models.TokenMixin`.
    """

    def __init__(self, session: Callable[[], Session], model: type[TokenMixin]) -> None:
        self.session = session
        self.model = model
        self.table: Table = model.__table__  # type: ignore[attr-defined]

    @property
    def engine(self) -> Engine:
        """What the table is reached by, inside the app's context where the host needs one."""
        return bind_of(self.session, self.model).engine

    def issue(self, name: str, expires_at: datetime | None = None) -> str:
        """Store a new token and return its key, which cannot be had again.

        :raises TokenError: when a token of that name is in use, or it is no name.
        """
        if not (name.strip() and name.isprintable() and len(name) <= NAME_LENGTH):
            raise TokenError(f"A token's name is 1 to {NAME_LENGTH} printable characters.")
        key = make_key()
        with self.engine.connect() as connection, connection.begin():
            lock(connection)
            if connection.scalar(select(self.table.c.id).where(self._usable(name))) is not None:
                raise TokenError(f"A token named {name!r} is in use; revoke it first.")
            connection.execute(
                self.table.insert().values(
                    name=name,
                    prefix=key[:PREFIX_LENGTH],
                    digest=digest(key),
                    created_at=utc_now(),
                    expires_at=expires_at,
                )
            )
        return key

    def all(self) -> Sequence[Row[Any]]:
        """Return every token, oldest first; nothing that opens anything."""
        columns = [column for column in self.table.c if column.name != "digest"]
        with self.engine.connect() as connection:
            return connection.execute(select(*columns).order_by(self.table.c.id)).all()

    def revoke(self, name_or_prefix: str) -> Sequence[str]:
        """Revoke the tokens of that name, else the one that begins so; return their names.

        :raises TokenError: when none is in use, or several begin so.
        """
        live = self.table.c.revoked_at.is_(None)
        named = live & (self.table.c.name == name_or_prefix)
        with self.engine.begin() as connection:
            found = connection.execute(select(self.table).where(named)).all()
            if not found:
                start = name_or_prefix[:PREFIX_LENGTH]
                begins = self.table.c.prefix.startswith(start, autoescape=True)
                found = connection.execute(select(self.table).where(live, begins)).all()
                if len(found) > 1:
                    raise TokenError(f"{len(found)} tokens begin with {start!r}.")
            if not found or not name_or_prefix:
                raise TokenError("No token in use is named so, or begins so.")
            connection.execute(
                self.table.update()
                .where(self.table.c.id.in_([row.id for row in found]))
                .values(revoked_at=utc_now())
            )
        return [row.name for row in found]

    def verify(self, key: str) -> tuple[Holder, datetime | None] | None:
        """Return who holds ``key`` and when it was last used; none if it opens nothing."""
        if not is_well_formed(key):
            return None
        columns = self.table.c
        statement = select(
            columns.id, columns.name, columns.expires_at, columns.last_used_at
        ).where(columns.digest == digest(key), columns.revoked_at.is_(None))
        with self.engine.connect() as connection:
            row = connection.execute(statement).one_or_none()
        if row is None:
            return None
        holder = Holder(row.id, row.name, _aware(row.expires_at))
        return None if holder.is_expired() else (holder, _aware(row.last_used_at))

    def record_use(self, engine: Any, token_id: int) -> None:
        """Note that a token was used just now. Failing to is no failure of anything else."""
        try:
            with engine.begin() as connection:
                connection.execute(
                    self.table.update()
                    .where(self.table.c.id == token_id)
                    .values(last_used_at=utc_now())
                )
        except SQLAlchemyError as error:
            logger.info("The use of a token was not recorded: %s", type(error).__name__)

    def _usable(self, name: str) -> Any:
        columns = self.table.c
        unexpired = or_(columns.expires_at.is_(None), columns.expires_at > utc_now())
        return and_(columns.name == name, columns.revoked_at.is_(None), unexpired)


class Verifier:
    """Verifies keys for one app, and remembers the good ones for some seconds.

    ``last_used_at`` is written once a minute at most, by a thread of its own: a request never
    waits for a write.
    """

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self._remembered: dict[str, tuple[Holder, float]] = {}
        self._recorded: dict[int, float] = {}

    def __call__(self, key: str) -> Holder | None:
        """Return who holds ``key``, or none."""
        now, kept = time.monotonic(), digest(key)
        remembered = self._remembered.get(kept)
        if remembered and now < remembered[1]:
            return None if remembered[0].is_expired() else remembered[0]
        verified = self.tokens.verify(key)
        if verified is None:
            self._remembered.pop(kept, None)
            return None
        holder, last_used_at = verified
        if seconds := current_app.config["OMS_TOKEN_MEMORY_SECONDS"]:
            self._remembered[kept] = (holder, now + seconds)
        self._note(holder, last_used_at, now)
        return holder

    def _note(self, holder: Holder, last_used_at: datetime | None, now: float) -> None:
        step = LAST_USED_STEP.total_seconds()
        if last_used_at is not None and utc_now() - last_used_at < LAST_USED_STEP:
            return
        if now - self._recorded.get(holder.id, -step) < step:
            return
        engine = self.tokens.engine
        if isinstance(engine.pool, StaticPool):
            return  # One connection for all threads, as tests have: it is in use right now.
        self._recorded[holder.id] = now
        threading.Thread(
            target=self.tokens.record_use,
            args=(engine, holder.id),
            name="omsflask-last-used",
            daemon=True,
        ).start()


def _aware(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
