"""Several of everything: apps in a process, mounts in an app, services in a mount."""

import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import sessionmaker

from omsflask import OMS, Filter, FilterSet, ListService, customers
from omsflask.settings import SettingError

from .hosts.host import CHANNELS, KEY, LIST, ROWS, fill, new_app, verify
from .hosts.usual import Base, PlainChannel, PlainCustomer

AUTHORIZED = {"Authorization": f"Token {KEY}"}
PATH = f"/api/v1/oms/{LIST}"

NewEngine = Callable[[int], Engine]


@pytest.fixture
def new_engine(tmp_path: Any) -> Iterator[NewEngine]:
    """Make an engine over so many customers."""
    engines = []

    def make(number: int) -> Engine:
        engine = create_engine(f"sqlite:///{tmp_path}/{len(engines)}.sqlite3")
        Base.metadata.create_all(engine)
        fill(engine, (PlainChannel, CHANNELS), (PlainCustomer, ROWS[:number]))
        engines.append(engine)
        return engine

    yield make
    for engine in engines:
        engine.dispose()


def new_oms(engine: Engine, verify_token: Callable[[str], object] = verify) -> OMS:
    oms = OMS(sessionmaker(engine), verify_token=verify_token)
    oms.add(customers.list_simple.bind(PlainCustomer))
    return oms


def get(app: Flask, path: str = PATH, key: str = KEY) -> Any:
    return app.test_client().get(path, headers={"Authorization": f"Token {key}"}).json


def test_two_apps_in_a_process_do_not_touch_each_other(new_engine: NewEngine) -> None:
    few, many = new_app(), new_app()
    few.config["OMS_PAGE_SIZE"], many.config["OMS_LENIENT_QUERY"] = 2, True
    new_oms(new_engine(5), {"few": "holder"}.get).init_app(few)
    new_oms(new_engine(30), {"many": "holder"}.get).init_app(many, url_prefix="/v2")
    assert get(few, key="few")["next"] == f"http://localhost{PATH}?page=2"
    assert (get(few, key="few")["count"], len(get(few, key="few")["results"])) == (5, 2)
    assert get(few, key="many") == {"detail": "Invalid token."}
    assert get(few, f"{PATH}?x=1", "few") == {"x": ["Unknown parameter."]}
    assert len(get(many, f"/v2/{LIST}?x=1", "many")["results"]) == 10
    assert get(many, f"/v2/{LIST}", "few") == {"detail": "Invalid token."}
    assert many.test_client().get(PATH).status_code == 404


def test_one_extension_serves_two_apps(new_engine: NewEngine) -> None:
    oms, apps = new_oms(new_engine(5)), (new_app(), new_app())
    for app in apps:
        oms.init_app(app)
        app.config["OMS_PAGE_SIZE"] = 1 + apps.index(app)
    assert [len(get(app)["results"]) for app in apps] == [1, 2]


def test_a_list_is_mounted_twice_in_an_app(new_engine: NewEngine) -> None:
    app, oms = new_app(), new_oms(new_engine(30))
    oms.init_app(app)
    oms.init_app(app, url_prefix="/v2/oms")
    new_oms(new_engine(5), {"other": "holder"}.get).init_app(app, url_prefix="/other")
    assert list(app.blueprints) == ["oms", "oms2", "oms3"]
    assert get(app)["next"] == f"http://localhost{PATH}?page=2"
    assert get(app, f"/v2/oms/{LIST}")["next"] == f"http://localhost/v2/oms/{LIST}?page=2"
    assert get(app, f"/other/{LIST}", "other")["count"] == 5
    assert get(app, f"/other/{LIST}") == {"detail": "Invalid token."}
    assert get(app, "/v2/oms/x") == {"detail": "Not found."}


def test_a_blueprint_is_registered_twice(new_engine: NewEngine) -> None:
    app = new_app()
    blueprint = new_oms(new_engine(5)).blueprint()
    app.register_blueprint(blueprint)
    app.register_blueprint(blueprint, name="again", url_prefix="/again")
    for prefix in ("/api/v1/oms", "/again"):
        assert get(app, f"{prefix}/{LIST}")["count"] == 5
        assert get(app, f"{prefix}/{LIST}", key="wrong") == {"detail": "Invalid token."}
        assert get(app, f"{prefix}/x") == {"detail": "Not found."}


@pytest.mark.parametrize("prefix", ["", "/"])
def test_the_root_is_a_prefix_too(new_engine: NewEngine, prefix: str) -> None:
    app = new_app()
    new_oms(new_engine(5)).init_app(app, url_prefix=prefix)
    assert get(app, f"/{LIST}")["count"] == 5
    assert app.test_client().get("/nowhere").get_data(as_text=True) == "the host's own 404"


def test_two_services_in_a_mount_have_their_own_parameters(new_engine: NewEngine) -> None:
    class OtherFilters(FilterSet):
        email = Filter(customers.String)

    other = ListService(
        resource="customers", name="by-mail", schema=customers.CustomerSchema, filters=OtherFilters
    )
    app, oms = new_app(), new_oms(new_engine(30))
    oms.add(other.bind(PlainCustomer))
    oms.init_app(app)
    assert get(app, "/api/v1/oms/customers/by-mail/?email=ali.test@akinon.com")["count"] == 1
    assert "id__gt" in get(app, "/api/v1/oms/customers/by-mail/?id__gt=1")
    assert get(app, f"{PATH}?id__gt=1")["count"] == 29
    names = {view.__name__ for view in app.view_functions.values()}
    assert {"customers_list_simple", "customers_by_mail"} <= names, "limits and exemptions by view"


def test_what_cannot_be_served_fails_at_start(new_engine: NewEngine) -> None:
    app, engine = new_app(), new_engine(0)
    with pytest.raises(TypeError, match="OMS needs a session"):
        OMS(verify_token=verify).init_app(app)
    with pytest.raises(TypeError, match="give it verify_token=…, or add a list"):
        OMS(sessionmaker(engine)).init_app(app)
    app.config["OMS_PAGE_SIZE"] = "many"
    with pytest.raises(SettingError, match="OMS_PAGE_SIZE must be a whole number, not 'many'"):
        new_oms(engine).init_app(app)


def test_a_factory_called_a_hundred_times_leaves_nothing(new_engine: NewEngine) -> None:
    engine = new_engine(5)

    def create_app() -> Flask:
        service = ListService(
            resource="customers",
            name="list-simple",
            schema=customers.CustomerSchema,
            filters=type("Filters", (customers.CustomerFilters,), {}),
        )
        app = new_app()
        oms = OMS(sessionmaker(engine), verify_token=verify)
        oms.add(service.bind(PlainCustomer))
        oms.init_app(app)
        return app

    def use(times: int) -> list[weakref.ref[Flask]]:
        apps = [create_app() for _ in range(times)]
        assert {len(get(app, f"{PATH}?sort=-id&format=json")["results"]) for app in apps} == {5}
        return [weakref.ref(app) for app in apps]

    use(5)
    gc.collect()
    before = len(gc.get_objects())
    references = use(100)
    gc.collect()
    assert [reference for reference in references if reference() is not None] == []
    assert len(gc.get_objects()) - before < 1000, "an app is made of thousands of objects"
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]
