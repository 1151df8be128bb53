"""A load on its way: batch after batch, until the end or a fault, and what became of the rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, astuple, dataclass, field

from sqlalchemy.exc import DBAPIError

from ..progress import bar_through
from .checking import Checker
from .identities import Identities
from .rejects import Write
from .rows import Row, Unreadable
from .sources import Source
from .storing import Store, Tally

BATCH_ROWS = 5_000

#: Refused rows that are named, all of which are in ``--rejects``, and warnings that are shown.
NAMED = 20


@dataclass(frozen=True)
class Fault:
    """Why a load ended early, and the exit status that says so."""

    sentence: str
    status: int = 1


@dataclass
class Run:
    """A load on its way.

    :param all_or_nothing: whether a refused row leaves nothing of the others.
    :param reject: writes a refused row.
    :param tally: what became of the rows; without ``all_or_nothing`` all these are committed.
    :param named: what is said of the first refused rows.
    :param warnings: the first that were said of files and of rows that were loaded.
    :param warned: how many there were.
    """

    checker: Checker
    identities: Identities
    store: Store
    all_or_nothing: bool
    reject: Write | None = None
    tally: Tally = field(default_factory=Tally)
    named: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    warned: int = 0
    fault: Fault | None = None

    @property
    def status(self) -> int:
        """The exit status."""
        return self.fault.status if self.fault else int(self.tally.refused > 0)

    @property
    def written(self) -> bool:
        """Whether anything stays."""
        return self.store.writes and not (self.all_or_nothing and self.status)

    def load(self, sources: Sequence[Source]) -> None:
        """Load files, as far as that goes."""
        try:
            self._load(sources)
            if self.written:
                self.store.session.commit()
        except KeyboardInterrupt:
            self.fault = Fault("Interrupted", 130)
        except Unreadable as error:
            self.fault = Fault(str(error))
        except DBAPIError as error:
            self.fault = Fault(f"The database did not take it: {str(error.orig).strip()}")
        except (OSError, sqlite3.Error) as error:
            self.fault = Fault(f"It cannot go on: {error}")

    def _load(self, sources: Sequence[Source]) -> None:
        with bar_through(sum(source.size for source in sources)) as bar:
            for source in sources:
                before = bar.pos
                try:
                    for rows in _batches(source):
                        self._add(source.name, rows)
                        # A workbook's parts do not lie in the order in which they are read.
                        done = max(before + source.position - bar.pos, 0)
                        bar.update(done, sum(astuple(self.tally)))
                finally:
                    for warning in source.contents.warnings:
                        self._warn(f"{source.name} {warning}")

    def _add(self, file: str, rows: Sequence[Row]) -> None:
        for row in rows:
            self.checker.check(row)
            if not row.reason:
                self.identities.note(row, file)
        tally = self.store.put(rows, self.identities.name)
        for row in rows:
            if row.reason:
                self._refuse(f"{file}, {row.place}", row)
            elif row.warning:
                self._warn(f"{file}, {row.place}: {row.warning.removesuffix('.')}")
        if self.store.writes and not self.all_or_nothing:
            self.store.session.commit()
        self.tally += tally

    def _refuse(self, place: str, row: Row) -> None:
        if len(self.named) < NAMED:
            self.named.append(f"{place}: {row.reason}")
        if self.reject:
            self.reject(row, place)

    def _warn(self, sentence: str) -> None:
        self.warned += 1
        if len(self.warnings) < NAMED:
            self.warnings.append(sentence)

    def report(self) -> str:
        """Return which rows were refused, what went wrong, and what became of the others."""
        lines = [*self.named]
        if more := self.tally.refused - len(lines):
            lines.append(f"and {more:,} more rows were refused.")
        lines += [f"Warning: {it}." for it in self.warnings]
        if more := self.warned - len(self.warnings):
            lines.append(f"and {more:,} more warnings.")
        if self.fault:
            lines.append(f"Error: {self.fault.sentence}.")
        if not self.fault or any(astuple(self.tally)):
            counts = ", ".join(f"{count:,} {name}" for name, count in asdict(self.tally).items())
            lines.append(f"{'' if self.written else 'Nothing was written. It would be: '}{counts}.")
            if self.fault and self.written:
                lines.append("What was loaded stays; run it again to load the rest.")
        return "\n".join(map(_printable, lines))


def _batches(source: Source) -> Iterator[list[Row]]:
    try:
        yield from _in_batches(source.contents.rows)
    except Unreadable as error:
        raise Unreadable(f"{source.name} {error}") from None


def _in_batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    batch = []
    try:
        for row in rows:
            batch.append(row)
            if len(batch) == BATCH_ROWS:
                yield batch
                batch = []
    except Unreadable:
        yield batch  # What came before the fault is as good as any.
        raise
    yield batch


def _printable(text: str) -> str:
    """Return a text that does nothing to a terminal."""
    return "".join(it if it.isprintable() else ascii(it)[1:-1] for it in text)
