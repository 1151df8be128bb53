"""What the tests know of a host, and the customers that each holds."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from conftest import Client
from flask import Flask
from sqlalchemy import Engine, insert

from omsflask.standalone.sample_data import channels, plausible, published

KEY = "key-of-the-host"
LIST = "customers/list-simple/"

ROWS = [*published(), *plausible(20, first_id=11)]
CHANNELS = [*channels()]


@dataclass
class Host:
    """An app, and how its list is reached.

    :param key: of a token that shows all of :data:`ROWS`.
    :param pages: what the host itself answers, by path.
    :param other: another app, with another database, that shares objects with the first.
    """

    app: Flask
    engine: Engine
    key: str = KEY
    prefix: str = "/api/v1/oms"
    pages: dict[str, str] = field(default_factory=lambda: {"/": "home"})
    other: Flask | None = None

    @property
    def path(self) -> str:
        """The path of the list."""
        return f"{self.prefix}/{LIST}"

    @property
    def base(self) -> str:
        """The list's address, as links have it."""
        return f"{self.app.config['PREFERRED_URL_SCHEME']}://localhost{self.path}"

    def client(self) -> Client:
        """Return a client with the host's token."""
        self.app.test_client_class = Client
        client = self.app.test_client()
        assert isinstance(client, Client)
        client.key = self.key
        return client


def new_app() -> Flask:
    """Return an app with a page and an error page of its own."""
    app = Flask("host")
    app.testing = True
    add_pages(app)
    return app


def add_pages(app: Flask, **options: Any) -> None:
    """Give an app a page and an error page of its own."""
    plain = {"Content-Type": "text/plain"}
    app.add_url_rule("/", view_func=lambda: ("home", plain), endpoint="home", **options)
    app.register_error_handler(404, lambda _error: ("the host's own 404", 404, plain))


def fill(engine: Engine, *contents: tuple[Any, Iterable[dict[str, Any]]]) -> None:
    """Insert rows, by table."""
    with engine.begin() as connection:
        for table, rows in contents:
            if some := list(rows):
                connection.execute(insert(table), some)


def verify(key: str) -> str | None:
    """Return who holds ``key``."""
    return "somebody" if key == KEY else None
