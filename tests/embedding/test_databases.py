"""The databases that a host may use: any other is refused by name, and none is connected to."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, g
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Engine, create_engine
from sqlalchemy.dialects import mssql, mysql, oracle
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from omsflask import OMS, customers
from omsflask.sql.dialects import UnservedDatabase

from .hosts.host import KEY, LIST, new_app, verify
from .hosts.usual import Base, PlainCustomer

AUTHORIZED = {"Authorization": f"Token {KEY}"}
DIALECTS = {"mysql": mysql.dialect, "mssql": mssql.dialect, "oracle": oracle.dialect}


def foreign(name: str = "mysql") -> Engine:
    """An engine of a database whose driver is not installed."""
    engine = create_engine("sqlite://")
    engine.dialect = DIALECTS[name]()
    return engine


def serve(session: Any, **options: Any) -> Flask:
    app = new_app()
    oms = OMS(session, verify_token=verify)
    oms.add(customers.list_simple.bind(PlainCustomer))
    oms.init_app(app, **options)
    return app


SESSIONS: dict[str, Callable[[Engine], Any]] = {
    "session": Session,
    "factory": sessionmaker,
    "scoped": lambda engine: scoped_session(sessionmaker(engine)),
    "function": lambda engine: lambda: Session(engine),
    "binds": lambda engine: sessionmaker(binds={PlainCustomer: engine}),
}


@pytest.mark.parametrize("kind", SESSIONS)
@pytest.mark.parametrize("name", DIALECTS)
def test_another_database_is_refused_at_start(kind: str, name: str) -> None:
    session = SESSIONS[kind](foreign(name))
    with pytest.raises(TypeError, match=f"SQLite and PostgreSQL; .* database is {name}"):
        serve(session)


def test_another_database_is_refused_in_the_apps_context(monkeypatch: pytest.MonkeyPatch) -> None:
    db, app = SQLAlchemy(), new_app()
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
    db.init_app(app)
    with app.app_context():
        monkeypatch.setattr(db.engine, "dialect", mysql.dialect())
    oms = OMS(verify_token=verify)
    oms.add(customers.list_simple.bind(PlainCustomer))
    with pytest.raises(TypeError, match="database is mysql"):
        oms.init_app(app)


def test_an_asynchronous_driver_is_refused_at_start() -> None:
    engine = create_engine("sqlite://")
    engine.dialect.is_async = True
    with pytest.raises(TypeError, match="synchronous driver; the session's is pysqlite"):
        serve(sessionmaker(engine))


def test_a_database_that_a_request_chooses_is_refused_there() -> None:
    engine = foreign()
    app = serve(lambda: Session({"a": engine}[g.tenant]))
    app.before_request(lambda: setattr(g, "tenant", "a"))
    with pytest.raises(UnservedDatabase, match="database is mysql"):
        app.test_client().get(f"/api/v1/oms/{LIST}", headers=AUTHORIZED)


def test_nothing_is_connected_to_or_kept_at_start() -> None:
    engine = create_engine("sqlite://", creator=lambda: 1 // 0)
    session = scoped_session(sessionmaker(engine))
    serve(session)
    assert not session.registry.has(), "a session that is configured later would not be used"


def test_a_session_may_be_bound_after_the_start() -> None:
    session = scoped_session(sessionmaker())
    app = serve(session)
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    session.configure(bind=engine)
    assert app.test_client().get(f"/api/v1/oms/{LIST}", headers=AUTHORIZED).status_code == 200
    session.remove()
    engine.dispose()


def test_what_a_hosts_teardown_raises_at_start_is_no_matter() -> None:
    app, engine = new_app(), create_engine("sqlite://")
    app.teardown_appcontext(lambda _error: g.connection.close())
    oms = OMS(sessionmaker(engine), verify_token=verify)
    oms.add(customers.list_simple.bind(PlainCustomer))
    oms.init_app(app)
