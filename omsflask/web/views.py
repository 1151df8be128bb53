"""The views. A GET runs one way: parameters and format, select, page, render."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import quote

import orjson
from flask import Request, Response, current_app, g
from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

from ..declarations.introspection import description
from ..declarations.services import BoundService
from ..errors import MethodNotAllowed
from ..renderers import FORMATS, PUBLISHED, FileRenderer, Renderer, choose, json
from ..renderers.table import PageTable
from ..sql.connections import bind_of
from ..sql.counts import Counts
from ..sql.export import Slots
from ..sql.pagination import Page, Paginator
from ..sql.replica import Replica, read
from ..sql.row_formats import VALUES, Form, json_form
from ..sql.selection import Selection
from ..sql.watermark import headers, horizon, settled
from .links import Links
from .parsers import parse
from .responses import file_headers, respond, respond_with_file

METHODS = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class Shared:
    """What the requests of an app share.

    :param slots: of the exports under way.
    :param counts: made of late.
    :param replica: where lists are read while it answers.
    """

    slots: Slots = field(default_factory=Slots)
    counts: Counts = field(default_factory=Counts)
    replica: Replica | None = None


def answer(
    request: Request, listing: BoundService, session: Callable[[], Session], shared: Shared
) -> Response:
    """Answer a request for a list.

    :param session: gives a session of the host's, of which only the engine is used.
    """
    if request.method == "OPTIONS":
        return options(request, listing)
    if request.method in METHODS:
        return get(request, listing, bind_of(session, listing.model), shared)
    raise MethodNotAllowed(request.method, METHODS)


def options(request: Request, listing: BoundService) -> Response:
    """Describe the list."""
    body, version = description(listing.service, PUBLISHED)
    return respond(request, body, "application/json", version, {"Allow": ", ".join(METHODS)})


def get(
    request: Request, listing: BoundService, bind: Engine | Connection, shared: Shared
) -> Response:
    """Answer with a page of the list, or with all of it as a file."""
    config = current_app.config
    query = parse(request, listing.service, FORMATS, config["OMS_LENIENT_QUERY"])
    renderer = choose(query.format, request.headers.get("Accept", ""))
    moment = horizon(bind, listing, query, config["OMS_COMMIT_HORIZON_SECONDS"])
    selection = Selection(listing, settled(query, bind, moment), g.oms_holder)

    def work(bind: Engine | Connection) -> Response:
        if isinstance(renderer, FileRenderer) and not query.is_paged:
            return respond_with_file(
                request, selection, renderer, bind, shared.slots, shared.counts
            )
        form = VALUES if isinstance(renderer, FileRenderer) else json_form(listing, bind.dialect)
        page = _paginator(request, selection, form, bind, shared.counts).read()
        return _render(request, listing, form, page, renderer)

    response = read(shared.replica, bind, work, moment)
    if moment:
        response.headers.update(headers(moment))
    return response


def _paginator(
    request: Request, selection: Selection, form: Form, bind: Engine | Connection, counts: Counts
) -> Paginator:
    config, query = current_app.config, selection.query
    limit = min(query.limit or config["OMS_PAGE_SIZE"], config["OMS_MAX_PAGE_SIZE"])
    # Not request.root_url, which shows the letters of an international name.
    root = config["OMS_BASE_URL"] or f"{request.scheme}://{request.host}{quote(request.root_path)}"
    links = Links(_address(root, request.path), query.arguments)
    return Paginator(selection, limit, form, links, bind, counts, config["OMS_COUNT_SECONDS"])


@lru_cache(maxsize=100)
def _address(root: str, path: str) -> str:
    return f"{root.rstrip('/')}{quote(path.rstrip('/'))}/"


def _render(
    request: Request, listing: BoundService, form: Form, page: Page, renderer: Renderer
) -> Response:
    if not isinstance(renderer, FileRenderer):
        body = json.render(page, form.results(listing, page.rows))
        return respond(request, body, renderer.content_type, body)
    rows = listing.shown(page.rows)
    table = PageTable(listing.service.resource, listing.cells, rows)
    body = b"".join(renderer.stream(table, current_app.config))
    headers = file_headers(listing, renderer, page.count)
    if page.next:
        headers["Link"] = f'<{page.next}>; rel="next"'
    # A spreadsheet's bytes name the moment that it was made.
    version = orjson.dumps([page.count, page.next, list(map(list, rows))])
    return respond(request, body, renderer.content_type, version, headers)
