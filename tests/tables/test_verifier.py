"""Verified tokens: what is remembered, for how long, and how many."""

import threading
from collections.abc import Callable, Hashable
from typing import Any

import pytest
from conftest import Client, settle
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool, SingletonThreadPool

from omsflask.sql.database import Database
from omsflask.standalone.app import Token, db
from omsflask.tables import verifier
from omsflask.tables.tokens import Tokens
from omsflask.tables.verifier import Expiring, TokenMemory
from omsflask.tables.verifier import source_of as source_of_database


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The present moment, to be set."""
    now = [1000.0]
    monkeypatch.setattr("omsflask.tables.verifier.time.monotonic", lambda: now[0])
    return now


def test_an_entry_expires_and_goes(clock: list[float]) -> None:
    memory = Expiring()
    memory.put("a", 1, 2)
    clock[0] += 1.9
    assert memory.get("a") == 1
    clock[0] += 0.1
    assert (memory.get("a"), memory.get("b")) == (None, None)
    memory.put("b", 2, 2)
    assert len(memory) == 1


def test_entries_are_bounded(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifier, "MAX_ENTRIES", 3)
    memory = Expiring()
    for number in range(10):
        memory.put(number, number, 60)
    memory.put(8, "again", 60)
    assert [memory.get(number) for number in (6, 7, 8, 9)] == [None, 7, "again", 9]
    assert len(memory) == 3


def test_entries_may_be_put_by_many_threads() -> None:
    memory = Expiring()

    def put(first: int) -> None:
        for number in range(2000):
            memory.put((first, number % 50), number, 0.001)

    threads = [threading.Thread(target=put, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(memory) <= 200


def test_a_thousand_tokens_leave_no_trace(new_client: Callable[..., Client]) -> None:
    client = new_client([], OMS_TOKEN_MEMORY_SECONDS=0.001)
    memory: TokenMemory = client.application.extensions["oms_tokens"]
    with client.application.app_context():
        tokens = Tokens(db.session, Token)
        keys = [tokens.issue(f"token {number}") for number in range(20)]
    for key in keys:
        assert client.page(headers={"Authorization": f"Token {key}"}).status_code == 200
    settle()
    assert len(memory.holders) <= 2
    client.page(headers={"Authorization": "Token oms_" + "0" * 48})
    assert len(memory.holders) <= 2, "a key that is not valid is not remembered"


def source_of(bind: Engine | Connection) -> Hashable | None:
    return source_of_database(Database(bind))


def test_a_source_is_known_by_engine_and_options(tmp_path: Any) -> None:
    engine, other = (create_engine(f"sqlite:///{tmp_path}/x.sqlite3") for _ in "ab")
    assert source_of(engine) == source_of(engine.execution_options()) != source_of(other)
    maps = ({None: "a"}, {None: "b"}, {None: "a", "b": "a"}, {"a": None})
    engines = [engine.execution_options(schema_translate_map=it) for it in maps]
    assert len({source_of(it) for it in (engine, *engines)}) == 5
    again = engine.execution_options(schema_translate_map={"b": "a", None: "a"})
    assert source_of(again) == source_of(engines[2])
    before = source_of(engine)
    engine.update_execution_options(schema_translate_map={None: "a"})
    assert before != source_of(engine) == source_of(engines[0])
    engine.dispose()
    other.dispose()


def test_the_standalone_engine_is_a_known_source(client: Client) -> None:
    with client.application.app_context():
        assert source_of(db.engine) == source_of(db.engine) is not None


def test_a_source_is_unknown_where_rows_may_differ(tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path}/x.sqlite3"
    engine = create_engine(url)
    assert source_of(engine.execution_options(unhashable=bytearray())) is None
    for pool in (NullPool, SingletonThreadPool):
        assert source_of(create_engine("sqlite://", poolclass=pool)) is None
    with engine.connect() as connection:
        assert source_of(connection) is None
    event.listen(engine, "before_cursor_execute", lambda *_: None)
    assert source_of(engine) is not None, "a listener that only watches"
    tenant = engine.execution_options()
    event.listen(tenant, "begin", lambda _connection: None)
    assert source_of(tenant) is None
    assert source_of(engine) is not None
    event.listen(engine, "checkout", lambda *_: None)
    assert source_of(engine) is None
    engine.dispose()
