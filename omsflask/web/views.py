"""The views. A GET runs one way: query, watermark, selection, page or file, response."""

from __future__ import annotations

from collections.abc import Callable
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
from ..renderers import FORMATS, PUBLISHED, FileRenderer, Renderer, choose, json
from ..renderers.table import PageTable
from ..sql.connections import Database
from ..sql.counts import Counts
from ..sql.export import Slots
from ..sql.pagination import Page, Paginator
from ..sql.replica import Replica, read
from ..sql.row_formats import VALUES, Form, json_form
from ..sql.selection import Selection
from ..sql.watermark import waiting_for, watermark
from .links import Links
from .parsers import parse, query_schema
from .responses import file_headers, respond, respond_with_file

METHODS = ("GET", "HEAD", "OPTIONS")

#: Names the watermark in an answer.
COMPLETE_UNTIL = "OMS-Complete-Until"


class ListView:
    """A list in an app: one object, made when the extension sets up.

    :param session: gives a session of the host's, of which only the engine is used.
    :param slots: of the app's exports under way.
    :param replica: where lists are read while it answers.
    """

    def __init__(
        self,
        listing: BoundService,
        session: Callable[[], Session],
        *,
        slots: Slots,
        replica: Replica | None = None,
    ) -> None:
        self.listing = listing
        self.session = session
        self.slots = slots
        self.replica = replica
        self.counts = Counts()

    @cached_property
    def schema(self) -> Schema:
        """What reads the query string."""
        return query_schema(self.listing.service, FORMATS)

    @cached_property
    def description(self) -> tuple[bytes, bytes]:
        """The OPTIONS document as JSON, and its hash."""
        body = orjson.dumps(metadata(self.listing.service, PUBLISHED))
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
        renderer = choose(query.format, request.headers.get("Accept", ""))
        primary = Database.of(self.session, listing.model)
        moment = watermark(primary, listing, query, config["OMS_COMMIT_HORIZON_SECONDS"])

        def work(database: Database) -> Response:
            waits = waiting_for(database, moment)
            selection = Selection(listing, query, database, g.oms_holder, waits)
            if isinstance(renderer, FileRenderer) and not query.is_paged:
                return respond_with_file(request, selection, renderer, self.slots, self.counts)
            return self._respond_with_page(request, selection, renderer)

        response = read(self.replica, primary, work, moment)
        if moment:
            response.headers[COMPLETE_UNTIL] = format_utc(moment)
        return response

    def _respond_with_page(
        self, request: Request, selection: Selection, renderer: Renderer
    ) -> Response:
        is_file = isinstance(renderer, FileRenderer)
        dialect = selection.database.dialect
        form = VALUES if is_file else json_form(selection.source.cells, dialect)
        kept_seconds = current_app.config["OMS_COUNT_SECONDS"]
        page = Paginator(selection, form, self.counts, kept_seconds).read()
        links = Links(address_of(request), selection.query.arguments)
        return _render(request, selection, form, page, renderer, links)


def address_of(request: Request) -> str:
    """Return the list's address, as links have it."""
    # Not request.root_url, which shows the letters of an international name.
    base = current_app.config["OMS_BASE_URL"]
    root = base or f"{request.scheme}://{request.host}{quote(request.root_path)}"
    return f"{root.rstrip('/')}{quote(request.path.rstrip('/'))}/"


def _render(
    request: Request,
    selection: Selection,
    form: Form,
    page: Page,
    renderer: Renderer,
    links: Links,
) -> Response:
    listing = selection.listing
    following, before = links.of(page.next), links.of(page.previous)
    if not isinstance(renderer, FileRenderer):
        results = form.results(listing, page.rows)
        body = json.render(page.count, following, before, results)
        return respond(request, body, renderer.content_type, body)
    rows = listing.shown(page.rows)
    table = PageTable(listing.service.resource, selection.source.cells, rows)
    body = b"".join(renderer.stream(table, current_app.config))
    headers = file_headers(listing, renderer, page.count)
    if following:
        headers["Link"] = f'<{following}>; rel="next"'
    # A spreadsheet's bytes name the moment that it was made.
    version = orjson.dumps([page.count, following, list(map(list, rows))])
    return respond(request, body, renderer.content_type, version, headers)
