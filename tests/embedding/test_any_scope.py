"""Whatever SELECT a scope returns, its rows are listed, all and no others, or it is refused."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import (
    Engine,
    Select,
    bindparam,
    create_engine,
    func,
    insert,
    select,
    text,
    union_all,
)
from sqlalchemy.orm import sessionmaker

from omsflask import OMS, customers

from .hosts.host import ROWS, verify
from .hosts.usual import Base, PlainChannel, PlainCustomer

PATH = "/api/v1/oms/customers/list-simple/"
IDS = sorted(row["id"] for row in ROWS)

Scope = Callable[[Select[Any], Any], Any]


@pytest.fixture(scope="module")
def engine(new_database: Callable[[], str]) -> Iterator[Engine]:
    engine = create_engine(new_database())
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        channels = [{"id": i, "name": f"Channel {i}"} for i in range(1, 5)]
        connection.execute(insert(PlainChannel), channels)
        connection.execute(insert(PlainCustomer), ROWS)
    yield engine
    engine.dispose()


def served(engine: Engine, scope: Scope) -> Callable[[str], Any]:
    app = Flask("host")
    app.testing = True
    oms = OMS(sessionmaker(engine), verify_token=verify)
    oms.add(customers.list_simple.bind(PlainCustomer, scope=scope))
    oms.init_app(app)
    client = app.test_client()
    headers = {"Authorization": "Token key-of-the-host"}
    return lambda query: client.get(f"{PATH}?{query}", headers=headers)


customer = PlainCustomer.__table__
last = select(customer.c.id).order_by(customer.c.id.desc()).limit(5).subquery()

SCOPES: dict[str, tuple[Scope, list[int]]] = {
    "as it is": (lambda rows, _: rows, IDS),
    "limit": (lambda rows, _: rows.order_by(customer.c.id).limit(5), IDS[:5]),
    "limit and offset": (lambda rows, _: rows.order_by(customer.c.id).limit(5).offset(3), IDS[3:8]),
    "offset": (lambda rows, _: rows.order_by(customer.c.id).limit(99).offset(20), IDS[20:]),
    "distinct": (lambda rows, _: rows.distinct(), IDS),
    "group by": (lambda rows, _: rows.group_by(customer.c.id), IDS),
    "no group": (lambda rows, _: rows.group_by(customer.c.id).having(customer.c.id < 0), []),
    "order by": (lambda rows, _: rows.order_by(customer.c.email.desc()), IDS),
    "union": (
        lambda rows, _: union_all(
            rows.where(customer.c.id < 4), rows.where(customer.c.id.between(4, 9))
        ),
        IDS[:9],
    ),
    "another table": (lambda rows, _: rows.where(customer.c.id.in_(select(last.c.id))), IDS[-5:]),
    "join": (
        lambda rows, _: rows.join(PlainChannel, PlainChannel.id == customer.c.channel_id), IDS
    ),
    "join that doubles": (
        lambda rows, _: rows.join(last, text("1 = 1")).where(customer.c.id < 3),
        sorted(IDS[:2] * 5),
    ),
    "common table": (
        lambda rows, _: rows.where(customer.c.id.in_(select(select(last.c.id).cte().c.id))),
        IDS[-5:],
    ),
    "window": (
        lambda rows, _: rows.add_columns(func.row_number().over().label("number")), IDS
    ),
    "a parameter of our old name": (
        lambda rows, _: rows.where(customer.c.id > bindparam("oms_0", 10)), IDS[10:]
    ),
    "a parameter of that name too": (
        lambda rows, _: rows.where(customer.c.id > bindparam("oms_limit", 10)), IDS[10:]
    ),
    "options": (lambda rows, _: rows.execution_options(schema_translate_map={"x": "y"}), IDS),
}  # fmt: skip


@pytest.mark.parametrize("name", SCOPES)
def test_a_scope_is_honoured(engine: Engine, name: str) -> None:
    scope, ids = SCOPES[name]
    get = served(engine, scope)
    for _ in range(2):
        for query in ("limit=1000", "limit=1000&sort=-id", "limit=1000&sort=modified_date"):
            body = get(query).json
            assert body["count"] == len(ids)
            assert sorted(row["id"] for row in body["results"]) == ids
        found = get("id__gt=4&id__lte=12&limit=1000").json
        assert [row["id"] for row in found["results"]] == [it for it in ids if 4 < it <= 12]
        assert found["count"] == len(found["results"])
        answer = get("format=csv")
        lines = answer.text.split("\r\n")[1:-1]
        assert sorted(int(line.partition(",")[0]) for line in lines) == ids
        assert answer.headers["X-Total-Count"] == str(len(ids))


@pytest.mark.parametrize("name", [name for name in SCOPES if "doubles" not in name])
@pytest.mark.parametrize("query", ["", "sort=-modified_date", "cursor="])
def test_a_scope_is_walked(engine: Engine, name: str, query: str) -> None:
    scope, ids = SCOPES[name]
    get = served(engine, scope)
    met, link = [], f"limit=4&{query}"
    while link:
        body = get(link.partition("?")[2] or link).json
        met += [row["id"] for row in body["results"]]
        link = body["next"] or ""
    assert sorted(met) == ids


@pytest.mark.parametrize(
    "scope",
    [
        lambda _rows, _holder: None,
        lambda _rows, _holder: text("SELECT 1"),
        lambda _rows, _holder: True,
        lambda _rows, _holder: select(customer.c.id),
        lambda rows, _holder: rows.with_only_columns(customer.c.id),
    ],
)
def test_what_is_no_select_of_the_rows_is_refused(engine: Engine, scope: Scope) -> None:
    get = served(engine, scope)
    for query in ("", "format=csv"):
        with pytest.raises(TypeError, match="A scope"):
            get(query)


def test_lists_of_values_do_not_pile_up(engine: Engine) -> None:
    """Each number of values was a statement of its own once."""
    from marshmallow import Schema, fields

    from omsflask import Filter, FilterSet, ListService

    class Rows(Schema):
        id = fields.Integer()

    class Filters(FilterSet):
        id = Filter(fields.Integer, lookups=("in", "range"))

    service = ListService(resource="people", name="list", schema=Rows, filters=Filters)
    bound = service.bind(PlainCustomer)
    app = Flask("host")
    oms = OMS(sessionmaker(engine), verify_token=verify)
    oms.add(bound)
    oms.init_app(app)
    client = app.test_client()
    for number in range(1, 60):
        values = ",".join(map(str, range(1, number + 1)))
        url = f"/api/v1/oms/people/list/?id__in={values}"
        body = client.get(url, headers={"Authorization": "Token key-of-the-host"}).json
        assert body is not None
        assert body["count"] == len(set(IDS) & set(range(1, number + 1)))
    assert len(bound.statements) < 10
