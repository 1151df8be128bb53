"""The token of a request: read from the header, shown to who can verify it, or 401."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Request, Response, g, request

from ..errors import NotAuthenticated

#: From a key to who holds it, or none.
VerifyToken = Callable[[str], Any]

SCHEME = b"token"


def credentials(header: str) -> str:
    """Return the key in an Authorization header: ``Token <key>``.

    Split by hand, because Werkzeug reads ``Token a=b`` as parameters. A WSGI header is bytes that
    were decoded as Latin-1 (PEP 3333).

    :raises NotAuthenticated: with the words of Django REST framework.
    """
    parts = header.encode("latin-1", errors="replace").split()
    if not parts or parts[0].lower() != SCHEME:
        raise NotAuthenticated("Authentication credentials were not provided.")
    if len(parts) == 1:
        raise NotAuthenticated("Invalid token header. No credentials provided.")
    if len(parts) > 2:
        raise NotAuthenticated("Invalid token header. Token string should not contain spaces.")
    try:
        return parts[1].decode()
    except UnicodeDecodeError:
        raise NotAuthenticated(
            "Invalid token header. Token string should not contain invalid characters."
        ) from None


def is_preflight(request: Request) -> bool:
    """Whether a browser asks what it may send, which it does without credentials (Fetch, CORS)."""
    return (
        request.method == "OPTIONS"
        and "Origin" in request.headers
        and "Access-Control-Request-Method" in request.headers
    )


def hook(verify_token: VerifyToken) -> Callable[[], Response | None]:
    """Return the ``before_request`` function that lets only holders of a token through.

    The holder is kept as ``flask.g.oms_holder``.
    """

    def authenticate() -> Response | None:
        asked: Request = request._get_current_object()  # type: ignore[attr-defined]
        if is_preflight(asked):
            return Response(status=204, headers={"Vary": "Origin"})
        holder = verify_token(credentials(asked.headers.get("Authorization", "")))
        if holder is None:
            raise NotAuthenticated("Invalid token.")
        g.oms_holder = holder
        return None

    return authenticate
