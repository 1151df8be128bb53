"""``export``: the file that the service gives, from the command line."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, TypeVar
from urllib.parse import urlencode

import click
from flask import current_app
from flask.cli import with_appcontext

from ..declarations.cells import Cell, Row
from ..declarations.services import BoundService
from ..errors import InvalidParameters
from ..extension import current_oms
from ..renderers import FORMATS, RENDERERS, FileRenderer
from ..renderers.table import Table
from ..sql.bulk import Dump
from ..sql.connections import Database
from ..sql.export import Export
from ..sql.query import Query
from ..sql.replica import read
from ..sql.selection import Selection
from ..web.parsers import parse, query_schema
from .progress import bar_of

Batch = TypeVar("Batch", bound=Sequence[Any])

#: By the ending of a file's name.
RENDERER_OF = {f".{it.extension}": it for it in RENDERERS.values() if isinstance(it, FileRenderer)}


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@click.option("--filter", "filters", multiple=True, metavar="NAME=VALUE", help="Narrow or sort.")
@with_appcontext
def export(file: Path, filters: Sequence[str]) -> None:
    """Write all customers, or those that the filters leave, to FILE.csv or FILE.xlsx."""
    renderer = RENDERER_OF.get(file.suffix.lower())
    if renderer is None:
        raise click.BadParameter(f"{file.name} ends neither in .csv nor in .xlsx.")
    oms = current_oms()
    listing = oms.listings[0]
    if listing.scope is not None:
        raise click.ClickException("What is shown depends on who asks: export it over HTTP.")
    query = _query(listing, filters)
    database = Database.of(oms.session, listing.model)

    def opened(database: Database) -> Export:
        return Export(Selection(listing, query, database))

    with closing(read(oms.replica, database, opened)) as rows:
        _write(file, renderer, rows)


def _query(listing: BoundService, filters: Sequence[str]) -> Query:
    wrong = [text for text in filters if "=" not in text]
    if wrong:
        raise click.BadParameter(f"{wrong[0]!r} is not NAME=VALUE.")
    pairs = [text.partition("=")[::2] for text in filters]
    schema = query_schema(listing.service, FORMATS)
    config = {**current_app.config, "OMS_LENIENT_QUERY": False}
    try:
        query = parse(urlencode(pairs).encode(), listing.service, schema, config)
    except InvalidParameters as error:
        texts = (f"{name}: {' '.join(it)}" for name, it in error.messages.items())
        raise click.ClickException(" ".join(texts)) from error
    if query.is_paged or query.format:
        raise click.ClickException("An export is whole: it takes no page, limit, cursor or format.")
    return query


def _write(file: Path, renderer: FileRenderer, rows: Export) -> None:
    """Write to another name first: under its own a file is whole or not there."""
    try:
        with _renamed_when_whole(file) as target, bar_of(rows.count) as bar:
            for piece in renderer.stream(_Watched(rows, bar), current_app.config):
                target.write(piece)
    except OSError as error:
        raise click.ClickException(f"{file} could not be written: {error.strerror}.") from error
    click.echo(f"Wrote {rows.count} rows to {file}.", err=True)


@contextmanager
def _renamed_when_whole(file: Path) -> Iterator[IO[bytes]]:
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(descriptor, "wb") as target:
            yield target
        Path(name).chmod(0o644)
        Path(name).replace(file)
    finally:
        Path(name).unlink(missing_ok=True)


@dataclass(frozen=True)
class _Watched:
    """A table that tells a progress bar of its rows as they are read."""

    table: Table
    bar: Any

    @property
    def title(self) -> str:
        return self.table.title

    @property
    def cells(self) -> Sequence[Cell]:
        return self.table.cells

    @property
    def count(self) -> int:
        return self.table.count

    def batches(self) -> Iterator[Sequence[Row]]:
        return self._watch(self.table.batches(), len)

    def dump(self) -> Dump | None:
        rows = self.table.dump()
        if rows is None:
            return None
        return replace(rows, batches=self._watch(rows.batches, lambda it: it.count(rows.end)))

    def _watch(self, batches: Iterator[Batch], count: Callable[[Batch], int]) -> Generator[Batch]:
        for batch in batches:
            yield batch
            self.bar.update(count(batch), batch)
