"""A token of one tenant is no token of another, whichever was asked a moment before."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import settle
from flask import Flask, g
from sqlalchemy import URL, Connection, Engine, StaticPool, create_engine, event, insert, select

from .hosts import tenants
from .hosts.host import LIST, ROWS, Host

PATH = f"/api/v1/oms/{LIST}"
INVALID = {"detail": "Invalid token."}


def get(app: Flask | None, key: str, tenant: str = "a") -> Any:
    assert app is not None
    headers = {"Authorization": f"Token {key}", "X-Tenant": tenant}
    return app.test_client().get(PATH, headers=headers).json


@pytest.fixture
def new_host(new_database: Callable[[], str]) -> Iterator[Callable[..., Host]]:
    """Make a host that remembers tokens for long."""
    hosts = []

    def make(build: Callable[[str], Host]) -> Host:
        hosts.append(build(new_database()))
        hosts[0].app.config["OMS_TOKEN_MEMORY_SECONDS"] = 600
        return hosts[0]

    yield make
    settle()
    hosts[0].engine.dispose()


def test_a_token_is_remembered_for_its_engine(new_host: Callable[..., Host]) -> None:
    host = new_host(tenants.engine_by_tenant)
    others = tenants.issue(host.app, "b")
    for _ in range(2):
        assert get(host.app, host.key, "b") == INVALID
        assert get(host.app, host.key, "a")["count"] == 30
        assert get(host.app, others, "a") == INVALID
        assert get(host.app, others, "b")["count"] == 5


def test_a_token_is_remembered_for_its_app(new_host: Callable[..., Host]) -> None:
    host = new_host(tenants.blueprint_of_two_apps)
    for _ in range(2):
        assert get(host.other, host.key) == INVALID
        assert get(host.app, host.key)["count"] == 30


@dataclass(frozen=True)
class Schemas:
    """An engine over a database with a schema for each of two tenants."""

    engine: Engine
    names: Mapping[str, str]

    def of(self, tenant: str) -> Engine:
        """Return an engine of the tenant's: another object each time."""
        return self.engine.execution_options(schema_translate_map={None: self.names[tenant]})


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Iterator[Schemas]:
    engine = create_engine(f"sqlite:///{tmp_path}/main.sqlite3")

    @event.listens_for(engine, "connect")
    def attach(connection: Any, _record: object) -> None:
        for name in ("a", "b"):
            connection.execute(f"ATTACH '{tmp_path}/{name}.sqlite3' AS {name}")

    yield from _with_tables(Schemas(engine, {"a": "a", "b": "b"}))


@pytest.fixture
def on_postgresql(postgres: URL, new_schema: Callable[[], URL]) -> Iterator[Schemas]:
    options = [str(new_schema().query["options"]) for _ in "ab"]
    names = (text.partition("=")[2] for text in options)
    yield from _with_tables(Schemas(create_engine(postgres), dict(zip("ab", names, strict=True))))


def _with_tables(schemas: Schemas) -> Iterator[Schemas]:
    for tenant in schemas.names:
        tenants.Base.metadata.create_all(schemas.of(tenant))
    yield schemas
    settle()
    schemas.engine.dispose()


class EngineByOptions(dict[str, Engine]):
    """Makes an engine with options in each request."""

    def __init__(self, schemas: Schemas) -> None:
        super().__init__()
        self.schemas = schemas

    def __missing__(self, tenant: str) -> Engine:
        return self.schemas.of(tenant)


@pytest.mark.parametrize("database", ["on_sqlite", "on_postgresql"])
def test_a_token_is_remembered_for_the_options_of_its_engine(
    request: pytest.FixtureRequest, database: str
) -> None:
    schemas: Schemas = request.getfixturevalue(database)
    host = tenants.serve(EngineByOptions(schemas))
    host.app.config["OMS_TOKEN_MEMORY_SECONDS"] = 600
    for _ in range(2):
        assert get(host.app, host.key, "b") == INVALID
        assert get(host.app, host.key, "a")["count"] == 0
    sent = []
    event.listen(schemas.engine, "before_cursor_execute", lambda *it: sent.append(it[2]))
    get(host.app, host.key, "a")
    assert [it for it in sent if "FROM" in it and "tokens" in it] == [], "equal options suffice"


def test_the_last_use_is_stored_by_the_options_of_the_engine(on_postgresql: Schemas) -> None:
    host = tenants.serve(EngineByOptions(on_postgresql))
    get(host.app, host.key, "a")
    settle()
    with on_postgresql.of("a").connect() as connection:
        assert connection.scalar(select(tenants.Token.last_used_at)) is not None


@pytest.mark.parametrize("name", ["begin", "engine_connect", "before_cursor_execute", "checkout"])
def test_no_token_is_remembered_where_a_listener_chooses_the_rows(
    on_postgresql: Schemas, name: str
) -> None:
    engine = on_postgresql.engine
    host = tenants.serve(EngineByOptions(on_postgresql))
    engines = {"a": engine, "b": engine}

    def choose(connection: Any, *arguments: Any) -> Any:
        driver = getattr(connection, "connection", connection)
        driver = getattr(driver, "driver_connection", driver)
        driver.execute(f"SET search_path TO {on_postgresql.names[g.tenant]}")
        if name in ("checkout", "engine_connect"):
            driver.commit()
        return arguments[1:3]

    options = {"retval": True} if name == "before_cursor_execute" else {}
    event.listen(engine, name, choose, **options)
    app = tenants.serve_app(engines)
    app.config["OMS_TOKEN_MEMORY_SECONDS"] = 600
    for _ in range(2):
        assert get(app, host.key, "b") == INVALID
        assert get(app, host.key, "a")["count"] == 0


def test_a_session_of_a_connection_verifies_in_its_transaction() -> None:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    tenants.Base.metadata.create_all(engine)
    with engine.connect() as connection:
        connection.execute(insert(tenants.Customer), [ROWS[0]])
        binds: dict[str, Connection] = {"a": connection}
        host = tenants.serve(binds)
        assert get(host.app, host.key)["count"] == 1
        connection.rollback()
        assert get(host.app, host.key) == INVALID
    engine.dispose()
