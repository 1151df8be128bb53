"""However a response ends, its slot and its connection are given back: nobody else may wait."""

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, suppress
from typing import Any

import psycopg
import pytest
from conftest import PATH, Client, dispose, make_app, make_client, settle
from flask import Flask, Response, request
from flask.sessions import SecureCookieSessionInterface as Sessions
from sqlalchemy import event, select, text, update
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

from omsflask import OMS, customers
from omsflask.sql.export import Slots
from omsflask.standalone.app import Customer, db
from omsflask.standalone.sample_data import plausible
from omsflask.web.bodies import Body, CutFile

ROWS = 2500

WSGI = Callable[[dict[str, Any], Any], Iterable[bytes]]


class HostError(Exception):
    """A host's bug."""


# What a host's hook may make of a response.


def raises(_response: Response) -> Response:
    raise HostError


def raises_after_a_piece(response: Response) -> Response:
    next(response.iter_encoded())
    raise HostError


def replaces(_response: Response) -> Response:
    return Response("Something else.")


def answers_an_error(_response: Response) -> Response:
    return Response("Something else.", 500)


def empties(response: Response) -> Response:
    response.set_data(b"")
    return response


def says_not_modified(response: Response) -> Response:
    response.status_code = 304
    return response


def wraps_the_body(response: Response) -> Response:
    response.response = (piece for piece in response.response)  # type: ignore[assignment]
    return response


def takes_the_body_over(response: Response) -> Response:
    return Response(response.response, headers=response.headers)


# What a server, or a layer between it and the app, may do.


def drops_the_body(app: WSGI, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    app(environ, lambda *_: lambda _piece: None)
    start_response("200 OK", [])
    return [b"Something else."]


def reads_a_piece(app: WSGI, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    return [next(iter(app(environ, start_response)))]


def reads_all(app: WSGI, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    return [*app(environ, start_response)]


def raises_with_the_body(app: WSGI, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
    body = app(environ, start)
    assert body
    raise HostError


def refuses_a_header(app: WSGI, environ: dict[str, Any], _start_response: Any) -> Iterable[bytes]:
    def refuse(*_: Any) -> Any:
        raise HostError

    return app(environ, refuse)


HOOKS = {
    it.__name__: it
    for it in (
        raises, raises_after_a_piece, replaces, answers_an_error, empties, says_not_modified,
        wraps_the_body, takes_the_body_over,
    )
}  # fmt: skip
LAYERS = {
    it.__name__: it
    for it in (drops_the_body, reads_a_piece, reads_all, raises_with_the_body, refuses_a_header)
}
ELSEWHERE = ["teardown_request", "teardown_appcontext", "save_session"]
if psycopg.__version__ >= "3.3.9":  # Before, it kept the frames that it was called from.
    ELSEWHERE += ["view"]


def asked() -> str:
    """Return what the request wants to go wrong."""
    return request.headers.get("X-Break", "") if request else ""


def break_(app: Flask) -> None:
    """Let everything go wrong in ``app`` that a request wants to."""

    def raise_in(name: str) -> Callable[..., None]:
        def raise_when_asked(*_: Any) -> None:
            if asked() == name:
                raise HostError

        return raise_when_asked

    app.after_request(lambda response: HOOKS.get(asked(), lambda it: it)(response))
    app.teardown_request(raise_in("teardown_request"))
    app.teardown_appcontext(raise_in("teardown_appcontext"))
    app.session_interface = Sessions()  # Flask's own is shared by all apps.
    app.session_interface.save_session = raise_in("save_session")  # type: ignore[method-assign]
    wsgi_app = app.wsgi_app

    def layered(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        layer: Any = LAYERS.get(environ.get("HTTP_X_BREAK", ""))
        return (
            layer(wsgi_app, environ, start_response) if layer else wsgi_app(environ, start_response)
        )

    app.wsgi_app = layered  # type: ignore[method-assign]
    view = app.view_functions["oms.customers/list-simple"]

    def falls_back(**path: object) -> Any:
        try:
            raise_in("view")()
        except HostError:
            return view(**path)
        return view(**path)

    app.view_functions["oms.customers/list-simple"] = falls_back


@pytest.fixture(scope="module")
def host(new_database: Callable[[], str]) -> Iterator[Client]:
    """A client of a host with more customers than a batch; two exports may run in it."""
    app = make_app(new_database(), [*plausible(ROWS)])
    break_(app)
    pids = app.extensions["pids"] = []
    with app.app_context():
        db.engine.dispose()
        if db.engine.name == "postgresql":
            event.listen(db.engine, "connect", lambda it, _: pids.append(it.info.backend_pid))
    yield make_client(app)
    dispose(app)


@pytest.fixture
def _no_collection() -> Iterator[None]:
    """What is given back does not wait for the garbage collector."""
    gc.disable()
    yield
    gc.enable()


def ask(client: Client, query: str, wrong: str) -> None:
    """Ask for a file whose response nobody reads or closes."""
    with suppress(HostError):
        client.page(query, headers={"X-Break": wrong}, buffered=False)


def assert_nothing_is_held(client: Client) -> None:
    assert in_use(client) == 0
    if pids := client.application.extensions["pids"]:
        with client.application.app_context(), db.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            assert connection.scalar(text(IN_TRANSACTION), {"pids": pids}) == 1  # Its own.
    assert_whole(client)
    assert client.page().status_code == 200


def assert_whole(client: Client, wrong: str = "") -> None:
    """Two files come whole, as many as may be on their way at a time."""
    headers = {"X-Break": wrong}
    running = [client.page("format=csv", headers=headers, buffered=False) for _ in range(2)]
    assert [it.status_code for it in running] == [200, 200]
    assert [len(it.data.splitlines()) for it in running] == [ROWS + 1] * 2


def in_use(client: Client) -> int:
    settle()
    with client.application.app_context():
        pool = db.engine.pool
    assert isinstance(pool, QueuePool)
    return pool.checkedout()


#: Of the connections that the host has opened.
IN_TRANSACTION = """
    SELECT count(*) FROM pg_stat_activity WHERE xact_start IS NOT NULL AND pid = ANY(:pids)
"""

FORMATS = ["format=csv", "format=xlsx", "format=csv&sort=-id"]


@pytest.mark.usefixtures("_no_collection")
@pytest.mark.parametrize("propagates", [True, False])
@pytest.mark.parametrize("wrong", [*HOOKS, *LAYERS, *ELSEWHERE])
@pytest.mark.parametrize("query", FORMATS)
def test_whatever_goes_wrong_nothing_is_held(
    host: Client, query: str, wrong: str, propagates: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(host.application.config, "PROPAGATE_EXCEPTIONS", propagates)
    for _ in range(3):
        ask(host, query, wrong)
    assert_nothing_is_held(host)


@pytest.mark.usefixtures("_no_collection")
@pytest.mark.parametrize("wrong", ["raises", "refuses_a_header"])
def test_who_keeps_the_traceback_keeps_nothing_open(host: Client, wrong: str) -> None:
    kept = []
    for _ in range(3):
        with pytest.raises(HostError) as info:
            host.page("format=csv", headers={"X-Break": wrong}, buffered=False)
        kept.append(info.value)
    assert_nothing_is_held(host)
    assert len(kept) == 3


@pytest.mark.parametrize("query", FORMATS)
def test_a_response_in_a_cycle_is_taken_apart_in_order(host: Client, query: str) -> None:
    for _ in range(3):
        response: Any = host.page(query, buffered=False)
        next(response.iter_encoded())
        response.itself = response
        del response
        gc.collect()
    assert_nothing_is_held(host)


@pytest.mark.parametrize("wrong", ["wraps_the_body", "takes_the_body_over", *ELSEWHERE[3:]])
def test_a_file_that_goes_out_another_way_is_whole(host: Client, wrong: str) -> None:
    assert_whole(host, wrong)
    assert_nothing_is_held(host)


def test_an_error_around_the_request_cuts_nothing(host: Client) -> None:
    try:
        raise HostError
    except HostError:
        assert_whole(host)


def test_a_file_that_the_client_has_needs_no_slot_and_leaves_nothing_open(
    host: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = []
    take = Slots.take
    monkeypatch.setattr(Slots, "take", lambda *it: taken.append(it) or take(*it))  # type: ignore[func-returns-value]
    tag = host.page("format=csv").headers["ETag"]
    kept, read = [], 1
    for _ in range(5):
        host.head(f"{PATH}?format=csv", buffered=False)
        response = host.page("format=csv", headers={"If-None-Match": tag}, buffered=False)
        if response.status_code == 304:
            kept.append(response)
        else:  # On SQLite only the connection that counted knows that nothing has changed.
            read += 1
            response.close()
        assert in_use(host) == 0
    assert kept
    assert len(taken) == read


def test_a_spooled_file_that_nobody_reads_is_closed(host: Client) -> None:
    for _ in range(3):
        protocol = {"SERVER_PROTOCOL": "HTTP/1.0"}
        response = host.page("format=csv", environ_overrides=protocol, buffered=False)
        assert response.headers["Content-Length"]
        del response
    assert_nothing_is_held(host)


@pytest.mark.parametrize("query", ["format=csv", "format=csv&sort=-id", "format=xlsx"])
def test_a_transaction_of_the_host_goes_on_after_a_client_that_left(
    host: Client, query: str
) -> None:
    with host.application.app_context(), db.engine.connect() as connection:
        app = Flask("borrowing")
        oms = OMS(Session(connection), verify_token=lambda key: key)
        oms.add(customers.list_simple.bind(Customer))
        oms.init_app(app)
        connection.execute(update(Customer).where(Customer.id == 1).values(first_name="Changed"))
        headers = {"Authorization": "Token any"}
        response = app.test_client().get(f"{PATH}?{query}", headers=headers, buffered=False)
        next(response.iter_encoded())
        response.close()
        name = select(Customer.first_name).where(Customer.id == 1)
        assert connection.scalar(name) == "Changed"
        connection.rollback()


def body(pieces: Iterator[bytes]) -> tuple[Body, list[str]]:
    closed: list[str] = []
    ending = ExitStack()
    ending.callback(closed.append, "closed")
    return Body(pieces, ending), closed


def failing() -> Iterator[bytes]:
    yield b"a"
    raise HostError


def test_a_body_ends_once() -> None:
    whole, closed = body(iter([b"a", b"b"]))
    assert [*whole] == [b"a", b"b"]
    assert [*whole] == []
    whole.close()
    del whole
    assert closed == ["closed"]


def test_a_body_that_failed_or_was_closed_never_looks_whole() -> None:
    cut, closed = body(failing())
    assert next(cut) == b"a"
    with pytest.raises(HostError):
        next(cut)
    assert closed == ["closed"]
    with pytest.raises(CutFile):
        next(cut)
    with closing(body(iter([b"a"]))[0]) as left:
        pass
    with pytest.raises(CutFile):
        next(left)
