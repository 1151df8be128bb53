"""``export``: the file that the service gives, from the command line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

import click
from flask import current_app
from flask.cli import with_appcontext

from ..declarations.services import BoundService
from ..errors import InvalidParameters
from ..extension import current_oms
from ..renderers.renderer import Renderer
from ..sql.database import Database
from ..sql.export import Export
from ..sql.query import Query
from ..sql.replica import read
from ..sql.selection import Selection
from ..web.parsers import parse, query_schema
from . import files
from .progress import bar_of


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@click.option("--filter", "filters", multiple=True, metavar="NAME=VALUE", help="Narrow or sort.")
@files.follow_links
@with_appcontext
def export(file: Path, filters: Sequence[str], follow_links: bool) -> None:
    """Write all customers, or those that the filters leave, to FILE.csv or FILE.xlsx.

    A file has its name only when it is whole. A pipe is written to as it is.
    """
    oms = current_oms()
    renderer = _renderer_of(file, oms.renderers.values())
    listing = oms.listings[0]
    if listing.scope is not None:
        raise click.ClickException(
            "The rows depend on the holder of the token. Export them over HTTP."
        )
    query = _query(listing, [*oms.renderers], filters)
    database = Database.of(oms.session, listing.model)

    def opened(database: Database) -> Export:
        return Export(Selection(listing, query, database))

    with closing(read(oms.replica, database, opened)) as rows:
        _write(file, renderer, rows, follow=follow_links)


def _renderer_of(file: Path, renderers: Iterable[Renderer]) -> Renderer:
    by_suffix = {f".{it.extension}": it for it in renderers if it.extension}
    renderer = by_suffix.get(file.suffix.lower())
    if renderer is None:
        raise click.BadParameter(f"{file.name} does not end in {' or '.join(by_suffix)}.")
    return renderer


def _query(listing: BoundService, formats: Sequence[str], filters: Sequence[str]) -> Query:
    wrong = [text for text in filters if "=" not in text]
    if wrong:
        raise click.BadParameter(f"{wrong[0]!r} is not NAME=VALUE.")
    pairs = [text.partition("=")[::2] for text in filters]
    schema = query_schema(listing.service, formats)
    config = {**current_app.config, "OMS_LENIENT_QUERY": False}
    try:
        query = parse(urlencode(pairs).encode(), listing.service, schema, config)
    except InvalidParameters as error:
        texts = (f"{name}: {' '.join(it)}" for name, it in error.messages.items())
        raise click.ClickException(" ".join(texts)) from error
    if query.is_paged or query.format:
        raise click.ClickException("An export is whole: it takes no page, limit, cursor or format.")
    return query


def _write(file: Path, renderer: Renderer, rows: Export, *, follow: bool) -> None:
    try:
        with files.replacing(file, follow=follow) as target, bar_of(rows.count) as bar:
            rows.on_rows = bar.update
            for piece in renderer.file(rows, current_app.config):
                target.write(piece)
    except OSError as error:
        raise click.ClickException(f"{file} could not be written: {error.strerror}.") from error
    click.echo(f"Wrote {rows.count} rows to {file}.", err=True)
