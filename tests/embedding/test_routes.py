"""The rules of the lists, as the host's app and its extensions see them."""

from collections.abc import Callable, Iterator

import pytest
from conftest import Client
from flask import Blueprint, Flask
from flask.cli import routes_command
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from omsflask import OMS, ListService, customers

from .hosts import frameworks
from .hosts.host import KEY, LIST, Host, new_app, verify
from .hosts.usual import Base, PlainCustomer

PATH = f"/api/v1/oms/{LIST}"
AUTHORIZED = {"Authorization": f"Token {KEY}"}


@pytest.fixture
def oms() -> Iterator[OMS]:
    """An extension with the customers list."""
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    oms = OMS(sessionmaker(engine), verify_token=verify)
    oms.add(customers.list_simple.bind(PlainCustomer))
    yield oms
    engine.dispose()


def status(app: Flask, url: str, **headers: str) -> int:
    return app.test_client().get(url, headers={**AUTHORIZED, **headers}).status_code


def test_each_rule_lists_its_methods_below_the_blueprint(host: Host) -> None:
    blueprint = next(name for name in host.app.blueprints if name.endswith("oms"))
    rules = [it for it in host.app.url_map.iter_rules() if it.endpoint.startswith(f"{blueprint}.")]
    assert {it.endpoint.removeprefix(f"{blueprint}.") for it in rules} == {
        "customers/list-simple", "prefix", "rest"
    }  # fmt: skip
    for rule in rules:
        assert rule.methods is not None
        assert sorted(rule.methods) == ["GET", "HEAD", "OPTIONS"]


def test_flask_routes_shows_them(oms: OMS) -> None:
    app = new_app()
    oms.init_app(app)
    shown = app.test_cli_runner().invoke(routes_command, []).stdout
    line = next(line for line in shown.splitlines() if PATH in line)
    assert line.split() == ["oms.customers/list-simple", "GET", PATH]


def test_a_toolbar_that_lists_every_rule(new_database: Callable[[], str]) -> None:
    host = frameworks.debug_toolbar(new_database())
    page = host.client().get("/page")
    assert page.status_code == 200
    assert "flDebugToolbar" in page.text
    assert PATH in page.text
    host.engine.dispose()


def test_an_apiflask_host_describes_its_own_routes_only(new_database: Callable[[], str]) -> None:
    host = frameworks.apiflask(new_database())
    described = host.client().get("/openapi.json")
    assert described.status_code == 200
    assert list(described.json["paths"]) == ["/"]
    host.engine.dispose()


def matching_app() -> Flask:
    return Flask("host", host_matching=True, static_folder=None)


def test_a_blueprint_is_served_on_the_host_that_is_named(oms: OMS) -> None:
    app = matching_app()
    app.register_blueprint(oms.blueprint(), host="bi.example.com")
    assert status(app, f"http://bi.example.com{PATH}") == 200
    assert status(app, f"http://bi.example.com{PATH}", Authorization="") == 401
    assert status(app, f"http://example.com{PATH}") == 404


def test_an_extension_is_served_on_the_host_that_is_named(oms: OMS) -> None:
    app = matching_app()
    oms.init_app(app, url_prefix="/oms", host="<tenant>.example.com")
    response = app.test_client().get(f"http://a.example.com/oms/{LIST}", headers=AUTHORIZED)
    assert response.status_code == 200
    assert status(app, f"http://example.com/oms/{LIST}") == 404


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:5000", "bi.example.com"])
def test_without_a_name_it_is_served_on_every_host(oms: OMS, host: str) -> None:
    app = matching_app()
    oms.init_app(app)
    assert status(app, f"http://{host}{PATH}") == 200
    for path in ("", "/x/y"):
        response = app.test_client().get(f"http://{host}/api/v1/oms{path}", headers=AUTHORIZED)
        assert (response.status_code, response.json) == (404, {"detail": "Not found."})
        assert status(app, f"http://{host}/api/v1/oms{path}", Authorization="") == 401


def test_a_nested_blueprint_names_its_host(oms: OMS) -> None:
    app, parent = matching_app(), Blueprint("parent", __name__, url_prefix="/parent")
    parent.register_blueprint(oms.blueprint(), url_prefix="/oms", host="bi.example.com")
    app.register_blueprint(parent)
    assert status(app, f"http://bi.example.com/parent/oms/{LIST}") == 200
    assert status(app, f"http://example.com/parent/oms/{LIST}") == 404


def test_a_subdomain_is_named(oms: OMS) -> None:
    app = Flask("host", subdomain_matching=True, static_folder=None)
    app.config["SERVER_NAME"] = "example.com"
    oms.init_app(app, subdomain="bi")
    assert status(app, f"http://bi.example.com{PATH}") == 200
    assert status(app, f"http://example.com{PATH}") == 404


@pytest.mark.parametrize("prefix", ["/shop/oms", "/shop/oms/"])
def test_a_slash_at_the_end_of_the_prefix(oms: OMS, prefix: str) -> None:
    app = new_app()
    oms.init_app(app, url_prefix=prefix)
    assert status(app, f"/shop/oms/{LIST}") == 200
    for path in ("/shop/oms", "/shop/oms/", "/shop/oms/x"):
        assert status(app, path, Authorization="") == 401
        assert status(app, path) == 404
    assert status(app, "/shop/omsx", Authorization="") == 404


@pytest.mark.parametrize("resource", ["v1.customers", "a.b.c"])
def test_a_dot_in_a_name_leaves_the_token_first(oms: OMS, resource: str) -> None:
    service = ListService(
        resource=resource,
        name="list.simple",
        schema=customers.CustomerSchema,
        filters=customers.CustomerFilters,
    )
    app = new_app()
    oms.add(service.bind(PlainCustomer))
    oms.init_app(app)
    path = f"/api/v1/oms/{resource}/list.simple/"
    assert (status(app, path), status(app, path, Authorization="")) == (200, 401)


def test_a_list_that_is_added_twice_is_refused(oms: OMS) -> None:
    oms.add(oms.listings[0])
    with pytest.raises(TypeError, match="customers/list-simple is added twice"):
        oms.init_app(new_app())


@pytest.mark.parametrize("method", ["PROPFIND", "FOO", "get", "G\u00c9T"])
def test_an_unknown_method_is_refused_after_the_token(oms: OMS, method: str) -> None:
    app = new_app()
    oms.init_app(app)
    app.test_client_class = Client
    client = app.test_client()
    for path in (PATH, "/api/v1/oms", "/api/v1/oms/x"):
        assert client.open(path, method=method).status_code == 401
    response = client.open(PATH, method=method, headers=AUTHORIZED)
    assert response.status_code == (200 if method == "get" else 405)
