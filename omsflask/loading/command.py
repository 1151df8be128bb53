"""The command: batches of rows, read, checked and stored; then what became of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, astuple, dataclass, field
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from .. import customers
from ..connections import bind_of
from ..extension import current_oms
from ..models import ChannelMixin, CustomerMixin
from ..progress import bar_through
from .checking import Checker
from .identities import Identities
from .rejects import Write, open_rejects, suffix
from .rows import Row, Unreadable
from .sources import READERS, Options, Source, opened
from .storing import Store, Tally

BATCH_ROWS = 5_000

#: Refused rows that are named; all are in ``--rejects``.
NAMED = 20

SERVICE = customers.list_simple

#: What a customer may be known by in other systems.
KEYS = ("omnitron_id", "email", "erp_code")


def _encoding(_context: click.Context, _option: click.Parameter, name: str) -> str:
    try:
        if ",\n".encode(name) == b",\n":
            return name
    except LookupError:
        pass
    raise click.BadParameter(f"{name!r} is no encoding that ASCII is part of.")


@click.command()
@click.argument(
    "files",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, readable=True, allow_dash=True, path_type=Path),
)
@click.option("--key", type=click.Choice(KEYS), help="Which customer a row without an id is.")
@click.option("--format", "format_", type=click.Choice(list(READERS)), help="Whatever the ending.")
@click.option("--encoding", default="utf-8", callback=_encoding, help="Of CSV, if not UTF-8.")
@click.option("--create-channels", is_flag=True, help="Create those that are not there.")
@click.option("--all-or-nothing", is_flag=True, help="Write nothing if a row is refused.")
@click.option("--dry-run", is_flag=True, help="Write nothing; say what would be.")
@click.option(
    "--rejects", type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write refused rows to this file, with the reasons.",
)  # fmt: skip
@with_appcontext
@click.pass_context
def load(
    context: click.Context,
    files: Sequence[Path],
    key: str | None,
    format_: str | None,
    encoding: str,
    create_channels: bool,
    all_or_nothing: bool,
    dry_run: bool,
    rejects: Path | None,
) -> None:
    """Add or change the customers that are in FILE: .csv, .json, .jsonl, .xlsx, or - for stdin.

    A row with an id is the customer of that id; any other is found by --key. Loading a file again
    changes nothing, so a load that was interrupted is completed by running it again.
    """
    with ExitStack() as stack:
        load = Load(
            Checker(SERVICE, key),
            stack.enter_context(closing(Identities(key))),
            _store(stack, writes=not dry_run, creates_channels=create_channels),
            commits=not (all_or_nothing or dry_run),
        )
        options = Options(format_, encoding, current_app.config["OMS_CSV_GUARD"])
        sources = _open(stack, files, options, load.checker)
        if rejects:
            load.reject = _reject(stack, rejects, sources)
        fault = _run(load, sources)
        written = not dry_run and not (all_or_nothing and (fault or load.tally.refused))
        if written:
            load.store.session.commit()
    _report(load, fault, written)
    context.exit(fault.status if fault else int(load.tally.refused > 0))


def _store(stack: ExitStack, writes: bool, creates_channels: bool) -> Store:
    oms = current_oms()
    customer, channel = oms.model(CustomerMixin), oms.model(ChannelMixin)
    session = stack.enter_context(Session(bind_of(oms.session, customer).engine))
    return Store(
        session, customer, channel, [*SERVICE.attributes.values()], writes, creates_channels
    )


def _open(
    stack: ExitStack, files: Sequence[Path], options: Options, checker: Checker
) -> list[Source]:
    """Open all files and check their headers, before anything is written."""
    try:
        sources = [stack.enter_context(opened(file, options)) for file in files]
        for source in sources:
            if source.contents.columns is not None:
                checker.check_columns(source.name, source.contents.columns)
    except Unreadable as error:
        raise click.ClickException(f"{error}.") from error
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}.") from error
    return sources


def _reject(stack: ExitStack, path: Path, sources: Sequence[Source]) -> Write:
    """Open the file for refused rows."""
    first = sources[0].contents
    if path.exists() and any(it.path.exists() and it.path.samefile(path) for it in sources):
        raise click.BadParameter(f"{path} is a file to load.")
    if path.suffix.lower() != suffix(first):
        raise click.BadParameter(
            f"Refused rows of these files are {suffix(first)}, not {path.name}."
        )
    if any(
        (it.contents.columns, it.contents.dialect) != (first.columns, first.dialect)
        for it in sources
    ):
        raise click.BadParameter("The files have not one header: load one after the other.")
    try:
        file, write = open_rejects(path, first)
    except OSError as error:
        raise click.ClickException(f"{path} could not be written: {error.strerror}.") from error
    stack.enter_context(file)
    return write


@dataclass
class Load:
    """A load on its way.

    :param commits: whether each batch is committed.
    :param reject: writes a refused row.
    :param named: what is said of the first of them.
    """

    checker: Checker
    identities: Identities
    store: Store
    commits: bool
    reject: Write | None = None
    tally: Tally = field(default_factory=Tally)
    named: list[str] = field(default_factory=list)

    def add(self, file: str, rows: Sequence[Row]) -> None:
        """Store a batch of ``file``."""
        for row in rows:
            self.checker.check(row)
            if not row.reason:
                self.identities.note(row, file)
        tally = self.store.put(rows, self.identities.name)
        for row in rows:
            if row.reason:
                self._refuse(f"{file}, {row.place}", row)
        if self.commits:
            self.store.session.commit()
        self.tally += tally

    def _refuse(self, place: str, row: Row) -> None:
        if len(self.named) < NAMED:
            self.named.append(printable(f"{place}: {row.reason}"))
        if self.reject:
            self.reject(row, place)


@dataclass(frozen=True)
class Fault:
    """Why a load ended early."""

    sentence: str
    status: int = 1


def _run(load: Load, sources: Sequence[Source]) -> Fault | None:
    """Load the files, as far as that goes."""
    try:
        with bar_through(sum(source.size for source in sources)) as bar:
            for source in sources:
                before = bar.pos
                for rows in _batches(source.contents.rows):
                    load.add(source.name, rows)
                    done = before + source.position - bar.pos
                    bar.update(max(done, 0), sum(astuple(load.tally)))
    except KeyboardInterrupt:
        return Fault("Interrupted", 130)
    except Unreadable as error:
        return Fault(f"{source.name} {error}")
    except DBAPIError as error:
        return Fault(f"The database did not take it: {error.orig}".strip())
    except (OSError, sqlite3.Error) as error:
        return Fault(f"It cannot go on: {error}")
    return None


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
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


def _report(load: Load, fault: Fault | None, written: bool) -> None:
    """Say which rows were refused, what went wrong, and what became of the others."""
    tally = load.tally
    lines = load.named[:]
    if more := tally.refused - len(lines):
        lines.append(f"and {more:,} more rows were refused.")
    if fault:
        lines.append(f"Error: {printable(fault.sentence)}.")
    if not fault or any(astuple(tally)):
        counts = ", ".join(f"{count:,} {name}" for name, count in asdict(tally).items())
        lines.append(f"{'' if written else 'Nothing was written. It would be: '}{counts}.")
        if fault and written:
            lines.append("What was loaded stays; run it again to load the rest.")
    click.echo("\n".join(lines), err=True)


def printable(text: str) -> str:
    """Return a text that does nothing to a terminal."""
    return "".join(it if it.isprintable() else ascii(it)[1:-1] for it in text)
