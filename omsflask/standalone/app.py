"""The standalone host: an app of our own, its database, its settings, its health."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from flask import Config, Flask, Response
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import URL, Engine, create_engine, make_url, select
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException, SecurityError

from .. import customers
from ..extension import OMS
from ..settings import SETTINGS, STANDALONE_SETTINGS, SettingError, defaults, read
from ..sql.dialects import UnservedDatabase, check_served
from ..standalone import migrations
from ..tables.models import ChannelMixin, CustomerMixin, TokenMixin
from ..web.error_handlers import http_error
from .engine import is_in_instance, prepare
from .engine import options as engine_options

db = SQLAlchemy()


class Channel(ChannelMixin, db.Model):  # type: ignore[name-defined, misc]
    """A sales channel."""


class Customer(CustomerMixin, db.Model):  # type: ignore[name-defined, misc]
    """A customer."""


class Token(TokenMixin, db.Model):  # type: ignore[name-defined, misc]
    """An API token."""


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Return the standalone app.

    Settings come from ``config``, else from environment variables, else from
    ``instance/config.py``, else they have their defaults. The database is not touched.

    :raises SettingError: when a setting cannot be used.
    """
    app = _bare_app()
    app.config.update(_settings(app.instance_path), **(config or {}))
    app.config.update(
        read(KNOWN_SETTINGS, app.config),
        TRUSTED_HOSTS=_trusted_hosts(app.config),
        MAX_CONTENT_LENGTH=64 * 1024,
    )
    _prepare_database(app)
    oms = OMS(_session(app), replica=_replica(app.config))
    oms.add(customers.list_simple.bind(Customer))
    oms.init_app(app)
    app.add_url_rule("/healthz", view_func=healthz)
    app.add_url_rule("/readyz", view_func=readyz)
    app.register_error_handler(HTTPException, _json_error)
    return app


def healthz() -> Response:
    """Whether this process runs."""
    return _json({"status": "ok"})


def readyz() -> Response:
    """Whether the database answers."""
    try:
        with db.engine.connect() as connection:
            connection.execute(select(1))
    except SQLAlchemyError:
        return _json({"status": "The database does not answer."}, 503)
    return _json({"status": "ok"})


KNOWN_SETTINGS = (*SETTINGS, *STANDALONE_SETTINGS)


def _bare_app() -> Flask:
    folder = os.environ.get("OMS_INSTANCE_PATH")
    if folder is not None and not os.path.isabs(folder):
        raise SettingError(f"OMS_INSTANCE_PATH must be an absolute path, not {folder!r}.")
    app = Flask("omsflask", instance_path=folder, static_folder=None)
    # A doubled slash would be redirected, as HTML and before the token is looked at.
    app.url_map.merge_slashes = False
    return app


def _settings(instance_path: str) -> dict[str, Any]:
    names = defaults(KNOWN_SETTINGS)
    file = Config(instance_path)
    try:
        file.from_pyfile("config.py", silent=True)
    except Exception as error:
        raise SettingError(f"instance/config.py cannot be read: {error}.") from error
    return {**names, **file, **{name: os.environ[name] for name in names if name in os.environ}}


def _session(app: Flask) -> Session:
    # db.session would open a session for each request. Only the engine is needed.
    with app.app_context():
        return Session(db.engine)


def _trusted_hosts(config: Mapping[str, Any]) -> list[str] | None:
    # Links name OMS_BASE_URL where it is set; else they name the request's host, which may lie.
    if config["OMS_BASE_URL"]:
        return None
    hosts = config["OMS_TRUSTED_HOSTS"].lower().split(",")
    return [host.strip() for host in hosts if host.strip()]


def _prepare_database(app: Flask) -> None:
    with _usable("OMS_DATABASE_URL", app.config) as url:
        app.config.update(
            SQLALCHEMY_DATABASE_URI=url,
            SQLALCHEMY_ENGINE_OPTIONS=engine_options(url, app.config),
        )
        if is_in_instance(url):
            Path(app.instance_path).mkdir(mode=0o700, parents=True, exist_ok=True)
        db.init_app(app)
        with app.app_context():
            engine = db.engine
        check_served(engine.dialect)
    prepare(engine, app.config)
    migrations.init_app(app, db)


def _replica(config: Config) -> Engine | None:
    if not config["OMS_REPLICA_URL"]:
        return None
    with _usable("OMS_REPLICA_URL", config) as url:
        engine = create_engine(url, **engine_options(url, config))
        primary = make_url(config["OMS_DATABASE_URL"])
        if {engine.dialect.name, primary.get_backend_name()} != {"postgresql"}:
            raise ValueError("it, or OMS_DATABASE_URL, is not PostgreSQL.")
    prepare(engine, config)
    return engine


@contextmanager
def _usable(setting: str, config: Mapping[str, Any]) -> Iterator[URL]:
    """Parse a database's URL, and say in a sentence why it cannot be used.

    No sentence shows a password: SQLAlchemy's own may quote the URL.
    """
    try:
        url = make_url(config[setting])
    except (ArgumentError, ValueError):
        form = "postgresql+psycopg://user:password@host/database"
        raise SettingError(f"{setting} cannot be used: it is no URL such as {form}.") from None
    try:
        yield url
    except (ArgumentError, ImportError, OSError, UnservedDatabase, ValueError) as error:
        reason = str(error).splitlines()[0]
        reason = reason.replace(url.render_as_string(hide_password=False), repr(url))
        raise SettingError(f"{setting} cannot be used: {reason}") from None


def _json(body: Mapping[str, str], status: int = 200) -> Response:
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(orjson.dumps(body), status, headers, content_type="application/json")


def _json_error(error: HTTPException) -> Response:
    if isinstance(error, SecurityError):
        return http_error(
            error, "Invalid Host header. OMS_TRUSTED_HOSTS lists the hosts that are served."
        )
    return http_error(error)
