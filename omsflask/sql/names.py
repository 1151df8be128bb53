"""The names of our statements' parameters, which none of a host's can have."""

from __future__ import annotations

import secrets

#: Made anew by each process, so that nobody else's parameter is ever given our value.
PREFIX = f"oms_{secrets.token_hex(4)}_"

LIMIT, OFFSET = f"{PREFIX}limit", f"{PREFIX}offset"
WATERMARK, FUTURE = f"{PREFIX}watermark", f"{PREFIX}future"
TABLES = f"{PREFIX}tables"


def value(number: int, part: int | str = "all") -> str:
    """Return the name of a filter's value, or of a part of it."""
    return f"{PREFIX}{number}_{part}"


def position(number: int) -> str:
    """Return the name of what a cursor holds in a column of the order."""
    return f"{PREFIX}position_{number}"
