"""A host's own ``verify_token``: whatever is wrong with it, nobody gets in by that."""

import gc
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask, abort, make_response
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session, sessionmaker

from omsflask import OMS, customers

from .hosts.host import LIST, fill, new_app
from .hosts.usual import Base, PlainChannel, PlainCustomer

PATH = f"/api/v1/oms/{LIST}"


@pytest.fixture
def new_host() -> Iterator[Callable[[Any], Flask]]:
    """Make a host that verifies tokens by a function of its own."""
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    fill(engine, (PlainChannel, []), (PlainCustomer, []))

    def make(verify_token: Any) -> Flask:
        app = new_app()
        oms = OMS(sessionmaker(engine), verify_token=verify_token)
        oms.add(customers.list_simple.bind(PlainCustomer))
        oms.init_app(app)
        app.testing = False
        return app

    yield make
    engine.dispose()


def status(app: Flask, method: str = "GET") -> int:
    response = app.test_client().open(PATH, method=method, headers={"Authorization": "Token key"})
    return response.status_code


class Falsy:
    def __bool__(self) -> bool:
        return False


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST", "PROPFIND"])
@pytest.mark.parametrize(
    "holder", [None, False, 0, 0.0, "", b"", (), [], {}, Falsy()], ids=range(10)
)
def test_a_falsy_holder_is_no_holder(
    new_host: Callable[[Any], Flask], holder: object, method: str
) -> None:
    app = new_host(lambda _key: holder)
    response = app.test_client().open(PATH, method=method, headers={"Authorization": "Token key"})
    assert (response.status_code, response.json) == (401, {"detail": "Invalid token."})


@pytest.mark.parametrize("holder", ["somebody", 7, ("a", 7), SimpleNamespace(id=7)], ids=repr)
def test_any_other_holder_is_one(new_host: Callable[[Any], Flask], holder: object) -> None:
    assert status(new_host(lambda _key: holder)) == 200


async def coroutine(_key: str) -> str:
    return "somebody"


def generator(_key: str) -> Iterator[str]:
    yield "somebody"


async def asynchronous_generator(_key: str) -> AsyncIterator[str]:
    yield "somebody"


class Account:
    def __init__(self, key: str) -> None:
        self.key = key

    @classmethod
    async def for_token(cls, key: str) -> "Account":
        return cls(key)

    async def method(self, key: str) -> str:
        return key

    @staticmethod
    async def static(key: str) -> str:
        return key

    def stepwise(self, key: str) -> Iterator[str]:
        yield key


class Asynchronous:
    async def __call__(self, key: str) -> str:
        return key


class Awaitable:
    def __await__(self) -> Iterator[Any]:
        yield


WRONG_AT_START: list[Any] = [
    coroutine,
    generator,
    asynchronous_generator,
    partial(coroutine),
    partial(partial(generator)),
    Account,
    partial(Account),
    Account.for_token,
    Account("x").method,
    Account("x").static,
    Account("x").stepwise,
    Asynchronous(),
    partial(Asynchronous()),
    Account("x"),
    {"key": "somebody"},
    "key",
    False,
]


@pytest.mark.parametrize("verify_token", WRONG_AT_START, ids=range(len(WRONG_AT_START)))
def test_what_would_let_everybody_in_is_refused_at_start(
    new_host: Callable[[Any], Flask], verify_token: object
) -> None:
    with pytest.raises(TypeError, match="verify_token must be a function that returns the token's"):
        new_host(verify_token)


def _raise(error: Exception) -> Any:
    raise error


WRONG_IN_A_REQUEST: dict[str, Callable[[str], Any]] = {
    "True": lambda _key: True,
    "coroutine": lambda key: coroutine(key),
    "awaitable": lambda _key: Awaitable(),
    "generator": lambda key: generator(key),
    "asynchronous generator": lambda key: asynchronous_generator(key),
    "filter": lambda key: filter(key.__eq__, ["other"]),
    "class": lambda _key: Account,
    "function": lambda _key: generator,
    "method": lambda key: Account(key).method,
    "builtin": lambda key: {}.get,
    "partial": lambda key: partial(print, key),
    "response": lambda _key: make_response("no", 401),
    "exception": lambda _key: LookupError("no"),
    "query": lambda _key: Session().query(PlainCustomer),
    "statement": lambda _key: select(PlainCustomer),
    "raises": lambda key: _raise(LookupError(key)),
    "stops": lambda key: next(iter([])),
}


@pytest.mark.parametrize("name", WRONG_IN_A_REQUEST)
def test_what_is_no_holder_lets_nobody_in(new_host: Callable[[Any], Flask], name: str) -> None:
    app = new_host(WRONG_IN_A_REQUEST[name])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert [status(app, method) for method in ("GET", "OPTIONS", "POST")] == [500] * 3
        gc.collect()
    assert [str(it.message) for it in caught] == []


@pytest.mark.parametrize("name", ["True", "coroutine", "awaitable", "response"])
def test_the_error_names_the_contract(new_host: Callable[[Any], Flask], name: str) -> None:
    app = new_host(WRONG_IN_A_REQUEST[name])
    app.testing = True
    with pytest.raises(
        TypeError, match=r"returns the token's holder, or None\. It returned an obj"
    ):
        status(app)


def test_what_verify_token_aborts_with_is_told_as_json(new_host: Callable[[Any], Flask]) -> None:
    app = new_host(lambda _key: abort(403, "Not today."))
    response = app.test_client().get(PATH, headers={"Authorization": "Token key"})
    assert (response.status_code, response.json) == (403, {"detail": "Not today."})


def test_a_callable_object_of_length_0_is_asked(new_host: Callable[[Any], Flask]) -> None:
    class Keys(dict[str, str]):
        def __call__(self, key: str) -> str | None:
            return self.get(key)

    keys = Keys()
    app = new_host(keys)
    assert status(app) == 401
    keys["key"] = "somebody"
    assert status(app) == 200
