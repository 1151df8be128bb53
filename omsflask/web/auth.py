"""The token of a request: read from the header, shown to who can verify it, or 401."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from flask import Request, Response, g, request
from sqlalchemy.orm import Query
from werkzeug.wrappers import Response as WSGIResponse

from ..errors import NotAuthenticated

#: From a key to its holder. A falsy holder, such as None, means that the key is not valid.
VerifyToken = Callable[[str], Any]

CONTRACT = "verify_token must be a function that returns the token's holder, or None"

#: Functions whose result is truthy for every key, with the reason.
NEVER_FALSY: tuple[tuple[Callable[[Any], bool], str], ...] = (
    (inspect.isclass, "a class, which makes an object for every key"),
    (inspect.iscoroutinefunction, "an async function, which nobody awaits"),
    (inspect.isasyncgenfunction, "an async generator function"),
    (inspect.isgeneratorfunction, "a generator function"),
)

#: Types whose objects are truthy for every key, and so are no holders.
NO_HOLDERS: tuple[type[Any], ...] = (
    bool, Awaitable, AsyncIterator, Iterator, Query, WSGIResponse, BaseException, type, partial,
    BuiltinFunctionType, FunctionType, MethodType,
)  # fmt: skip

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


def check(verify_token: VerifyToken) -> None:
    """Refuse a ``verify_token`` that would let everybody in.

    :raises TypeError: naming the contract, and what was given.
    """
    if not callable(verify_token):
        raise TypeError(f"{CONTRACT}. This is no function: {verify_token!r}.")
    function: Any = verify_token
    while isinstance(function, partial):
        function = function.func
    for each in (function, type(function).__call__):
        for is_wrong, reason in NEVER_FALSY:
            if is_wrong(each):
                raise TypeError(f"{CONTRACT}. This is {reason}: {verify_token!r}.")


def holder_of(key: str, verify_token: VerifyToken) -> Any:
    """Return the holder of ``key``.

    :raises NotAuthenticated: when there is none.
    :raises TypeError: when ``verify_token`` returned an object that cannot be a holder.
    """
    holder = verify_token(key)
    if not holder:
        raise NotAuthenticated("Invalid token.")
    if isinstance(holder, NO_HOLDERS):
        if inspect.iscoroutine(holder):
            holder.close()  # Else Python warns that it was never awaited.
        raise TypeError(f"{CONTRACT}. It returned an object of type {type(holder).__name__}.")
    return holder


def hook(verify_token: VerifyToken) -> Callable[[], Response | None]:
    """Return the ``before_request`` function that lets only holders of a token through.

    The holder is kept as ``flask.g.oms_holder``.
    """

    def authenticate() -> Response | None:
        asked: Request = request._get_current_object()  # type: ignore[attr-defined]
        if is_preflight(asked):
            return Response(status=204, headers={"Vary": "Origin"})
        key = credentials(asked.headers.get("Authorization", ""))
        g.oms_holder = holder_of(key, verify_token)
        return None

    return authenticate
