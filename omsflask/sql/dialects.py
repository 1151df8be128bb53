"""The databases that are served, and a refusal of any other by name."""

from __future__ import annotations

from sqlalchemy import Dialect

#: By the name of SQLAlchemy's dialect.
SERVED = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}

#: Since this version SQLite has JSON's functions wherever it is.
JSON_SINCE = (3, 38)


class UnservedDatabase(TypeError):
    """A session's database is not served. The text is one sentence."""


def check_served(dialect: Dialect) -> None:
    """Refuse a database that is not served.

    :raises UnservedDatabase: naming it.
    """
    if dialect.name not in SERVED:
        served = " and ".join(SERVED.values())
        raise UnservedDatabase(
            f"omsflask reads {served}; the session's database is {dialect.name}."
        )
    if dialect.is_async:
        raise UnservedDatabase(
            f"omsflask reads by a synchronous driver; the session's is {dialect.driver}."
        )
