"""The command line: files, and options."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import IO

import click
from flask import current_app
from flask.cli import with_appcontext

from ... import customers
from ...extension import current_oms
from ...sql.connections import session_on
from ...sql.database import Database
from ...tables.models import ChannelMixin, CustomerMixin
from ...tables.staging import cached
from ..files import follow_links, open_text
from .checking import Checker
from .identities import Identities
from .rejects import Write, open_rejects, suffix
from .rows import Unreadable
from .runs import Run
from .sources import READERS, Options, Source, opened
from .storing import Store

SERVICE = customers.list_simple

#: The fields, by the attributes that they are stored in.
NAMES = {attribute: name for name, attribute in SERVICE.attributes.items()}

#: How a file of --report begins.
SUMMARY = r'\{\s*"status": '

#: Fields by which other systems know a customer.
KEYS = ("omnitron_id", "email", "erp_code")


def _encoding(_context: click.Context, _option: click.Parameter, name: str) -> str:
    try:
        if "a,\n".encode(name).decode(name) == "a,\n":
            return name
    except (LookupError, ValueError):  # A UnicodeError is a ValueError.
        pass
    raise click.BadParameter(f"{name!r} is no encoding of text.")


@click.command()
@click.argument(
    "files",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, readable=True, allow_dash=True, path_type=Path),
)
@click.option(
    "--key",
    type=click.Choice(KEYS),
    help="Which customer a row without an id is. An e-mail address is found in any letters' case.",
)
@click.option("--format", "format_", type=click.Choice(list(READERS)), help="Whatever the ending.")
@click.option("--encoding", default="utf-8", callback=_encoding, help="Of CSV, if not UTF-8.")
@click.option("--sheet", "sheets", multiple=True, help="Of a workbook, if not all visible ones.")
@click.option("--keep-empty", is_flag=True, help="Leave a stored value where a cell is empty.")
@click.option("--create-channels", is_flag=True, help="Create those that are not there.")
@click.option("--all-or-nothing", is_flag=True, help="Write nothing if a row is refused.")
@click.option("--dry-run", is_flag=True, help="Write nothing; show what would change.")
@click.option(
    "--rejects",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write refused rows to this file, with the reasons.",
)
@click.option(
    "--report",
    type=click.Path(dir_okay=False, writable=True, allow_dash=True, path_type=Path),
    help="Write what became of the rows to this file, as JSON; - is standard output.",
)
@follow_links
@with_appcontext
@click.pass_context
def load(
    context: click.Context,
    files: Sequence[Path],
    key: str | None,
    format_: str | None,
    encoding: str,
    sheets: tuple[str, ...],
    keep_empty: bool,
    create_channels: bool,
    all_or_nothing: bool,
    dry_run: bool,
    rejects: Path | None,
    report: Path | None,
    follow_links: bool,
) -> None:
    """Add or change the customers that are in FILES: .csv, .json, .jsonl, .xlsx, or - for stdin.

    A row with an id is the customer of that id; any other is found by --key. Loading a file again
    changes nothing, so a load that was interrupted is completed by running it again. The exit
    status is 0 only if all rows are in the table.
    """
    guarded = current_app.config["OMS_CSV_GUARD"]
    options = Options(format_, encoding, guarded, tuple(SERVICE.fields), sheets)
    with ExitStack() as stack:
        store = _store(stack, key, writes=not dry_run, creates_channels=create_channels)
        identities = stack.enter_context(closing(Identities(key)))
        run = Run(Checker(SERVICE, key, keep_empty), identities, store, all_or_nothing, NAMES)
        reported = _open_report(stack, report, (*files, rejects), follow=follow_links)
        try:
            sources = _open(stack, files, options, run.checker)
        except Unreadable as error:
            run.fail(f"{error}")
        else:
            if rejects:
                run.reject = _open_rejects(stack, rejects, sources, follow=follow_links)
            run.load(sources)
        if reported:
            reported.write(run.summary.as_json(run.status))
    click.echo(run.summary.as_text(), err=True)
    context.exit(run.status)


def _store(stack: ExitStack, key: str | None, *, writes: bool, creates_channels: bool) -> Store:
    oms = current_oms()
    customer, channel = oms.model(CustomerMixin), oms.model(ChannelMixin)
    connection = stack.enter_context(Database.of(oms.session, customer).connected())
    stack.enter_context(cached(connection))
    return Store(
        stack.enter_context(session_on(connection)),
        customer,
        channel,
        [*SERVICE.attributes.values()],
        key,
        stack.enter_context(closing(Identities(None))),
        writes,
        creates_channels,
    )


def _open(
    stack: ExitStack, files: Sequence[Path], options: Options, checker: Checker
) -> list[Source]:
    """Open all files and check their headers, before anything is written.

    :raises Unreadable: when one cannot be loaded.
    """
    try:
        sources = [stack.enter_context(opened(file, options)) for file in files]
    except OSError as error:
        raise Unreadable(f"{error.filename}: {error.strerror}") from error
    for source in sources:
        if source.contents.columns is not None:
            checker.check_columns(source.name, source.contents.columns)
    return sources


def _open_report(
    stack: ExitStack, path: Path | None, others: Sequence[Path | None], *, follow: bool
) -> IO[str] | None:
    """Open the file for what became of the rows. It is empty until that is known."""
    if path is None:
        return None
    if str(path) == "-":
        return sys.stdout
    if path.suffix.lower() != ".json":
        raise click.BadParameter(f"{path} does not end in .json.")
    if path.exists() and any(it.exists() and it.samefile(path) for it in others if it):
        raise click.BadParameter(f"{path} is a file to load or for refused rows.")
    try:
        return stack.enter_context(open_text(path, SUMMARY, "utf-8", follow=follow))
    except OSError as error:
        raise click.ClickException(f"{path} could not be written: {error.strerror}.") from error


def _open_rejects(
    stack: ExitStack, path: Path, sources: Sequence[Source], *, follow: bool
) -> Write:
    """Open the file for refused rows, which have one form and are not among the files."""
    first, *others = (source.contents for source in sources)
    if path.exists() and any(it.path.exists() and it.path.samefile(path) for it in sources):
        raise click.BadParameter(f"{path} is a file to load.")
    if path.suffix.lower() != suffix(first):
        raise click.BadParameter(
            f"Refused rows of these files are {suffix(first)}, not {path.name}."
        )
    if any((it.columns, it.dialect) != (first.columns, first.dialect) for it in others):
        raise click.BadParameter("The files have not one header: load one after the other.")
    try:
        file, write = open_rejects(path, first, follow=follow)
    except OSError as error:
        raise click.ClickException(f"{path} could not be written: {error.strerror}.") from error
    stack.enter_context(file)
    return write
