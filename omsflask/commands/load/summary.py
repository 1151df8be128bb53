"""The result of a load: a table to read, and JSON for scripts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from ...declarations.fields import format_utc
from .storing import Outcome
from .writing import Change

#: Refused rows that are named, all of which are in ``--rejects``, and warnings that are shown.
NAMED = 20

#: Customers that a dry run shows, with what would change.
SHOWN = 10


@dataclass
class Tally:
    """How many rows were added, changed, left, refused or warned of.

    :param fields: in how many of the changed rows each field differs.
    """

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    warned: int = 0
    fields: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        """Add what ``other`` counts."""
        for name in ROWS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.fields.update(other.fields)

    def rows(self) -> int:
        """Return how many rows there were."""
        return self.added + self.changed + self.unchanged + self.refused


ROWS = ("added", "changed", "unchanged", "refused", "warned")


def tally_of(outcome: Outcome, names: Mapping[str, str]) -> Tally:
    """Return what became of a batch.

    :param names: the fields, by the attributes that they are stored in.
    """
    changed = [change for change in outcome.changes if not change.is_new]
    fields = Counter(names[it] for change in changed for it in change.before)
    added = len(outcome.changes) - len(changed)
    return Tally(added, len(changed), outcome.unchanged, fields=fields)


@dataclass(frozen=True)
class Difference:
    """The change of a customer by a row.

    :param fields: what is stored and what the row gives, by field, as JSON shows it.
    """

    place: str
    id: int
    fields: dict[str, tuple[Any, Any]]

    def __str__(self) -> str:
        lines = [f"{self.place}, customer {self.id}:"]
        for name, values in self.fields.items():
            before, after = (json.dumps(value, ensure_ascii=False) for value in values)
            lines += [f"  - {name}: {before}", f"  + {name}: {after}"]
        return "\n".join(lines)


def difference_of(change: Change, place: str, names: Mapping[str, str]) -> Difference:
    """Return what a row at ``place`` changes."""
    after = change.values
    fields = {
        names[it]: (_shown(before), _shown(after[it])) for it, before in change.before.items()
    }
    return Difference(place, after["id"], fields)


@dataclass
class Summary:
    """The result of a load: numbers of rows, and the messages of the first rows.

    :param written: whether the rows that were added and changed stay.
    :param error: why the load ended early; empty where it did not.
    """

    tally: Tally = field(default_factory=Tally)
    refusals: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    written: bool = True
    error: str = ""

    def refuse(self, sentence: str) -> None:
        """Count a row that is refused."""
        self.tally.refused += 1
        if len(self.refusals) < NAMED:
            self.refusals.append(sentence)

    def warn(self, sentence: str) -> None:
        """Count a warning."""
        self.tally.warned += 1
        if len(self.warnings) < NAMED:
            self.warnings.append(sentence)

    def as_text(self) -> str:
        """Return which rows were refused, what went wrong, and what became of the others."""
        return "\n".join(map(_printable, self._lines()))

    def as_json(self, status: int) -> str:
        """Return the same for a script.

        :param status: the exit status.
        """
        values = {
            "status": status,
            "written": self.written,
            "error": self.error or None,
            **{name: getattr(self.tally, name) for name in ROWS},
            "fields": dict(self.tally.fields),
            "refusals": self.refusals,
            "warnings": self.warnings,
            "differences": [asdict(it) for it in self.differences],
        }
        return json.dumps(values, ensure_ascii=False, indent=2) + "\n"

    def _lines(self) -> Iterator[str]:
        tally = self.tally
        yield from self.refusals
        if more := tally.refused - len(self.refusals):
            yield f"and {more:,} more rows were refused."
        yield from (f"Warning: {it}." for it in self.warnings)
        if more := tally.warned - len(self.warnings):
            yield f"and {more:,} more warnings."
        for difference in self.differences:
            yield from str(difference).splitlines()
        if (more := tally.changed - len(self.differences)) and self.differences:
            yield f"and {more:,} more customers would change."
        if self.error:
            yield f"Error: {self.error}."
        if tally.rows() or not self.error:
            yield from self._table()

    def _table(self) -> Iterator[str]:
        if not self.written:
            yield "Nothing was written. It would be:"
        for name in ROWS:
            fields = ", ".join(f"{it} {count:,}" for it, count in self.tally.fields.most_common())
            details = f": {fields}" if name == "changed" and fields else ""
            yield f"{getattr(self.tally, name):>11,} {name}{details}"
        if self.error and self.written:
            yield "What was loaded stays; run it again to load the rest."


def _shown(value: Any) -> Any:
    return format_utc(value) if isinstance(value, datetime) else value


def _printable(text: str) -> str:
    """Return a text that does nothing to a terminal."""
    return "".join(it if it.isprintable() else ascii(it)[1:-1] for it in text)
