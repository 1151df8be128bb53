"""Every host, over SQLite and over PostgreSQL. Tests only read them."""

from collections.abc import Callable, Iterator

import pytest
from conftest import Client
from sqlalchemy import event

from .hosts import HOSTS
from .hosts.host import Host


@pytest.fixture(scope="session", params=HOSTS)
def host(request: pytest.FixtureRequest, new_database: Callable[[], str]) -> Iterator[Host]:
    """A host."""
    host = HOSTS[request.param](new_database())
    yield host
    host.engine.dispose()


@pytest.fixture(scope="session")
def guest(host: Host) -> Client:
    """A client of the host, with its token."""
    return host.client()


@pytest.fixture
def sent(host: Host) -> Iterator[list[str]]:
    """The statements that the host's database is sent."""
    statements: list[str] = []

    def collect(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(host.engine, "before_cursor_execute", collect)
    yield statements
    event.remove(host.engine, "before_cursor_execute", collect)
