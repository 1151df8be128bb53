"""Tokens: issued once, kept as a hash, verified, listed, revoked."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from zlib import crc32

from sqlalchemy import Connection, Row, Table, and_, or_, select
from sqlalchemy.orm import Session

from ..sql.connections import lock
from ..sql.database import Database
from .models import TokenMixin, utc_now

KEY = re.compile(r"oms_([0-9a-f]{40})([0-9a-f]{8})")
PREFIX_LENGTH = 12
NAME_LENGTH = 255


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
    """The holder of a verified token."""

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

    def database(self) -> Database:
        """Return the database of the table, inside the app's context where the host needs one."""
        return Database.of(self.session, self.model)

    def issue(self, name: str, expires_at: datetime | None = None) -> str:
        """Store a new token and return its key, which cannot be had again.

        :raises TokenError: when a token of that name is in use, or it is no name.
        """
        if not (name.strip() and name.isprintable() and len(name) <= NAME_LENGTH):
            raise TokenError(f"A token's name is 1 to {NAME_LENGTH} printable characters.")
        key = make_key()
        with self._writing() as connection:
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
        with self.database().reading() as connection:
            return connection.execute(select(*columns).order_by(self.table.c.id)).all()

    def revoke(self, name_or_prefix: str) -> Sequence[str]:
        """Revoke the tokens of that name, else the one that begins so; return their names.

        :raises TokenError: when none is in use, or several begin so.
        """
        live = self.table.c.revoked_at.is_(None)
        named = live & (self.table.c.name == name_or_prefix)
        with self._writing() as connection:
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

    def verify(
        self, key: str, database: Database | None = None
    ) -> tuple[Holder, datetime | None] | None:
        """Return the holder of ``key`` and when it was last used, or None.

        :param database: where the table is read; that of the session by default.
        """
        if not is_well_formed(key):
            return None
        columns = self.table.c
        statement = select(
            columns.id, columns.name, columns.expires_at, columns.last_used_at
        ).where(columns.digest == digest(key), columns.revoked_at.is_(None))
        with (database or self.database()).reading() as connection:
            row = connection.execute(statement).one_or_none()
        if row is None:
            return None
        holder = Holder(row.id, row.name, _aware(row.expires_at))
        return None if holder.is_expired() else (holder, _aware(row.last_used_at))

    def record_use(self, database: Database, token_id: int) -> None:
        """Store that a token was used just now."""
        statement = self.table.update().where(self.table.c.id == token_id)
        with database.writing() as connection:
            connection.execute(statement.values(last_used_at=utc_now()))

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """Open a transaction of its own, which no other writer of tokens runs beside.

        A connection that the host's session is bound to has a transaction of the host's, which the
        host ends.
        """
        database = self.database()
        with database.writing() as connection:
            if connection is not database.bind:
                lock(connection)
            yield connection

    def _usable(self, name: str) -> Any:
        columns = self.table.c
        unexpired = or_(columns.expires_at.is_(None), columns.expires_at > utc_now())
        return and_(columns.name == name, columns.revoked_at.is_(None), unexpired)


def _aware(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
