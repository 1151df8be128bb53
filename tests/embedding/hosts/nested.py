"""A blueprint in a blueprint, below a part of the path that the host takes away."""

from typing import Any

from flask import Blueprint, g
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from omsflask import OMS, customers

from .host import CHANNELS, ROWS, Host, fill, new_app, verify
from .usual import Base, PlainChannel, PlainCustomer


def build(url: str) -> Host:
    """A host that serves everything in several languages."""
    app, engine = new_app(), create_engine(url)
    Base.metadata.create_all(engine)
    fill(engine, (PlainChannel, CHANNELS), (PlainCustomer, ROWS))

    @app.url_value_preprocessor
    def take_language(_endpoint: str | None, values: dict[str, Any] | None) -> None:
        g.language = values.pop("language", "en") if values else "en"

    @app.url_defaults
    def give_language(endpoint: str, values: dict[str, Any]) -> None:
        if app.url_map.is_endpoint_expecting(endpoint, "language"):
            values.setdefault("language", g.language)

    app.add_url_rule("/<language>/hello", view_func=lambda: f"hello in {g.language}")
    parent = Blueprint("back-office", __name__, url_prefix="/<language>/office")
    parent.register_error_handler(404, lambda _error: ("the office's own 404", 404))
    parent.register_error_handler(Exception, lambda _error: ("the office's own 500", 500))
    oms = OMS(sessionmaker(engine), verify_token=verify)
    oms.add(customers.list_simple.bind(PlainCustomer))
    parent.register_blueprint(oms.blueprint(), url_prefix="/oms")
    app.register_blueprint(parent)
    pages = {"/": "home", "/tr/hello": "hello in tr"}
    return Host(app, engine, prefix="/tr/office/oms", pages=pages)
