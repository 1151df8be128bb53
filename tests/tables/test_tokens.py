"""Tokens: their form, their life, their store."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from conftest import Client
from sqlalchemy import event, select

from omsflask.standalone.app import Token, db
from omsflask.tables.models import utc_now
from omsflask.tables.tokens import TokenError, Tokens, is_well_formed, make_key


def test_a_key_is_known_by_its_form() -> None:
    keys = {make_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(len(key) == 52 and is_well_formed(key) for key in keys)


def test_a_typing_error_shows_without_a_query(client: Client, statements: list[str]) -> None:
    for place in range(4, 52):
        wrong = "0" if client.key[place] != "0" else "1"
        key = client.key[:place] + wrong + client.key[place + 1 :]
        assert not is_well_formed(key)
        assert client.page(headers={"Authorization": f"Token {key}"}).status_code == 401
    assert statements == []


@pytest.fixture
def writable(new_client: Callable[..., Client]) -> Client:
    """A client of an app that remembers no token."""
    return new_client([], OMS_TOKEN_MEMORY_SECONDS=0)


def get(client: Client, key: str) -> int:
    return client.page(headers={"Authorization": f"Token {key}"}).status_code


def store(client: Client) -> Tokens:
    return Tokens(db.session, Token)


def test_an_expired_token_is_refused(writable: Client) -> None:
    with writable.application.app_context():
        soon = store(writable).issue("soon", utc_now() + timedelta(milliseconds=400))
    assert get(writable, soon) == 200
    time.sleep(0.5)
    assert get(writable, soon) == 401


def test_expiry_counts_for_a_remembered_token_too(new_client: Callable[..., Client]) -> None:
    client = new_client([], OMS_TOKEN_MEMORY_SECONDS=60)
    with client.application.app_context():
        soon = store(client).issue("soon", utc_now() + timedelta(milliseconds=400))
    assert get(client, soon) == 200
    time.sleep(0.5)
    assert get(client, soon) == 401


def test_a_revoked_token_is_refused_when_it_is_forgotten(
    new_client: Callable[..., Client],
) -> None:
    client = new_client([], OMS_TOKEN_MEMORY_SECONDS=0.4)
    assert get(client, client.key) == 200
    with client.application.app_context():
        store(client).revoke(client.key[:12])
    time.sleep(0.5)
    assert get(client, client.key) == 401


def test_a_name_is_used_once_at_a_time(writable: Client) -> None:
    with writable.application.app_context():
        tokens = store(writable)
        first = tokens.issue("warehouse")
        with pytest.raises(TokenError, match="in use"):
            tokens.issue("warehouse")
        tokens.revoke("warehouse")
        second = tokens.issue("warehouse")
    assert (get(writable, first), get(writable, second)) == (401, 200)


@pytest.mark.parametrize("name", ["", "nobody", "oms_", "%", "_"])
def test_revoking_nobody_or_several_is_an_error(writable: Client, name: str) -> None:
    with writable.application.app_context():
        store(writable).issue("one more")
        with pytest.raises(TokenError):
            store(writable).revoke(name)
    assert get(writable, writable.key) == 200


def test_use_is_noted_beside_the_request_and_once_a_minute(writable: Client) -> None:
    noted = threading.Event()
    updates = []

    def see(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("UPDATE"):
            updates.append(threading.current_thread())
            noted.set()

    with writable.application.app_context():
        event.listen(db.engine, "after_cursor_execute", see)
        for _ in range(5):
            assert get(writable, writable.key) == 200
        assert noted.wait(5)
        updates[0].join(5)
        assert db.session.scalar(select(Token.last_used_at)) is not None
    assert len(updates) == 1
    assert updates[0] is not threading.main_thread()
