"""Errors of the database, as a sentence of a command."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError


def sentence(error: DBAPIError) -> str:
    """Return what the database said, on one line, without a full stop."""
    return " ".join(str(error.orig).split()).removesuffix(".")
