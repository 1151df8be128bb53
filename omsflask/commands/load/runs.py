"""A load on its way: batch after batch, until the end or a fault."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm.exc import StaleDataError

from ..faults import sentence
from ..progress import bar_through
from .ahead import ahead
from .checking import Checker
from .identities import Identities
from .rejects import Write
from .rows import Row, Unreadable
from .sources import Source
from .storing import Store
from .summary import SHOWN, Summary, Tally, difference_of, tally_of
from .writing import Change, NotTaken

BATCH_ROWS = 5_000

#: How long nobody else can write, and what is done again after a crash.
COMMIT_SECONDS = 2.0


class Batch(NamedTuple):
    """Rows of a file that were checked.

    :param file: its name.
    :param position: how many bytes of all files were read.
    """

    file: str
    rows: Sequence[Row]
    position: int


@dataclass
class Run:
    """A load on its way.

    :param all_or_nothing: whether a refused row leaves nothing of the others.
    :param names: the fields, by the attributes that they are stored in.
    :param reject: writes a refused row.
    :param pending: what became of the rows that are not committed yet.
    :param interrupted: whether somebody ended it.
    """

    checker: Checker
    identities: Identities
    store: Store
    all_or_nothing: bool
    names: Mapping[str, str]
    reject: Write | None = None
    summary: Summary = field(default_factory=Summary)
    pending: Tally = field(default_factory=Tally)
    interrupted: bool = False

    @property
    def status(self) -> int:
        """The exit status: 0 only where all rows are in the table, or would be."""
        if self.interrupted:
            return 130
        return int(bool(self.summary.error or self.summary.tally.refused))

    @property
    def keeps(self) -> bool:
        """Whether what is put stays, batch by batch."""
        return self.store.writes and not self.all_or_nothing

    def load(self, sources: Sequence[Source]) -> None:
        """Load files, as far as that goes."""
        try:
            self._load(sources)
        except KeyboardInterrupt:
            self.interrupted = True
            self.summary.error = "Interrupted"
        except Unreadable as error:
            self.summary.error = str(error)
        except DBAPIError as error:
            self.summary.error = f"The database did not take it: {sentence(error)}"
        except (NotTaken, OSError, StaleDataError, UnicodeError, sqlite3.Error) as error:
            self.summary.error = f"It cannot go on: {error}"
        if not self.keeps:
            self.summary.tally.add(self.pending)
        self.summary.written = self.store.writes and not (self.all_or_nothing and self.status)
        for source in sources:
            for warning in source.contents.warnings:
                self.summary.warn(f"{source.name} {warning}")

    def fail(self, sentence: str) -> None:
        """End before anything was read."""
        self.summary.error, self.summary.written = sentence, False

    def _load(self, sources: Sequence[Source]) -> None:
        try:
            with bar_through(sum(source.size for source in sources)) as bar:
                self._put_all(sources, bar)
        except Unreadable:
            if self.keeps:
                self._commit()  # What came before the fault is as good as any.
            raise
        if self.keeps or (self.store.writes and not self.status):
            self._commit()

    def _put_all(self, sources: Sequence[Source], bar: Any) -> None:
        begun = time.monotonic()
        with closing(ahead(self._checked(sources))) as batches:
            for batch in batches:
                self._put(batch)
                # A workbook's parts do not lie in the order in which they are read.
                bar.update(max(batch.position - bar.pos, 0), len(batch.rows))
                if self.keeps and time.monotonic() - begun >= COMMIT_SECONDS:
                    self._commit()
                    self.store.give_way()
                    begun = time.monotonic()

    def _checked(self, sources: Sequence[Source]) -> Iterator[Batch]:
        before = 0
        for source in sources:
            for rows in _batches(source):
                for row in rows:
                    self.checker.check(row)
                self.identities.note(rows, source.name)
                yield Batch(source.name, rows, before + source.position)
            before += source.size

    def _put(self, batch: Batch) -> None:
        outcome = self.store.put(batch.rows, batch.file)
        self.pending.add(tally_of(outcome, self.names))
        for row in batch.rows:
            if row.reason:
                self._refuse(row, f"{batch.file}, {row.place}")
            elif row.warning:
                warning = row.warning.removesuffix(".")
                self.summary.warn(f"{batch.file}, {row.place}: {warning}")
        if not self.store.writes:
            self._show(outcome.changes, batch.file)

    def _refuse(self, row: Row, place: str) -> None:
        self.summary.refuse(f"{place}: {row.reason}")
        if self.reject:
            self.reject(row, place)

    def _show(self, changes: Sequence[Change], file: str) -> None:
        changed = [change for change in changes if not change.is_new]
        for change in changed[: SHOWN - len(self.summary.differences)]:
            place = f"{file}, {change.row.place}"
            self.summary.differences.append(difference_of(change, place, self.names))

    def _commit(self) -> None:
        self.store.commit()
        self.summary.tally.add(self.pending)
        self.pending = Tally()


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
