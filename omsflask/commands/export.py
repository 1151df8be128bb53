"""``export``: the file that the service gives, from the command line."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

import click
from flask import current_app
from flask.cli import with_appcontext

from ..declarations.services import BoundService
from ..errors import InvalidParameters
from ..extension import current_oms
from ..renderers import FORMATS, RENDERERS, FileRenderer
from ..sql.connections import Database
from ..sql.export import Export
from ..sql.query import Query
from ..sql.replica import read
from ..sql.selection import Selection
from ..web.parsers import parse, query_schema
from . import files
from .progress import bar_of

#: By the ending of a file's name.
RENDERER_OF = {f".{it.extension}": it for it in RENDERERS.values() if isinstance(it, FileRenderer)}


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@click.option("--filter", "filters", multiple=True, metavar="NAME=VALUE", help="Narrow or sort.")
@files.follow_links
@with_appcontext
def export(file: Path, filters: Sequence[str], follow_links: bool) -> None:
    """Write all customers, or those that the filters leave, to FILE.csv or FILE.xlsx.

    A file has its name only when it is whole. A pipe is written to as it is.
    """
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
        _write(file, renderer, rows, follow=follow_links)


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


def _write(file: Path, renderer: FileRenderer, rows: Export, *, follow: bool) -> None:
    try:
        with files.replacing(file, follow=follow) as target, bar_of(rows.count) as bar:
            rows.on_rows = bar.update
            for piece in renderer.stream(rows, current_app.config):
                target.write(piece)
    except OSError as error:
        raise click.ClickException(f"{file} could not be written: {error.strerror}.") from error
    click.echo(f"Wrote {rows.count} rows to {file}.", err=True)
