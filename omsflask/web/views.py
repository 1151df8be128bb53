"""The views. A GET runs one way: parameters and format, select, page, render."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache, partial
from hashlib import sha256
from itertools import chain
from tempfile import SpooledTemporaryFile
from types import MappingProxyType
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
from ..sql.export import Export, Slots
from ..sql.pagination import Page, Paginator
from ..sql.replica import Replica, read
from ..sql.row_formats import VALUES, Form, json_form
from ..sql.selection import Selection
from ..sql.watermark import headers, horizon, settled
from .links import Links
from .parsers import parse

METHODS = ("GET", "HEAD", "OPTIONS")

#: Sent with every answer below the prefix.
COMMON_HEADERS = {
    "Cache-Control": "private, no-cache",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept, Authorization",
}


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
    return _respond(request, body, "application/json", version, {"Allow": ", ".join(METHODS)})


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
            return _export(request, selection, renderer, bind, shared)
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
        return _respond(request, body, renderer.content_type, body)
    rows = listing.shown(page.rows)
    table = PageTable(listing.service.resource, listing.cells, rows)
    body = b"".join(renderer.stream(table, current_app.config))
    headers = _file_headers(listing, renderer, page.count)
    if page.next:
        headers["Link"] = f'<{page.next}>; rel="next"'
    # A spreadsheet's bytes name the moment that it was made.
    version = orjson.dumps([page.count, page.next, list(map(list, rows))])
    return _respond(request, body, renderer.content_type, version, headers)


def _export(
    request: Request,
    selection: Selection,
    renderer: FileRenderer,
    bind: Engine | Connection,
    shared: Shared,
) -> Response:
    config = current_app.config
    opened = partial(Export, bind, selection, shared.counts, config["OMS_COUNT_SECONDS"])
    if request.method == "HEAD":
        with closing(opened()) as export:
            return _file(request, iter(()), export, selection, renderer)
    with ExitStack() as ending:
        shared.slots.take(config["OMS_MAX_CONCURRENT_EXPORTS"])
        ending.callback(shared.slots.give_back)
        export = ending.enter_context(closing(opened()))
        pieces = renderer.stream(export, config)
        # What can fail at once fails before the headers go: an answer, and not a cut file.
        pieces = chain([next(pieces), next(pieces, b"")], pieces)
        response = _file(request, pieces, export, selection, renderer)
        if request.environ["SERVER_PROTOCOL"] == "HTTP/1.0":
            _spool(response)
        else:
            _end_with(response, ending.pop_all())
    return response


def _end_with(response: Response, ending: ExitStack) -> None:
    """Close ``ending`` when the body ends, fails, or is never begun."""
    body = response.response

    def until_end() -> Iterator[bytes]:
        with ending:
            yield from body  # type: ignore[misc]

    response.response = until_end()
    response.call_on_close(ending.close)


def _file(
    request: Request,
    pieces: Iterator[bytes],
    export: Export,
    selection: Selection,
    renderer: FileRenderer,
) -> Response:
    guard = current_app.config["OMS_CSV_GUARD"]
    state = export.state or secrets.token_hex(8)
    version = (state, export.count, guard, export.selected, selection.query.arguments)
    headers = _file_headers(selection.listing, renderer, export.count)
    return _respond(request, pieces, renderer.content_type, repr(version).encode(), headers)


def _spool(response: Response) -> None:
    """Turn a streamed body into one of known length: HTTP/1.0 cannot tell a cut from an end."""
    spool = SpooledTemporaryFile(max_size=2**20)  # noqa: SIM115
    response.call_on_close(spool.close)
    spool.writelines(response.iter_encoded())
    response.content_length = spool.tell()
    spool.seek(0)
    response.response = iter(lambda: spool.read(2**16), b"")


def _file_headers(listing: BoundService, renderer: FileRenderer, count: int) -> dict[str, str]:
    service = listing.service
    name = f"{service.resource}-{service.name}-{datetime.now(UTC):%Y-%m-%d}.{renderer.extension}"
    return {
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Total-Count": str(count),
    }


def _respond(
    request: Request,
    body: bytes | Iterator[bytes],
    content_type: str,
    version: bytes,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Response:
    """Return an answer, or 304 to who has it already.

    :param version: changes whenever the answer does.
    """
    digest = sha256(content_type.encode())
    digest.update(version)
    tag = digest.hexdigest()[:24]
    headers = {
        "Content-Type": content_type, **COMMON_HEADERS, "ETag": f'W/"{tag}"', **headers
    }  # fmt: skip
    response = Response(body, headers=headers)
    # Not make_conditional(), which reads a streamed body whole to know its length.
    if "If-None-Match" in request.headers and request.if_none_match.contains_weak(tag):
        response.status_code = 304
    return response
