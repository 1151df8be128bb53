"""Hosts whose framework or extensions look at every rule and blueprint of the app."""

from apiflask import APIFlask
from flask import Flask
from flask_debugtoolbar import DebugToolbarExtension
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from omsflask import OMS, customers

from .host import CHANNELS, ROWS, Host, add_pages, fill, new_app, verify
from .usual import Base, PlainChannel, PlainCustomer


def apiflask(url: str) -> Host:
    """A host that describes its own routes at /openapi.json."""
    app = APIFlask("host")
    app.testing = True
    add_pages(app)
    return _serve(app, url)


def debug_toolbar(url: str) -> Host:
    """A host with a toolbar in its pages, which lists every rule."""
    app = new_app()
    app.config.update(SECRET_KEY="not a secret", DEBUG_TB_ENABLED=True)
    app.add_url_rule("/page", view_func=lambda: "<html><body>page</body></html>", endpoint="page")
    DebugToolbarExtension(app)
    return _serve(app, url)


def host_matching(url: str) -> Host:
    """A host whose rules each name the host that they are for."""
    app = Flask("host", host_matching=True, static_host="localhost")
    app.testing = True
    add_pages(app, host="localhost")
    return _serve(app, url, host="localhost")


def _serve(app: Flask, url: str, **options: str) -> Host:
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    fill(engine, (PlainChannel, CHANNELS), (PlainCustomer, ROWS))
    oms = OMS(sessionmaker(engine), verify_token=verify)
    oms.add(customers.list_simple.bind(PlainCustomer))
    app.register_blueprint(oms.blueprint(), **options)
    return Host(app, engine)
