"""PostgreSQL goes away in many ways: each is 503 in bounded time, and passes by itself."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psutil
import pytest
from conftest import PATH, Client, dispose, make_app, make_client, server_url, settle
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from omsflask import ChannelMixin, CustomerMixin, customers
from omsflask.extension import OMS
from omsflask.settings import STANDALONE_SETTINGS, defaults
from omsflask.standalone.app import db
from omsflask.standalone.sample_data import published

#: Shorter than the defaults, to be through sooner.
QUICK = {
    "OMS_POOL_TIMEOUT_SECONDS": 0.3,
    "OMS_CONNECT_TIMEOUT_SECONDS": 2,
    "OMS_STATEMENT_TIMEOUT_SECONDS": 0.5,
    "OMS_LOCK_TIMEOUT_SECONDS": 0.2,
    "OMS_SILENCE_TIMEOUT_SECONDS": 1,
    "OMS_TOKEN_MEMORY_SECONDS": 0,
    "TESTING": False,
}

#: A role that a fault can be given to: none can be given to a superuser.
ROLE = """
    CREATE ROLE guest LOGIN;
    GRANT ALL ON SCHEMA public TO guest;
"""

#: Lets each row that the guest reads cost or fail as is wanted.
POLICY = """
    CREATE OR REPLACE FUNCTION public.fault() RETURNS boolean LANGUAGE plpgsql AS $$
        BEGIN {}; RETURN true; END
    $$;
    ALTER TABLE customers ENABLE ROW LEVEL SECURITY;
    ALTER TABLE customers FORCE ROW LEVEL SECURITY;
    DROP POLICY IF EXISTS fault ON customers;
    CREATE POLICY fault ON customers USING (public.fault());
"""


class Server:
    """A PostgreSQL of one's own, to be stopped and frozen."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self.url = server_url(server)
        self.stop, self.start = self._server.stop, self._server.ensure_postgres_running
        self.end = self._server.cleanup

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Refuse every connection."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Take connections, as the kernel does, and say nothing."""
        parent = psutil.Process(self._server.get_pid())
        processes = [parent, *parent.children(recursive=True)]
        for process in processes:
            process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                process.send_signal(signal.SIGCONT)


@pytest.fixture(scope="module")
def server(new_server: Callable[[], Any]) -> Iterator[Server]:
    server = Server(new_server())
    yield server
    server.end()


@pytest.fixture(scope="module")
def admin(server: Server) -> Iterator[Engine]:
    """Reaches the server whatever is done to the app."""
    engine = create_engine(server.url, isolation_level="AUTOCOMMIT", pool_pre_ping=True)
    with engine.connect() as connection:
        connection.execute(text(ROLE))
    yield engine
    engine.dispose()


@pytest.fixture
def new_guest(server: Server, admin: Engine) -> Iterator[Callable[..., Client]]:
    """Make a client of an app that reaches the server as the guest."""
    apps = []
    url = server.url.set(username="guest").render_as_string(hide_password=False)

    def make(**config: Any) -> Client:
        apps.append(make_app(url, [*published()], **QUICK | config))
        return make_client(apps[-1])

    yield make
    for app in apps:
        dispose(app)
    with admin.connect() as connection:
        connection.execute(text("DROP TABLE IF EXISTS customers, channels, tokens CASCADE"))


@pytest.fixture
def guest(new_guest: Callable[..., Client]) -> Client:
    client = new_guest()
    assert client.page().status_code == 200
    return client


def assert_unavailable(response: TestResponse) -> None:
    assert response.status_code == 503, response.text
    assert int(response.headers["Retry-After"]) >= 1
    assert list(response.json) == ["detail"]  # type: ignore[arg-type]
    assert response.headers["Cache-Control"] == "no-store"


def assert_recovers(client: Client, seconds: float = 5) -> None:
    """Whoever asks again, as told, is answered soon."""
    end = time.monotonic() + seconds
    while (response := client.page()).status_code != 200:
        assert_unavailable(response)
        assert time.monotonic() < end
        time.sleep(0.1)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    start = time.monotonic()
    yield
    assert time.monotonic() - start < seconds


@pytest.fixture(autouse=True)
def no_traceback(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing that is expected of a database leaves one in the log."""
    yield
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []


def test_a_server_that_refuses_is_503_until_it_is_back(server: Server, guest: Client) -> None:
    with server.stopped():
        for path in ("", "format=csv", "format=xlsx"):
            with at_most(5):
                assert_unavailable(guest.page(path))
        assert guest.get("/readyz").status_code == 503
        assert guest.get("/healthz").status_code == 200
        assert guest.options(PATH).status_code == 503  # Its token is not remembered here.
    assert_recovers(guest)
    assert guest.get("/readyz").status_code == 200


def test_no_pooled_connection_survives_a_restart(server: Server, guest: Client) -> None:
    with ThreadPoolExecutor(6) as threads:
        assert {it.status_code for it in threads.map(lambda _: fresh(guest), range(6))} == {200}
        with server.stopped():
            pass
        assert {it.status_code for it in threads.map(lambda _: fresh(guest), range(6))} == {200}


def test_terminated_backends_are_replaced(admin: Engine, guest: Client) -> None:
    with admin.connect() as connection:
        connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'guest'")
        )
    time.sleep(0.1)
    assert guest.page().status_code == 200


def test_nothing_is_prepared_that_a_pooler_could_not_carry(
    new_guest: Callable[..., Client],
) -> None:
    guest = new_guest(OMS_TOKEN_MEMORY_SECONDS=600)
    for _ in range(12):
        assert guest.page("sort=-id").status_code == 200
    with guest.application.app_context(), db.engine.connect() as connection:
        prepared = connection.exec_driver_sql("SELECT statement FROM pg_prepared_statements")
        assert prepared.all() == []


def test_statements_are_prepared_where_the_url_asks_for_it(
    server: Server, new_guest: Callable[..., Client]
) -> None:
    url = server.url.set(username="guest").update_query_dict({"prepare_threshold": "0"})
    guest = new_guest(OMS_DATABASE_URL=url.render_as_string(hide_password=False))
    # A count is made in a transaction, whose end forgets what is prepared. The second page counts
    # anew: the use of the token has been noted since.
    for _ in range(3):
        assert guest.page().status_code == 200
        settle()  # Its connection comes back to the pool too.
    with guest.application.app_context(), db.engine.connect() as connection:
        prepared = connection.exec_driver_sql("SELECT statement FROM pg_prepared_statements")
        assert [it for (it,) in prepared if "customers" in it]


def test_an_app_starts_without_its_server(server: Server, guest: Client) -> None:
    with server.stopped():
        dispose(guest.application)
        assert_unavailable(guest.page())
    assert_recovers(guest)


def test_taken_slots_are_503(admin: Engine, guest: Client) -> None:
    dispose(guest.application)
    with admin.connect() as connection:
        connection.execute(text("ALTER ROLE guest CONNECTION LIMIT 0"))
        assert_unavailable(guest.page())
        connection.execute(text("ALTER ROLE guest CONNECTION LIMIT -1"))
    assert_recovers(guest)


@contextmanager
def locked(admin: Engine) -> Iterator[Connection]:
    with admin.execution_options(isolation_level="READ COMMITTED").begin() as connection:
        connection.execute(text("LOCK TABLE customers IN ACCESS EXCLUSIVE MODE"))
        yield connection


@pytest.mark.parametrize("timeout", ["OMS_STATEMENT_TIMEOUT_SECONDS", "OMS_LOCK_TIMEOUT_SECONDS"])
def test_a_locked_table_is_503(
    admin: Engine, new_guest: Callable[..., Client], timeout: str
) -> None:
    guest = new_guest(**{timeout: 0})
    with locked(admin):
        for query in ("", "sort=modified_date", "cursor="):
            with at_most(5):
                assert_unavailable(guest.page(query))
    assert_recovers(guest)


def test_an_exhausted_pool_is_503(new_guest: Callable[..., Client]) -> None:
    guest = new_guest(OMS_POOL_SIZE=1)
    with guest.application.app_context():
        with db.engine.connect():
            assert_unavailable(guest.page())
        assert_recovers(guest)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("53100", 503),  # The disk is full,
        ("53200", 503),  # the memory,
        ("57P03", 503),  # the server is starting,
        ("58030", 503),  # the disk is broken,
        ("40001", 503),  # a standby had to go on.
        ("42P01", 503),  # No such table,
        ("22012", 500),  # a division by zero: asking again does not help.
    ],
)
@pytest.mark.parametrize("query", ["", "format=csv", "format=xlsx"])
def test_only_what_may_pass_is_503(
    admin: Engine,
    guest: Client,
    query: str,
    state: str,
    status: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with admin.connect() as connection:
        connection.execute(text(POLICY.format(f"RAISE EXCEPTION SQLSTATE '{state}'")))
    response = guest.page(query)
    assert response.status_code == status
    if status == 503:
        assert_unavailable(response)
    else:
        caplog.clear()


def test_an_export_may_take_longer_than_a_page(admin: Engine, guest: Client) -> None:
    with admin.connect() as connection:
        connection.execute(text(POLICY.format("PERFORM pg_sleep(0.06)")))
    assert_unavailable(guest.page())
    assert guest.page("format=csv").status_code == 200


def test_the_hosts_own_routes_are_left_alone(server: Server) -> None:
    app = Flask("host")
    app.config["SQLALCHEMY_DATABASE_URI"] = server.url.set(port=1, query={"host": "/nowhere"})
    database = SQLAlchemy(app)

    class Channel(ChannelMixin, database.Model):  # type: ignore[name-defined, misc]
        pass

    class Customer(CustomerMixin, database.Model):  # type: ignore[name-defined, misc]
        pass

    oms = OMS(database.session, verify_token=lambda key: key)
    oms.add(customers.list_simple.bind(Customer))
    oms.init_app(app)

    @app.get("/host")
    def host() -> str:
        return str(database.session.query(Customer).count())

    client = app.test_client()
    assert_unavailable(client.get(PATH, headers={"Authorization": "Token any"}))
    app.config["PROPAGATE_EXCEPTIONS"] = True
    with pytest.raises(OperationalError):
        client.get("/host")


def fresh(client: Client) -> TestResponse:
    """Ask as another user of the same app: a client of Flask's is one thread's."""
    other = client.application.test_client()
    assert isinstance(other, Client)
    other.key = client.key
    return other.page()


@pytest.mark.slow
@pytest.mark.parametrize("query", ["", "format=csv"])
def test_a_frozen_server_is_503_until_it_goes_on(server: Server, guest: Client, query: str) -> None:
    with server.frozen():
        with at_most(10):
            assert_unavailable(guest.page(query))
            assert_unavailable(guest.page(query))
        with at_most(1):
            assert_unavailable(guest.page(query))
        with at_most(10):
            assert guest.get("/readyz").status_code == 503
    assert_recovers(guest)


@pytest.mark.slow
def test_by_its_defaults_it_waits_ten_seconds_at_most(
    server: Server, new_guest: Callable[..., Client]
) -> None:
    guest = new_guest(**defaults(it for it in STANDALONE_SETTINGS if it.name in QUICK))
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda _: fresh(guest), range(16)))
        with server.frozen(), at_most(10):
            for response in threads.map(lambda _: fresh(guest), range(16)):
                assert_unavailable(response)
        assert_recovers(guest)


@pytest.mark.slow
@pytest.mark.parametrize("format_name", ["csv", "xlsx"])
def test_a_server_that_freezes_half_way_breaks_the_file(
    admin: Engine, server: Server, guest: Client, format_name: str
) -> None:
    with admin.connect() as connection:
        connection.execute(text(MORE))
    response = guest.page(f"format={format_name}", buffered=False)
    assert response.status_code == 200
    pieces = iter(response.response)
    next(pieces)
    with server.frozen(), at_most(10), pytest.raises(OperationalError):
        list(pieces)
    response.close()
    assert_recovers(guest)


MORE = """
    INSERT INTO customers (id, created_date, modified_date, omnitron_id, email, first_name)
    SELECT n, now(), now(), n, 'somebody' || n || '@example.com', 'Ayşe'
    FROM generate_series(1000, 300999) AS n
"""


@pytest.mark.slow
def test_a_server_that_freezes_under_load_makes_no_one_wait_longer(
    server: Server, guest: Client
) -> None:
    seen: list[tuple[int, float]] = []
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            start = time.monotonic()
            status = fresh(guest).status_code
            seen.append((status, time.monotonic() - start))
            time.sleep(0.01)

    with ThreadPoolExecutor(8) as threads:
        asking = [threads.submit(ask) for _ in range(8)]
        time.sleep(0.5)
        with server.frozen():
            time.sleep(5)
        assert_recovers(guest)
        over.set()
        for each in asking:
            each.result()
    assert {status for status, _ in seen} == {200, 503}
    assert max(seconds for _, seconds in seen) < 10
