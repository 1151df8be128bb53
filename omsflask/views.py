"""The views. A GET runs one way: parameters and format, select, page, render."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import chain
from tempfile import SpooledTemporaryFile
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import orjson
from flask import Response, current_app, g, request
from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

from .connections import bind_of, snapshot
from .errors import MethodNotAllowed
from .exports import Export, Slots
from .horizon import headers, horizon
from .introspection import metadata
from .pagination import Links, Page, Paginator
from .parsers import parse
from .renderers import FORMATS, PUBLISHED, FileRenderer, Renderer, choose, json
from .renderers.table import PageTable
from .services import BoundService, Query

METHODS = ("GET", "HEAD", "OPTIONS")

#: Sent with every answer below the prefix.
COMMON_HEADERS = {
    "Cache-Control": "private, no-cache",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept, Authorization",
}


def answer(listing: BoundService, session: Callable[[], Session], slots: Slots) -> Response:
    """Answer the current request for a list.

    :param session: gives a session of the host's, of which only the engine is used.
    :param slots: shared by the exports of an app.
    """
    if request.method == "OPTIONS":
        return options(listing)
    if request.method in METHODS:
        return get(listing, bind_of(session, listing.model), slots)
    raise MethodNotAllowed(request.method, METHODS)


def options(listing: BoundService) -> Response:
    """Describe the list."""
    body = orjson.dumps(metadata(listing.service, PUBLISHED))
    return _respond(body, "application/json", body, {"Allow": ", ".join(METHODS)})


def get(listing: BoundService, bind: Engine | Connection, slots: Slots) -> Response:
    """Answer with a page of the list, or with all of it as a file."""
    query = parse(request, listing.service, FORMATS, current_app.config["OMS_LENIENT_QUERY"])
    renderer = choose(query.format, request.headers.get("Accept", ""))
    seconds = current_app.config["OMS_COMMIT_HORIZON_SECONDS"]
    query = replace(query, horizon=horizon(bind, listing, query, seconds))
    response = _answer(listing, query, renderer, bind, slots)
    response.headers.extend(headers(query.horizon))
    return response


def _answer(
    listing: BoundService,
    query: Query,
    renderer: Renderer,
    bind: Engine | Connection,
    slots: Slots,
) -> Response:
    if isinstance(renderer, FileRenderer) and not query.is_paged:
        return _export(listing, query, renderer, bind, slots)
    with snapshot(bind) as connection:
        page = _paginator(listing, query, bind).read(connection)
    return _render(listing, page, renderer)


def _paginator(listing: BoundService, query: Query, bind: Engine | Connection) -> Paginator:
    config = current_app.config
    limit = min(query.limit or config["OMS_PAGE_SIZE"], config["OMS_MAX_PAGE_SIZE"])
    links = Links(_address(), query.arguments)
    return Paginator(listing, query, g.oms_holder, limit, links, bind.dialect)


def _address() -> str:
    base = current_app.config["OMS_BASE_URL"]
    # Not request.root_url, which shows the letters of an international name.
    base = base or f"{request.scheme}://{request.host}{quote(request.root_path)}"
    return f"{base.rstrip('/')}{quote(request.path.rstrip('/'))}/"


def _render(listing: BoundService, page: Page, renderer: Renderer) -> Response:
    if not isinstance(renderer, FileRenderer):
        body = json.render(list(listing.service.fields), page)
        return _respond(body, renderer.content_type, body)
    table = PageTable(listing.service.resource, listing.cells, page.rows)
    body = b"".join(renderer.stream(table, current_app.config))
    headers = _file_headers(listing, renderer, page.count)
    if page.next:
        headers["Link"] = f'<{page.next}>; rel="next"'
    # A spreadsheet's bytes name the moment that it was made.
    version = orjson.dumps([page.count, page.next, list(map(list, page.rows))])
    return _respond(body, renderer.content_type, version, headers)


def _export(
    listing: BoundService,
    query: Query,
    renderer: FileRenderer,
    bind: Engine | Connection,
    slots: Slots,
) -> Response:
    config = current_app.config
    asked = [query.arguments, *_selection(listing, query, bind)]
    if request.method == "HEAD":
        with closing(Export(bind, listing, query, g.oms_holder)) as export:
            return _file(iter(()), export, listing, renderer, asked)
    with ExitStack() as ending:
        slots.take(config["OMS_MAX_CONCURRENT_EXPORTS"])
        ending.callback(slots.give_back)
        export = ending.enter_context(closing(Export(bind, listing, query, g.oms_holder)))
        pieces = renderer.stream(export, config)
        # What can fail at once fails before the headers go: an answer, and not a cut file.
        pieces = chain([next(pieces), next(pieces, b"")], pieces)
        response = _file(pieces, export, listing, renderer, asked)
        if request.environ["SERVER_PROTOCOL"] == "HTTP/1.0":
            _spool(response)
        else:
            _end_with(response, ending.pop_all())
    return response


def _selection(listing: BoundService, query: Query, bind: Engine | Connection) -> list[Any]:
    """Return what tells one selection from another, the holder's scope and all."""
    # The horizon moves with the clock; whatever it lets through is another state.
    count = listing.count(replace(query, horizon=None), g.oms_holder)
    compiled = count.compile(dialect=bind.dialect)
    return [str(compiled), compiled.params]


def _end_with(response: Response, ending: ExitStack) -> None:
    """Close ``ending`` when the body ends, fails, or is never begun."""
    body = response.response

    def until_end() -> Iterator[bytes]:
        with ending:
            yield from body  # type: ignore[misc]

    response.response = until_end()
    response.call_on_close(ending.close)


def _file(
    pieces: Iterator[bytes],
    export: Export,
    listing: BoundService,
    renderer: FileRenderer,
    asked: Sequence[Any],
) -> Response:
    guard = current_app.config["OMS_CSV_GUARD"]
    version = orjson.dumps([export.state, guard, *asked], default=str)
    headers = _file_headers(listing, renderer, export.count)
    return _respond(pieces, renderer.content_type, version, headers)


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
    body: bytes | Iterator[bytes],
    content_type: str,
    version: bytes,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Response:
    """Return an answer, or 304 to who has it already.

    :param version: changes whenever the answer does.
    """
    response = Response(body, content_type=content_type, headers={**COMMON_HEADERS, **headers})
    tag = blake2b(content_type.encode() + version, digest_size=12).hexdigest()
    response.set_etag(tag, weak=True)
    # Not make_conditional(), which reads a streamed body whole to know its length.
    if request.if_none_match.contains_weak(tag):
        response.status_code = 304
    return response
