"""The choice of a format for a request: by its name, else by the Accept header."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Request
from werkzeug.datastructures import MIMEAccept

from ..errors import NotAcceptable
from ..renderers.renderer import Renderer


def choose(request: Request, renderers: Mapping[str, Renderer], name: str | None) -> Renderer:
    """Return the renderer that a request asks for (RFC 9110, 12.5.1).

    :param renderers: by the names of the formats; the first is the default.
    :param name: of the format, where the query string names one. It wins.
    :raises NotAcceptable: when nothing that can be had is acceptable.
    """
    if name is not None:
        return renderers[name]
    if request.environ.get("HTTP_ACCEPT", "*/*") in ("", "*/*"):
        return next(iter(renderers.values()))
    by_type = {it.media_type: it for it in renderers.values()}
    # A type has no parameters here: text/csv;charset=utf-8 is text/csv.
    ranges = [(text.partition(";")[0].strip(), it) for text, it in request.accept_mimetypes]
    chosen = MIMEAccept(ranges).best_match(by_type)
    if chosen is None:
        raise NotAcceptable
    return by_type[chosen]
