"""Hosts with several tenants in a process: an engine, a schema or an app for each."""

from collections.abc import Mapping
from typing import Any

from flask import Flask, g, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, Engine, StaticPool, create_engine, make_url
from sqlalchemy.orm import DeclarativeBase, Session

from omsflask import OMS, ChannelMixin, CustomerMixin, TokenMixin, customers

from .host import CHANNELS, ROWS, Host, fill, new_app

#: The rows of the other tenant.
OTHERS = [row | {"last_name": "Other"} for row in ROWS[:5]]


class Base(DeclarativeBase):
    pass


class Channel(ChannelMixin, Base):
    pass


class Customer(CustomerMixin, Base):
    pass


class Token(TokenMixin, Base):
    pass


def other_engine() -> Engine:
    """Return the engine of the other tenant."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    _create(engine, OTHERS)
    return engine


def engine_by_tenant(url: str) -> Host:
    """A host that chooses the engine by a header of the request."""
    engines = {"a": create_engine(url), "b": other_engine()}
    _create(engines["a"], ROWS)
    return serve(engines)


def schema_by_tenant(url: str) -> Host:
    """A host with one engine, whose options name the tenant's schema."""
    engine, schema = create_engine(url), "main"
    if engine.dialect.name == "postgresql":
        schema = str(make_url(url).query["options"]).partition("=")[2]
        engine.dispose()
        engine = create_engine(make_url(url).difference_update_query(["options"]))
    tenant = engine.execution_options(schema_translate_map={None: schema})
    _create(tenant, ROWS)
    return serve({"a": tenant})


def blueprint_of_two_apps(url: str) -> Host:
    """Two apps with a database each, and one blueprint object in both."""
    db = SQLAlchemy(model_class=Base, disable_autonaming=True)
    oms = OMS()
    oms.add(customers.list_simple.bind(Customer))
    blueprint = oms.blueprint()
    apps = []
    for each, rows in (("sqlite://", OTHERS), (url, ROWS)):
        app = new_app()
        app.config["SQLALCHEMY_DATABASE_URI"] = each
        db.init_app(app)
        app.register_blueprint(blueprint)
        with app.app_context():
            _create(db.engine, rows)
        apps.append(app)
    with apps[-1].app_context():
        return Host(apps[-1], db.engine, key=oms.tokens.issue("warehouse"), other=apps[0])


def serve(binds: Mapping[str, Engine | Connection]) -> Host:
    """Return a host with a bind for each tenant. Its key is tenant a's."""
    app = serve_app(binds)
    return Host(app, binds["a"].engine, key=issue(app, "a"))


def serve_app(binds: Mapping[str, Engine | Connection]) -> Flask:
    """Return an app with a bind for each tenant."""
    app, oms = new_app(), OMS(lambda: Session(binds[g.get("tenant", "a")]))
    oms.add(customers.list_simple.bind(Customer))

    @app.before_request
    def find_tenant() -> None:
        g.tenant = request.headers.get("X-Tenant", "a")

    oms.init_app(app)
    return app


def issue(app: Flask, tenant: str) -> str:
    """Issue a token of a tenant."""
    with app.app_context():
        g.tenant = tenant
        key: str = app.extensions["oms"].tokens.issue("warehouse")
        return key


def _create(engine: Engine, rows: list[dict[str, Any]]) -> None:
    Base.metadata.create_all(engine)
    fill(engine, (Channel, CHANNELS), (Customer, rows))
