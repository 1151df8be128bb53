"""The views. A GET runs one way: query, watermark, selection, page or file, response."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from hashlib import sha256
from urllib.parse import quote

import orjson
from flask import Request, Response, current_app, g
from marshmallow import Schema
from sqlalchemy.orm import Session

from ..declarations.fields import format_utc
from ..declarations.introspection import metadata
from ..declarations.services import BoundService
from ..errors import MethodNotAllowed
from ..renderers.renderer import Renderer
from ..renderers.table import PageTable, ShownPage
from ..sql.counts import Counts
from ..sql.database import Database
from ..sql.export import Slots
from ..sql.pagination import Paginator
from ..sql.replica import Replica, read
from ..sql.row_formats import TUPLES, json_format
from ..sql.selection import Selection
from ..sql.watermark import waiting_for, watermark
from .links import Links
from .negotiation import choose
from .parsers import parse, query_schema
from .responses import respond, respond_with_file, respond_with_page

METHODS = ("GET", "HEAD", "OPTIONS")

#: Names the watermark in an answer.
COMPLETE_UNTIL = "OMS-Complete-Until"


class ListView:
    """A list in an app: one object, made when the extension sets up.

    :param session: gives a session of the host's, of which only the engine is used.
    :param renderers: the formats, by their names.
    :param slots: of the app's exports under way.
    :param replica: where lists are read while it answers.
    """

    def __init__(
        self,
        listing: BoundService,
        session: Callable[[], Session],
        *,
        renderers: Mapping[str, Renderer],
        slots: Slots,
        replica: Replica | None = None,
    ) -> None:
        self.listing = listing
        self.session = session
        self.renderers = renderers
        self.slots = slots
        self.replica = replica
        self.counts = Counts()

    @cached_property
    def schema(self) -> Schema:
        """The schema that reads the query string."""
        return query_schema(self.listing.service, [*self.renderers])

    @cached_property
    def description(self) -> tuple[bytes, bytes]:
        """The OPTIONS document as JSON, and its hash."""
        published = [it.media_type for it in self.renderers.values() if it.is_published]
        body = orjson.dumps(metadata(self.listing.service, published))
        return body, sha256(body).digest()

    def __call__(self, request: Request) -> Response:
        """Answer a request."""
        if request.method == "OPTIONS":
            return self.options(request)
        if request.method in METHODS:
            return self.get(request)
        raise MethodNotAllowed(request.method, METHODS)

    def options(self, request: Request) -> Response:
        """Describe the list."""
        body, version = self.description
        return respond(request, body, "application/json", version, {"Allow": ", ".join(METHODS)})

    def get(self, request: Request) -> Response:
        """Answer with a page of the list, or with all of it as a file."""
        config, listing = current_app.config, self.listing
        query = parse(request.query_string, listing.service, self.schema, config)
        renderer = choose(request, self.renderers, query.format)
        primary = Database.of(self.session, listing.model)
        moment = watermark(primary, listing, query, config["OMS_COMMIT_HORIZON_SECONDS"])

        def work(database: Database) -> Response:
            waits = waiting_for(database, moment)
            selection = Selection(listing, query, database, g.oms_holder, waits)
            if renderer.is_whole(query.is_paged):
                return respond_with_file(request, selection, renderer, self.slots, self.counts)
            return self._respond_with_page(request, selection, renderer)

        response = read(self.replica, primary, work, moment)
        if moment:
            response.headers[COMPLETE_UNTIL] = format_utc(moment)
        return response

    def _respond_with_page(
        self, request: Request, selection: Selection, renderer: Renderer
    ) -> Response:
        config, listing = current_app.config, self.listing
        is_file = bool(renderer.extension)
        dialect = selection.database.dialect
        row_format = TUPLES if is_file else json_format(selection.source, dialect)
        page = Paginator(selection, row_format, self.counts, config["OMS_COUNT_SECONDS"]).read()
        links = Links(address_of(request), selection.query.arguments)
        neighbours = links.of(page.next), links.of(page.previous)
        if not is_file:
            shown = ShownPage(
                page.count, *neighbours, results=row_format.results(listing, page.rows)
            )
            return respond_with_page(request, listing, renderer, shown)
        rows = listing.shown(page.rows)
        table = PageTable(listing.service.resource, selection.source.cells, rows)
        return respond_with_page(
            request, listing, renderer, ShownPage(page.count, *neighbours, table=table)
        )


def address_of(request: Request) -> str:
    """Return the list's address, as links have it."""
    # request.root_url would show the letters of an international name.
    base = current_app.config["OMS_BASE_URL"]
    root = base or f"{request.scheme}://{request.host}{quote(request.root_path)}"
    return f"{root.rstrip('/')}{quote(request.path.rstrip('/'))}/"
