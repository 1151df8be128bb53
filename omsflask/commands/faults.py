"""Errors of the database, as a sentence of a command."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError


def sentence(error: DBAPIError | UnicodeError) -> str:
    """Return what the database or its driver said, on one line, without a full stop."""
    said = error.orig if isinstance(error, DBAPIError) else error
    return " ".join(str(said).split()).removesuffix(".")
