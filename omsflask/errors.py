"""The errors that a client can get, and the one JSON shape that each of them has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar


class ServiceError(Exception):
    """An answer other than the data: a status, a JSON body and headers.

    It is no ``HTTPException`` on purpose: Flask asks an app's handler for a status code before a
    blueprint's handler for a class, so that a host's ``errorhandler(404)`` would answer for ours.
    """

    status: ClassVar[int]
    detail: ClassVar[str]

    def __init__(
        self, body: Mapping[str, object] | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        self.body = {"detail": self.detail} if body is None else body
        self.headers = headers or {}
        super().__init__(self.body)


class InvalidParameters(ServiceError):
    """400: every wrong parameter by name, with what is wrong about it."""

    status = 400

    def __init__(self, messages: Mapping[str, Sequence[str]]) -> None:
        self.messages = {name: list(texts) for name, texts in messages.items()}
        super().__init__(self.messages)


class NotAuthenticated(ServiceError):
    """401: no token, or none that opens anything. The texts are Django REST framework's."""

    status = 401

    def __init__(self, detail: str) -> None:
        super().__init__({"detail": detail}, {"WWW-Authenticate": "Token"})


class NotFound(ServiceError):
    """404: no such path below the prefix."""

    status = 404
    detail = "Not found."


class InvalidPage(NotFound):
    """404: no page of that number."""

    detail = "Invalid page."


class MethodNotAllowed(ServiceError):
    """405, with the methods that are allowed (RFC 9110, 15.5.6)."""

    status = 405

    def __init__(self, method: str, allowed: Sequence[str]) -> None:
        super().__init__(
            {"detail": f'Method "{method}" not allowed.'}, {"Allow": ", ".join(allowed)}
        )


class NotAcceptable(ServiceError):
    """406: no format that the Accept header admits."""

    status = 406
    detail = "Could not satisfy the request Accept header."


class Unavailable(ServiceError):
    """503: the database cannot answer now; ask again after a moment."""

    status = 503
    detail = "The service is temporarily unavailable. Try again shortly."

    def __init__(self, detail: str | None = None, *, retry_after: int = 1) -> None:
        super().__init__({"detail": detail or self.detail}, {"Retry-After": str(retry_after)})


class Unencodable(ServiceError):
    """400: a text that the database's encoding has no characters for."""

    status = 400
    detail = "The encoding of the database lacks a character of this request."


class NotUTF8(ServiceError):
    """500: the database holds a text that nobody knows the encoding of."""

    status = 500
    detail = "The database holds text that is not UTF-8."
