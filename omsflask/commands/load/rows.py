"""A row on its way from a file to the database, and a file that ends on its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

#: Columns that :mod:`.rejects` puts before a row. Read again, they are no part of it.
NOTES = ("place", "reason")


#: Characters of a customer's row at most: six times the longest fields, as JSON can write them.
MAX_ROW = 1 << 14


class Unreadable(Exception):
    """A file cannot be read, or no further. The text says why, after the file's name."""


@dataclass(slots=True)
class Row:
    """A row of a file.

    :param place: where it is, ``line 17``.
    :param raw: as it came, to be given back when it is refused.
    :param values: by name; at first as they came, then as the schema loads them.
    :param reason: why it is refused; empty while nothing is wrong.
    :param warning: a remark on a row that is loaded, by field like a reason.
    """

    place: str
    raw: Any
    values: Any
    reason: str = ""
    warning: str = ""


@dataclass(frozen=True)
class Dialect:
    """How CSV is written.

    :param guarded: whether its texts have a guard, as :mod:`omsflask.renderers.csv` gives them.
    """

    delimiter: str = ","
    encoding: str = "utf-8"
    guarded: bool = True


@dataclass(frozen=True)
class Contents:
    """The rows of a file, as its reader finds them.

    :param columns: its header, where the format has one.
    :param dialect: what its refused rows are written in; without one they are JSON lines.
    :param warnings: sentences about the file, to be read after its name. Some are known only when
        all rows were read.
    :param close: gives back what was opened beside the file.
    """

    rows: Iterator[Row]
    columns: tuple[str, ...] | None = None
    dialect: Dialect | None = None
    warnings: list[str] = field(default_factory=list)
    close: Callable[[], None] = lambda: None


def without_notes(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was in the file before a row of it was refused."""
    return {name: value for name, value in values.items() if name not in NOTES}


def too_long(place: str, beginning: Any) -> Row:
    """Return a row of more characters than any customer has, of which only the first are kept."""
    return Row(place, beginning, {}, f"It has more than {MAX_ROW:,} characters.")
