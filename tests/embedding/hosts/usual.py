"""The usual ways to have a database, and the mixins' tables in it."""

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy_lite import SQLAlchemy as Lite
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, scoped_session, sessionmaker

from omsflask import OMS, ChannelMixin, CustomerMixin, TokenMixin, customers

from .host import CHANNELS, ROWS, Host, fill, new_app, verify

db = SQLAlchemy()


class Channel(ChannelMixin, db.Model):
    pass


class Customer(CustomerMixin, db.Model):
    pass


class Token(TokenMixin, db.Model):
    pass


def flask_sqlalchemy(url: str) -> Host:
    """A host that keeps tokens in a table of its own, and names its session."""
    app = new_app()
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    db.init_app(app)
    oms = OMS(db.session)
    oms.add(customers.list_simple.bind(Customer))
    oms.init_app(app)
    with app.app_context():
        db.create_all()
        fill(db.engine, (Channel, CHANNELS), (Customer, ROWS))
        return Host(app, db.engine, key=oms.tokens.issue("warehouse"))


class Base(DeclarativeBase):
    pass


class PlainChannel(ChannelMixin, Base):
    pass


class PlainCustomer(CustomerMixin, Base):
    pass


def flask_sqlalchemy_lite(url: str) -> Host:
    """A host whose ``db.session`` is there in its context only."""
    app = new_app()
    app.config["SQLALCHEMY_ENGINES"] = {"default": url}
    lite = Lite(app)
    oms = OMS(lite.get_session, verify_token=verify)
    oms.add(customers.list_simple.bind(PlainCustomer))
    oms.init_app(app)
    with app.app_context():
        Base.metadata.create_all(lite.engine)
        fill(lite.engine, (PlainChannel, CHANNELS), (PlainCustomer, ROWS))
        return Host(app, lite.engine)


def plain_sqlalchemy(url: str) -> Host:
    """A host with a scoped session, which it removes after each request."""
    app, host = _plain(url)
    session = scoped_session(sessionmaker(host.engine))
    oms = OMS(session, verify_token=verify)
    oms.add(customers.list_simple.bind(PlainCustomer))
    oms.init_app(app)
    app.teardown_appcontext(lambda _error: session.remove())
    return host


def registered_blueprint(url: str) -> Host:
    """A host with a session factory, that registers a blueprint where it likes."""
    app, host = _plain(url)
    oms = OMS(sessionmaker(host.engine), verify_token=verify)
    oms.add(customers.list_simple.bind(PlainCustomer))
    app.register_blueprint(oms.blueprint(), url_prefix="/shop/oms")
    host.prefix = "/shop/oms"
    return host


def _plain(url: str) -> tuple[Flask, Host]:
    app, engine = new_app(), create_engine(url)
    Base.metadata.create_all(engine)
    fill(engine, (PlainChannel, CHANNELS), (PlainCustomer, ROWS))
    return app, Host(app, engine)
