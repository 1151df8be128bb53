"""The responses: ETag and 304, the headers of a file, a whole selection streamed or spooled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from itertools import chain
from tempfile import SpooledTemporaryFile
from types import MappingProxyType

from flask import Request, Response, current_app

from ..declarations.services import BoundService
from ..renderers import FileRenderer
from ..sql.counts import Counts
from ..sql.export import Export, Slots
from ..sql.selection import Selection

#: Sent with every answer below the prefix.
COMMON_HEADERS = {
    "Cache-Control": "private, no-cache",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept, Authorization",
}


def respond_with_file(
    request: Request,
    selection: Selection,
    renderer: FileRenderer,
    slots: Slots,
    counts: Counts,
) -> Response:
    config = current_app.config
    opened = partial(Export, selection, counts, config["OMS_COUNT_SECONDS"])
    if request.method == "HEAD":
        with closing(opened()) as export:
            return _file(request, iter(()), export, selection, renderer)
    with ExitStack() as ending:
        slots.take(config["OMS_MAX_CONCURRENT_EXPORTS"])
        ending.callback(slots.give_back)
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
    config = current_app.config
    settings = (config["OMS_CSV_GUARD"], config["OMS_CSV_BOM"])
    version = repr((export.version, settings)).encode() if export.version else None
    headers = file_headers(selection.listing, renderer, export.count)
    return respond(request, pieces, renderer.content_type, version, headers)


def _spool(response: Response) -> None:
    """Turn a streamed body into one of known length: HTTP/1.0 cannot tell a cut from an end."""
    spool = SpooledTemporaryFile(max_size=2**20)  # noqa: SIM115
    response.call_on_close(spool.close)
    spool.writelines(response.iter_encoded())
    response.content_length = spool.tell()
    spool.seek(0)
    response.response = iter(lambda: spool.read(2**16), b"")


def file_headers(listing: BoundService, renderer: FileRenderer, count: int) -> dict[str, str]:
    service = listing.service
    name = f"{service.resource}-{service.name}-{datetime.now(UTC):%Y-%m-%d}.{renderer.extension}"
    return {
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Total-Count": str(count),
    }


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
    # Not make_conditional(), which reads a streamed body whole to know its length.
    if "If-None-Match" in request.headers and request.if_none_match.contains_weak(tag):
        response.status_code = 304
    return response
