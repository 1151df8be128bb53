"""What is remembered equals what is counted anew, in every surrounding, whoever writes meanwhile.

Each surrounding is a host whose rows another program changes, by commits, by the clock, by a
setting of the session or by another database. After each change pages, files and conditional
requests must tell just what the database says.
"""

import csv
import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, g, request
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    URL,
    Column,
    DateTime,
    Engine,
    ForeignKey,
    Integer,
    MetaData,
    Select,
    Table,
    create_engine,
    event,
    func,
    select,
    text,
)
from sqlalchemy.orm import (
    DeclarativeBase,
    Session,
    mapped_column,
    sessionmaker,
)

from omsflask import OMS, ChannelMixin, CustomerMixin, customers
from omsflask.sql import counts

PATH = "/api/v1/oms/customers/list-simple/"


class Holder:
    """A holder whose repr and equality hide what tells it from others."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __repr__(self) -> str:
        return "a holder"


@dataclass
class Surrounding:
    """A host, and who changes its rows.

    :param write: adds a row with an id, or removes it where it is there.
    :param shown: the ids that a holder may see, in order.
    """

    app: Flask
    write: Callable[[int], None]
    shown: Callable[[str], list[int]]
    tenants: tuple[str, ...] = ("a",)
    engines: list[Engine] = field(default_factory=list)
    tags: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    def get(self, query: str, tenant: str, **headers: str) -> Any:
        headers = {"Authorization": f"Token {tenant}", "X-Tenant": tenant, **headers}
        return self.app.test_client().get(f"{PATH}?{query}", headers=headers)

    def check(self, tenant: str) -> None:
        """Compare pages and files with the rows."""
        expected = self.shown(tenant)
        body = self.get("limit=3", tenant).json
        assert (body["count"], [row["id"] for row in body["results"]]) == (
            len(expected), expected[:3],
        )  # fmt: skip
        self._walk(tenant, expected)
        for query in ("format=csv", "format=csv&sort=-modified_date", "format=csv&id__lte=3"):
            self._file(tenant, query, expected)

    def _walk(self, tenant: str, expected: list[int]) -> None:
        met, number = [], 1
        while True:
            answer = self.get(f"limit=2&page={number}", tenant)
            if answer.status_code == 404:
                break
            body = answer.json
            met += [row["id"] for row in body["results"]]
            number += 1
            if body["next"] is None:
                break
        assert met == expected

    def _file(self, tenant: str, query: str, expected: list[int]) -> None:
        old, said = self.tags.get((tenant, query), ("", ""))
        answer = self.get(query, tenant, **({"If-None-Match": old} if old else {}))
        wanted = [it for it in expected if "id__lte" not in query or it <= 3]
        if answer.status_code == 304:
            answer.close()
            answer = self.get(query, tenant)
            assert answer.text == said, "it was 304, and says something else"
        ids = sorted(int(row["id"]) for row in csv.DictReader(io.StringIO(answer.text)))
        assert (answer.headers["X-Total-Count"], ids) == (str(len(wanted)), wanted)
        others = {tag for (it, _), (tag, _text) in self.tags.items() if it != tenant}
        if tag := answer.headers.get("ETag"):
            assert tag not in others
            self.tags[tenant, query] = tag, answer.text


def new_model(schema: str | None = None, **columns: Any) -> type[Any]:
    class Base(DeclarativeBase):
        metadata = MetaData(schema=schema)

    class Channel(ChannelMixin, Base):
        pass

    return type("Customer", (CustomerMixin, Base), {"__annotations__": {}, **columns})


def served(session: Any, model: type[Any], **bind: Any) -> Flask:
    app = Flask("host")
    app.testing = True
    oms = OMS(session, verify_token=lambda key: Holder(key))
    oms.add(customers.list_simple.bind(model, **bind))
    oms.init_app(app)

    @app.before_request
    def _choose() -> None:
        g.tenant = request.headers.get("X-Tenant", "a")

    return app


def toggle(engine: Engine, id_: int, table: str = "customers", **values: Any) -> None:
    """Add a row, or remove it, as another program would."""
    other = create_engine(engine.url)
    values = {"id": id_, "omnitron_id": id_, "email": f"c{id_}@example.org", **values}
    with other.begin() as connection:
        gone = connection.execute(text(f"DELETE FROM {table} WHERE id = :id"), {"id": id_})
        if not gone.rowcount:
            names = ", ".join(values)
            bound = ", ".join(f":{name}" for name in values)
            connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({bound})"), values)
    other.dispose()


def ids(engine: Engine, query: str = "SELECT id FROM customers ORDER BY id") -> list[int]:
    other = create_engine(engine.url)
    with other.connect() as connection:
        found = [*connection.scalars(text(query))]
    other.dispose()
    return found


def plain(engine: Engine) -> Surrounding:
    model = new_model()
    model.metadata.create_all(engine)
    app = served(sessionmaker(engine), model)
    return Surrounding(app, lambda id_: toggle(engine, id_), lambda _: ids(engine))


def view(engine: Engine) -> Surrounding:
    model = new_model()
    model.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE customers RENAME TO people")
        connection.exec_driver_sql("CREATE VIEW customers AS SELECT * FROM people WHERE id <> 4")
    app = served(sessionmaker(engine), model)
    return Surrounding(app, lambda id_: toggle(engine, id_, "people"), lambda _: ids(engine))


def by_holder(engine: Engine) -> Surrounding:
    model = new_model()
    model.metadata.create_all(engine)

    def scope(rows: Select[Any], holder: Holder) -> Select[Any]:
        return rows.where(model.id > 3) if holder.key == "a" else rows.where(model.id <= 3)

    app = served(sessionmaker(engine), model, scope=scope)
    shown = lambda key: [it for it in ids(engine) if (it > 3) == (key == "a")]  # noqa: E731
    return Surrounding(app, lambda id_: toggle(engine, id_), shown, ("a", "b"))


def limited(engine: Engine) -> Surrounding:
    model = new_model()
    model.metadata.create_all(engine)
    app = served(
        sessionmaker(engine), model, scope=lambda rows, _: rows.order_by(model.id.desc()).limit(4)
    )
    return Surrounding(app, lambda id_: toggle(engine, id_), lambda _: ids(engine)[-4:])


def joined(engine: Engine) -> Surrounding:
    """The rows that another table names, some of them twice."""
    model = new_model()

    grants = Table(
        "grants",
        model.metadata,
        Column("number", Integer, primary_key=True),
        Column("customer_id", ForeignKey("customers.id")),
    )
    model.metadata.create_all(engine)

    def scope(rows: Select[Any], _holder: Holder) -> Select[Any]:
        return rows.join(grants, grants.c.customer_id == model.id).distinct()

    def write(id_: int) -> None:
        other = create_engine(engine.url)
        with other.begin() as connection:
            find = text("SELECT id FROM customers WHERE id = :id")
            if connection.scalar(find, {"id": id_}) is None:
                values = {"id": id_, "email": f"c{id_}@example.org"}
                insert = "INSERT INTO customers (id, omnitron_id, email) VALUES (:id, 1, :email)"
                connection.execute(text(insert), values)
            gone = text("DELETE FROM grants WHERE customer_id = :id")
            if not connection.execute(gone, {"id": id_}).rowcount:
                grant = text("INSERT INTO grants (number, customer_id) VALUES (:n, :id)")
                connection.execute(grant, [{"n": 2 * id_ + i, "id": id_} for i in (0, 1)])
        other.dispose()

    app = served(sessionmaker(engine), model, scope=scope)
    distinct = "SELECT DISTINCT customer_id FROM grants ORDER BY 1"
    return Surrounding(app, write, lambda _: ids(engine, distinct))


def computed(engine: Engine) -> Surrounding:
    """A column that another table shows: a file's tag must know of that one too."""
    model = new_model()
    channel = model.metadata.tables["channels"]
    name = select(channel.c.name).where(channel.c.id == 1).scalar_subquery()
    model.metadata.create_all(engine)
    app = served(sessionmaker(engine), model, first_name=name)
    surrounding = Surrounding(app, lambda _: None, lambda _: ids(engine))

    def write(id_: int) -> None:
        toggle(engine, id_)
        other = create_engine(engine.url)
        with other.begin() as connection:
            connection.exec_driver_sql("DELETE FROM channels")
            add = text("INSERT INTO channels (id, name) VALUES (1, :name)")
            connection.execute(add, {"name": f"after {id_}"})
        other.dispose()
        assert {row["first_name"] for row in surrounding.get("", "a").json["results"]} <= {
            f"after {id_}"
        }

    surrounding.write = write
    return surrounding


def two_engines(engine: Engine) -> Surrounding:
    """The tenants have databases of their own, of which the request chooses one."""
    model = new_model()
    engines = {"a": engine, "b": create_engine(_beside(engine))}
    for each in engines.values():
        model.metadata.create_all(each)
    app = served(lambda: Session(engines[g.tenant]), model)
    toggle(engines["b"], 77)
    shown = lambda tenant: ids(engines[tenant])  # noqa: E731
    return Surrounding(app, lambda id_: toggle(engine, id_), shown, ("a", "b"), [engines["b"]])


def _beside(engine: Engine) -> Any:
    if engine.dialect.name == "sqlite":
        return f"{engine.url}-b"
    schema = engine.url.query["options"].rpartition("=")[2] + "_b"  # type: ignore[union-attr]
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
    return engine.url.update_query_dict({"options": f"-csearch_path={schema}"})


EVERYWHERE = (plain, view, by_holder, limited, joined, computed, two_engines)


def schema_map(engine: Engine) -> Surrounding:
    """The tenants have a schema each, and the engine is the same."""
    model = new_model()
    schema = f"{engine.url.query['options'].rpartition('=')[2]}_t"  # type: ignore[union-attr]
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
    tenant = engine.execution_options(schema_translate_map={None: schema})
    for each in (engine, tenant):
        model.metadata.create_all(each)
    app = served(lambda: Session(tenant if g.tenant == "b" else engine), model)
    toggle(engine, 77, f"{schema}.customers")
    every = f"SELECT id FROM {schema}.customers ORDER BY id"
    shown = lambda name: ids(engine, every) if name == "b" else ids(engine)  # noqa: E731
    return Surrounding(app, lambda id_: toggle(engine, id_), shown, ("a", "b"))


def statement_options(engine: Engine) -> Surrounding:
    """A scope sends its holders to another schema."""
    surrounding = schema_map(engine)
    model = new_model()
    schema = f"{engine.url.query['options'].rpartition('=')[2]}_t"  # type: ignore[union-attr]

    def scope(rows: Select[Any], holder: Holder) -> Select[Any]:
        to = {None: schema} if holder.key == "b" else {}
        return rows.execution_options(schema_translate_map=to) if to else rows

    surrounding.app = served(sessionmaker(engine), model, scope=scope)
    return surrounding


def search_path(engine: Engine) -> Surrounding:
    """A listener sets the search path as a connection is taken from the pool."""
    surrounding = schema_map(engine)
    own = engine.url.query["options"].rpartition("=")[2]  # type: ignore[union-attr]

    @event.listens_for(engine, "checkout")
    def _set(connection: Any, _record: object, _proxy: object) -> None:
        path = f"{own}_t" if g and g.get("tenant") == "b" else own
        cursor = connection.cursor()
        cursor.execute(f"SET search_path = {path}")
        connection.commit()

    surrounding.app = served(sessionmaker(engine), new_model())
    return surrounding


def row_level_security(engine: Engine) -> Surrounding:
    """A listener says who asks, by SET LOCAL, as each transaction begins."""
    model = new_model()
    model.metadata.create_all(engine)
    role = f"reader_{engine.url.query['options'].rpartition('=')[2]}"  # type: ignore[union-attr]
    schema = role.removeprefix("reader_")
    with engine.begin() as connection:
        for statement in (
            f"CREATE ROLE {role}",
            f"GRANT USAGE ON SCHEMA {schema} TO {role}",
            f"GRANT SELECT ON customers TO {role}",
            "ALTER TABLE customers ENABLE ROW LEVEL SECURITY",
            "CREATE POLICY own ON customers USING"
            " ((id > 3) = (current_setting('app.tenant', true) = 'a'))",
        ):
            connection.exec_driver_sql(statement)

    @event.listens_for(engine, "begin")
    def _say(connection: Any) -> None:
        connection.exec_driver_sql(f"SET LOCAL ROLE {role}")
        tenant = g.get("tenant", "") if g else ""
        connection.execute(text("SELECT set_config('app.tenant', :it, true)"), {"it": tenant})

    shown = lambda key: [it for it in ids(engine) if (it > 3) == (key == "a")]  # noqa: E731
    app = served(sessionmaker(engine), model)
    return Surrounding(app, lambda id_: toggle(engine, id_), shown, ("a", "b"))


def security_by_session(engine: Engine) -> Surrounding:
    """A listener says who asks, by SET, as a connection is taken from the pool."""
    surrounding = row_level_security(engine)
    role = f"reader_{engine.url.query['options'].rpartition('=')[2]}"  # type: ignore[union-attr]
    reader = create_engine(engine.url)

    @event.listens_for(reader, "checkout")
    def _say(connection: Any, _record: object, _proxy: object) -> None:
        connection.cursor().execute(f"SET ROLE {role}")
        tenant = g.get("tenant", "")
        connection.cursor().execute("SELECT set_config('app.tenant', %s, false)", (tenant,))

    surrounding.app = served(sessionmaker(reader), new_model())
    surrounding.engines = [reader]
    return surrounding


def inherited(engine: Engine) -> Surrounding:
    """Rows of a child table, which is written by its own name, are rows of its parent."""
    model = new_model()
    model.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE heirs () INHERITS (customers)")
        connection.exec_driver_sql("ALTER TABLE heirs ALTER created_date SET DEFAULT now()")
        connection.exec_driver_sql("ALTER TABLE heirs ALTER modified_date SET DEFAULT now()")
    app = served(sessionmaker(engine), model)
    return Surrounding(app, lambda id_: toggle(engine, id_, "heirs"), lambda _: ids(engine))


ON_POSTGRESQL = (
    schema_map, statement_options, search_path, row_level_security, security_by_session, inherited,
)  # fmt: skip


@pytest.fixture(autouse=True)
def _no_count_is_dear(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine any would be, and kept for a time though rows change."""
    monkeypatch.setattr(counts, "CHEAP_SECONDS", 60.0)


@contextmanager
def surrounding_of(build: Callable[[Engine], Surrounding], url: Any) -> Iterator[Surrounding]:
    engine = create_engine(url)
    surrounding = build(engine)
    yield surrounding
    for each in (engine, *surrounding.engines):
        each.dispose()


WRITES = st.lists(st.integers(1, 7) | st.none(), max_size=6)
FEW = settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def play(surrounding: Surrounding, writes: list[int | None]) -> None:
    for id_ in writes:
        if id_ is not None:
            surrounding.write(id_)
        for tenant in (*surrounding.tenants, surrounding.tenants[0]):
            surrounding.check(tenant)


def play_all(surrounding: Surrounding) -> None:
    @FEW
    @given(WRITES)
    def played(writes: list[int | None]) -> None:
        play(surrounding, writes)

    play(surrounding, [1, 2, 3, 4, 5, None])
    played()


@pytest.mark.parametrize("build", EVERYWHERE, ids=lambda it: it.__name__)
def test_what_is_remembered_is_what_is_counted_anew(
    build: Callable[[Engine], Surrounding], new_database: Callable[[], str]
) -> None:
    with surrounding_of(build, new_database()) as surrounding:
        play_all(surrounding)


@pytest.mark.parametrize("build", ON_POSTGRESQL, ids=lambda it: it.__name__)
def test_it_is_where_only_postgresql_has_it(
    build: Callable[[Engine], Surrounding], new_schema: Callable[[], URL]
) -> None:
    with surrounding_of(build, new_schema()) as surrounding:
        play_all(surrounding)


def test_the_clock_is_no_commit(new_database: Callable[[], str]) -> None:
    engine = create_engine(new_database())
    ends = mapped_column(DateTime(timezone=True))
    model = new_model(ends=ends)
    model.metadata.create_all(engine)
    soon = datetime.now(UTC) + timedelta(seconds=1.5)
    rows = [
        {"id": i, "omnitron_id": i, "email": "a@example.org", "ends": soon + timedelta(hours=i % 2)}
        for i in range(1, 7)
    ]
    with engine.begin() as connection:
        connection.execute(model.__table__.insert(), rows)
    now = func.now() if engine.dialect.name == "postgresql" else func.datetime("now")
    app = served(sessionmaker(engine), model, scope=lambda rows, _: rows.where(model.ends > now))
    surrounding = Surrounding(app, lambda _: None, lambda _: [*range(1, 7)])
    surrounding.check("a")
    time.sleep(max(0.0, (soon - datetime.now(UTC)).total_seconds()) + 1.1)
    surrounding.shown = lambda _: [1, 3, 5]
    surrounding.check("a")
    engine.dispose()


def test_an_attached_file_has_a_state_of_its_own(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/main.sqlite3")
    far = create_engine(f"sqlite:///{tmp_path}/far.sqlite3")
    new_model().metadata.create_all(far)

    @event.listens_for(engine, "connect")
    def _attach(connection: Any, _record: object) -> None:
        connection.execute(f"ATTACH '{tmp_path}/far.sqlite3' AS far")

    for model, bound in (
        (new_model("far"), engine),
        (new_model(), engine.execution_options(schema_translate_map={None: "far"})),
        (new_model(), engine),
    ):
        app = served(sessionmaker(bound), model)
        surrounding = Surrounding(app, lambda id_: toggle(far, id_), lambda _: ids(far))
        play(surrounding, [1, 2, None, 3, 1])
    engine.dispose()
    far.dispose()
