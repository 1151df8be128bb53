"""Error handlers: every error below the prefix, whoever raised it, as the one JSON shape."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from sqlite3 import SQLITE_ERROR

import orjson
from flask import Blueprint, Response
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, TimeoutError
from werkzeug.exceptions import HTTPException, default_exceptions

from ..errors import NotUTF8, ServiceError, Unavailable, Unencodable
from .responses import COMMON_HEADERS

logger = logging.getLogger(__name__)


def handle_errors(blueprint: Blueprint) -> None:
    """Register the handlers with ``blueprint``.

    Those of what a host's own functions raise, a rate limiter's 429 say, go by status code: by
    class they would come after the host's. The host answers all other errors.
    """
    blueprint.register_error_handler(ServiceError, service_error)
    blueprint.register_error_handler(DBAPIError, database_error)
    blueprint.register_error_handler(TimeoutError, database_error)
    for code in default_exceptions:
        if code < 500:
            blueprint.register_error_handler(code, http_error)


def service_error(error: ServiceError) -> Response:
    """Answer with one of our own errors."""
    return json_error(error.status, error.body, error.headers)


def http_error(error: HTTPException, detail: str | None = None) -> Response:
    """Answer with an error of Werkzeug's or of a host's.

    :param detail: what to say instead of its own description.
    """
    if isinstance(error.response, Response):
        return error.response
    headers = {name: text for name, text in error.get_headers() if name != "Content-Type"}
    detail = detail or error.description or error.name
    return json_error(error.code or 500, {"detail": detail}, headers)


def database_error(error: DBAPIError | TimeoutError) -> Response:
    """Answer 503 for a database that does not answer, and for text that it cannot encode."""
    if text_error := TEXT_ERRORS.get(_sqlstate(error)):
        return service_error(text_error())
    if not is_transient(error):
        raise error
    # The driver's own first line: SQLAlchemy's text quotes the statement's values.
    reason = str(getattr(error, "orig", error)).partition("\n")[0]
    logger.error("The database did not answer: %s", reason)
    return service_error(Unavailable())


#: Errors by PostgreSQL's code for a text that it cannot convert.
TEXT_ERRORS: dict[str | None, type[ServiceError]] = {"22P05": Unencodable, "22021": NotUTF8}

#: PostgreSQL's error code for a missing table.
UNDEFINED_TABLE = "42P01"


def is_transient(error: DBAPIError | TimeoutError) -> bool:
    """Whether the same request may be answered a moment later; else something is wrong with it."""
    if getattr(error, "connection_invalidated", False):
        return True
    original = getattr(error, "orig", None)
    if _sqlstate(error) == UNDEFINED_TABLE or "no such table" in str(original):
        return True  # Once init-db has run.
    # SQLite says OperationalError of wrong SQL too, and that by its most general code.
    if getattr(original, "sqlite_errorcode", None) == SQLITE_ERROR:
        return False
    return isinstance(error, TimeoutError | OperationalError | InterfaceError)


def _sqlstate(error: Exception) -> str | None:
    """Return PostgreSQL's code of an error, which psycopg2 calls ``pgcode``."""
    original = getattr(error, "orig", None)
    return getattr(original, "sqlstate", None) or getattr(original, "pgcode", None)


def json_error(status: int, body: Mapping[str, object], headers: Mapping[str, str]) -> Response:
    """Return an error's answer, which nobody may keep."""
    headers = {**COMMON_HEADERS, "Cache-Control": "no-store", **headers}
    return Response(orjson.dumps(body), status, headers, content_type="application/json")
