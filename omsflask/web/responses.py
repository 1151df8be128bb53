"""The responses: ETag and 304, the headers of a file, a whole selection streamed or spooled."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from itertools import chain
from tempfile import SpooledTemporaryFile
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from flask import Request, Response, current_app

from ..declarations.services import BoundService
from ..renderers.renderer import Renderer
from ..renderers.table import ShownPage
from ..sql.counts import Counts
from ..sql.export import Export, Slots
from ..sql.selection import Selection
from .bodies import Body, send

#: Sent with every answer below the prefix.
COMMON_HEADERS = {
    "Cache-Control": "private, no-cache",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept, Authorization",
}


def respond_with_page(
    request: Request, listing: BoundService, renderer: Renderer, page: ShownPage
) -> Response:
    """Return a page: its links in the body, or the next one's address in a file's header."""
    body = renderer.body(page, current_app.config)
    headers = file_headers(listing, renderer, page.count) if renderer.extension else {}
    if renderer.extension and page.next:
        headers["Link"] = f'<{page.next}>; rel="next"'
    version = renderer.version(page, body)
    return respond(request, body, renderer.content_type, version, headers)


def respond_with_file(
    request: Request,
    selection: Selection,
    renderer: Renderer,
    slots: Slots,
    counts: Counts,
) -> Response:
    """Return the whole selection as a file, its headers for HEAD, or 304."""
    config = current_app.config
    opened = partial(Export, selection, counts, config["OMS_COUNT_SECONDS"])
    # Neither answer has a body: it needs no slot, and nothing stays open behind it.
    if request.method == "HEAD" or "If-None-Match" in request.headers:
        with closing(opened()) as export:
            response = _file_response(request, export, selection, renderer)
        if request.method == "HEAD" or response.status_code == 304:
            return response
    with ExitStack() as ending:
        ending.callback(slots.take(config["OMS_MAX_CONCURRENT_EXPORTS"]))
        export = ending.enter_context(closing(opened()))
        rest = ending.enter_context(closing(renderer.file(export, config)))
        # Early errors come before the headers go: an answer, and not a cut file.
        pieces = chain([next(rest, b""), next(rest, b"")], rest)
        response = _file_response(request, export, selection, renderer)
        if shows_a_cut(request.environ):
            send(request, response, Body(pieces, ending.pop_all()))
        else:
            _spool(request, response, pieces)
    return response


def _file_response(
    request: Request, export: Export, selection: Selection, renderer: Renderer
) -> Response:
    config = current_app.config
    settings = (config["OMS_CSV_GUARD"], config["OMS_CSV_BOM"])
    version = repr((export.version, settings)).encode() if export.version else None
    headers = file_headers(selection.listing, renderer, export.count)
    return respond(request, iter(()), renderer.content_type, version, headers)


#: How the servers name themselves that break the connection off when a body raises. The others end
#: the response as if it were whole: Granian and wsgiref do, and what is behind CGI or mod_wsgi may.
BREAKS_OFF = ("gunicorn/", "waitress", "gevent/", "Cheroot/")


def shows_a_cut(environ: Mapping[str, Any]) -> bool:
    """Whether the client can tell a file of unknown length that broke off from a whole one."""
    # HTTP/1.0 has no chunks: a response without a length ends where the connection does.
    if environ["SERVER_PROTOCOL"] in ("HTTP/0.9", "HTTP/1.0") or "uwsgi.version" in environ:
        return False
    # Behind ASGI there is no name, and an exception reaches the server.
    return (environ.get("SERVER_SOFTWARE") or BREAKS_OFF[0]).startswith(BREAKS_OFF)


def _spool(request: Request, response: Response, pieces: Iterator[bytes]) -> None:
    """Give a file its length: it is read whole, to disk, before the headers go."""
    with ExitStack() as ending:
        spool = ending.enter_context(SpooledTemporaryFile(max_size=2**20))
        spool.writelines(pieces)
        response.content_length = spool.tell()
        spool.seek(0)
        send(request, response, Body(iter(lambda: spool.read(2**16), b""), ending.pop_all()))


def file_headers(listing: BoundService, renderer: Renderer, count: int) -> dict[str, str]:
    """Return the headers that name a file and count the rows of its selection."""
    service = listing.service
    name = f"{service.resource}-{service.name}-{datetime.now(UTC):%Y-%m-%d}.{renderer.extension}"
    return {"Content-Disposition": attachment(name), "X-Total-Count": str(count)}


def attachment(name: str) -> str:
    """Return the header of a file. A name beyond ASCII is given as RFC 8187 says, too."""
    if name.isascii():
        return f'attachment; filename="{name}"'
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def respond(
    request: Request,
    body: bytes | Iterator[bytes],
    content_type: str,
    version: bytes | None,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Response:
    """Return an answer, or 304 to who has it already.

    :param version: changes whenever the answer does; none where that cannot be known.
    """
    headers = {"Content-Type": content_type, **COMMON_HEADERS, **headers}
    if version is None:
        return Response(body, headers=headers)
    digest = sha256(content_type.encode())
    digest.update(version)
    tag = digest.hexdigest()[:24]
    response = Response(body, headers={**headers, "ETag": f'W/"{tag}"'})
    # make_conditional() would read a streamed body whole to know its length.
    if "If-None-Match" in request.headers and request.if_none_match.contains_weak(tag):
        response.status_code = 304
    return response
