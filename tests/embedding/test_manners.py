"""What goes on as before in a host that has everything, and what it does to our answers."""

from collections.abc import Callable, Iterator

import pytest
from conftest import Client
from flask import Flask, abort, redirect
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import scoped_session, sessionmaker

from omsflask import OMS, customers

from .hosts import crowded
from .hosts.host import KEY, LIST, Host, new_app, verify
from .hosts.usual import Base, PlainCustomer

PATH = f"/api/v1/oms/{LIST}"


@pytest.fixture(scope="module")
def crowd(new_database: Callable[[], str]) -> Iterator[Host]:
    """The host that has everything."""
    host = crowded.build(new_database())
    yield host
    host.engine.dispose()


def stranger(host: Host) -> Client:
    client = host.client()
    client.key = ""
    return client


def test_cors_marks_our_answers_too(crowd: Host) -> None:
    headers = {"Origin": "https://bi.example.com", "Authorization": f"Token {KEY}"}
    for query in ("", "?format=csv", "?id__gt=x"):
        response = crowd.client().get(crowd.path + query, headers=headers)
        assert response.headers["Access-Control-Allow-Origin"] in ("*", headers["Origin"])
        assert "Authorization" in response.vary


def test_cors_answers_a_preflight(crowd: Host) -> None:
    headers = {
        "Origin": "https://bi.example.com",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization",
    }
    response = stranger(crowd).options(crowd.path, headers=headers)
    assert response.status_code == 204
    assert response.headers["Access-Control-Allow-Headers"] == "authorization"
    assert "GET" in response.headers["Access-Control-Allow-Methods"]


def test_the_hosts_hooks_and_session_go_on(crowd: Host) -> None:
    client = crowd.client()
    response = client.get(crowd.path)
    assert response.headers["X-Host"] == "seen=True"
    assert "Content-Security-Policy" in response.headers
    with client.session_transaction(base_url="https://localhost") as session:
        assert session["visits"] == 1


def test_the_hosts_csrf_protection_goes_on_outside(crowd: Host) -> None:
    refused = stranger(crowd).post("/login")
    assert refused.get_data(as_text=True) == "the host's own 500"
    assert stranger(crowd).post(crowd.path).json == {
        "detail": "Authentication credentials were not provided."
    }
    assert stranger(crowd).post("/login").status_code == 500


def test_the_hosts_logins_go_on(crowd: Host) -> None:
    client = stranger(crowd)
    assert client.get("/private").status_code == 500, "the host's errorhandler(Exception)"
    with client.session_transaction(base_url="https://localhost") as session:
        session["_user_id"], session["_fresh"] = "ada", True
    assert client.get("/private").get_data(as_text=True) == "private"
    assert client.get(crowd.path).status_code == 401, "a login of the host's is no token"
    assert client.get("/basic", auth=("a", "a")).get_data(as_text=True) == "basic"


def test_the_hosts_limits_go_on(crowd: Host) -> None:
    pages = [crowd.client().get("/basic", auth=("a", "a")).get_data(as_text=True) for _ in "123"]
    assert pages[-1] == "the host's own 429"
    assert crowd.client().get(crowd.path).status_code == 200


def test_the_hosts_errors_go_on(crowd: Host) -> None:
    assert crowd.client().get("/broken").get_data(as_text=True) == "the host's own 500"


def test_a_dead_database_is_503_below_the_prefix(crowd: Host) -> None:
    broken = create_engine("sqlite:////nowhere/at/all.sqlite3")
    app = _app(broken)
    app.register_error_handler(Exception, lambda _error: ("the host's own 500", 500))
    response = app.test_client().get(PATH, headers={"Authorization": f"Token {KEY}"})
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "1"
    assert response.json is not None
    broken.dispose()


def _app(engine: object, **options: object) -> Flask:
    app = new_app()
    oms = OMS(sessionmaker(engine), **{"verify_token": verify, **options})  # type: ignore[arg-type, call-overload]
    oms.add(customers.list_simple.bind(PlainCustomer))
    oms.init_app(app)
    return app


@pytest.fixture
def app() -> Iterator[Flask]:
    """A host of three lines."""
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    yield _app(engine)
    engine.dispose()


AUTHORIZED = {"Authorization": f"Token {KEY}"}


def test_a_limit_is_told_as_json_below_the_prefix(app: Flask) -> None:
    app.register_error_handler(429, lambda _error: ("the host's own 429", 429))
    Limiter(
        get_remote_address,
        app=app,
        storage_uri="memory://",
        default_limits=["2/hour"],
        headers_enabled=True,
    )
    client = app.test_client()
    for _ in range(2):
        assert client.get(PATH, headers=AUTHORIZED).status_code == 200
    response = client.get(PATH, headers=AUTHORIZED)
    assert (response.status_code, response.json) == (429, {"detail": "2 per 1 hour"})
    assert int(response.headers["Retry-After"]) > 0


def test_what_a_hosts_hook_aborts_with_is_told_as_json(app: Flask) -> None:
    app.register_error_handler(403, lambda _error: ("the host's own 403", 403))
    app.before_request(lambda: abort(403, "Not from here."))
    response = app.test_client().get(PATH)
    assert (response.status_code, response.json) == (403, {"detail": "Not from here."})
    assert app.test_client().get("/").get_data(as_text=True) == "the host's own 403"


def test_what_a_hosts_hook_answers_is_the_answer(app: Flask) -> None:
    app.before_request(lambda: redirect("/maintenance"))
    assert app.test_client().get(PATH).location == "/maintenance"


def test_what_the_hosts_own_code_raises_is_the_hosts_to_answer(app: Flask) -> None:
    def verify_badly(key: str) -> object:
        raise LookupError(key)

    engine = create_engine("sqlite://")
    app = _app(engine, verify_token=verify_badly)
    app.register_error_handler(Exception, lambda error: (f"the host's: {error!r}", 500))
    response = app.test_client().get(PATH, headers=AUTHORIZED)
    assert response.get_data(as_text=True) == f"the host's: LookupError({KEY!r})"
    engine.dispose()


def test_a_transaction_of_the_hosts_is_neither_seen_nor_ended(
    new_database: Callable[[], str],
) -> None:
    engine = create_engine(new_database())
    Base.metadata.create_all(engine)
    session = scoped_session(sessionmaker(engine))
    app = new_app()
    oms = OMS(session, verify_token=verify)
    oms.add(customers.list_simple.bind(PlainCustomer))
    oms.init_app(app)

    @app.before_request
    def write() -> None:
        session.add(PlainCustomer(id=7, omnitron_id=7, email="pending@example.com"))
        session.flush()

    with app.test_client() as client:
        for query in ("", "?format=csv"):
            response = client.get(PATH + query, headers=AUTHORIZED)
            assert response.status_code == 200
            assert b"pending" not in response.data
            assert session.scalar(select(func.count(PlainCustomer.id))) == 1
            session.rollback()
            assert session.scalar(select(func.count(PlainCustomer.id))) == 0
            session.remove()
    engine.dispose()
