"""What may be believed: of which statements, of which relations, of which databases."""

import multiprocessing
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import (
    URL,
    Column,
    DateTime,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    TypeDecorator,
    bindparam,
    column,
    create_engine,
    event,
    func,
    literal_column,
    select,
    table,
    text,
    tuple_,
)
from sqlalchemy.pool import StaticPool

from omsflask.sql.database import Database
from omsflask.sql.knowledge import (
    as_sent,
    names_of,
    ordinary,
    origin,
    session_of,
    state,
    tables_of,
    text_and_values,
)
from omsflask.standalone.app import Customer


class Upper(TypeDecorator[str]):
    """A type that puts SQL of its own around a value."""

    impl = String
    cache_ok = True

    def bind_expression(self, bindparam: Any) -> Any:
        return func.upper(bindparam)


class Hidden:
    """A holder whose repr and equality hide what tells it from others."""

    def __repr__(self) -> str:
        return "a holder"

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


people = Table(
    "people",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("name", String),
    Column("code", Upper),
    Column("ends", DateTime),
)
other = Table("others", MetaData(), Column("id", Integer, primary_key=True))
rows = select(people.c.id)


@pytest.mark.parametrize(
    ("statement", "tables"),
    [
        (rows, [people]),
        (select(func.count()).select_from(people), [people]),
        (rows.where(people.c.name == "Ali", people.c.id.in_([1, 2])), [people]),
        (rows.where((people.c.name == "Ali") | ~(people.c.id > 1)), [people]),
        (rows.where(people.c.id.between(1, 2), people.c.name.is_(None)), [people]),
        (rows.where(tuple_(people.c.id, people.c.name) > tuple_(1, "A")), [people]),
        (
            rows.where(people.c.name.like("A%")).order_by(people.c.name.desc().nulls_last()),
            [people],
        ),
        (select(rows.subquery().c.id), [people]),
        (rows.join(other, other.c.id == people.c.id), [people, other]),
        (rows.where(people.c.id.in_(select(other.c.id))), [people, other]),
        (rows.where(select(other.c.id).where(other.c.id == people.c.id).exists()), [people, other]),
    ],
)
def test_statements_of_columns_values_and_comparisons_are_known(
    statement: Any, tables: list[Table]
) -> None:
    assert set(tables_of(statement) or ()) == set(tables)


@pytest.mark.parametrize(
    "statement",
    [
        rows.where(people.c.ends > func.now()),
        rows.where(func.lower(people.c.name) == "ali"),
        rows.where(text("true")),
        rows.where(literal_column("id") > 1),
        rows.where(people.c.name.op("~")("A")),
        rows.where(people.c.code == "A"),
        rows.where(people.c.id == bindparam("x", callable_=lambda: 1)),
        rows.limit(5),
        select(column("id")).select_from(table("people", column("id"))),
        select(func.generate_series(1, 2).table_valued("x").c.x),
        rows.select_from(people.tablesample(50)),
        rows.union(rows),
        select(rows.cte().c.id),
        rows.add_columns(func.random()),
        rows.prefix_with("ALL"),
    ],
)
def test_any_other_statement_is_not(statement: Any) -> None:
    assert tables_of(statement) is None


def test_values_are_told_apart_as_the_driver_gets_them() -> None:
    dialect = create_engine("sqlite://").dialect
    values = [1, True, 1.0, Decimal(1), "1", b"1", None, uuid4(), datetime.now(UTC)]
    assert len({as_sent(value, Integer(), dialect) for value in values[:4]}) == 4
    with pytest.raises(TypeError):
        as_sent(Hidden(), Integer(), dialect)
    one, two = (rows.where(people.c.id == value) for value in (1, 2))
    assert text_and_values(one, dialect)[0] == text_and_values(two, dialect)[0]
    assert text_and_values(one, dialect) != text_and_values(two, dialect)
    with pytest.raises(TypeError):
        text_and_values(rows.where(people.c.id == Hidden()), dialect)


@pytest.fixture
def postgresql(new_schema: Callable[[], URL]) -> Iterator[Engine]:
    engine = create_engine(new_schema())
    with engine.begin() as connection:
        for statement in POSTGRESQL:
            connection.exec_driver_sql(statement)
    yield engine
    with engine.begin() as connection:  # It lies in no schema, as the others do.
        connection.exec_driver_sql("DROP FOREIGN DATA WRAPPER far CASCADE")
    engine.dispose()


POSTGRESQL = (
    "CREATE TABLE plain (id int)",
    "CREATE TABLE parent (id int) PARTITION BY RANGE (id)",
    "CREATE TABLE child PARTITION OF parent FOR VALUES FROM (0) TO (9)",
    "CREATE VIEW seen AS SELECT * FROM plain",
    "CREATE MATERIALIZED VIEW kept AS SELECT * FROM plain",
    "CREATE TABLE guarded (id int)",
    "ALTER TABLE guarded ENABLE ROW LEVEL SECURITY",
    "CREATE FOREIGN DATA WRAPPER far",
    "CREATE SERVER far FOREIGN DATA WRAPPER far",
    "CREATE FOREIGN TABLE far (id int) SERVER far",
    "CREATE TABLE mixed (id int) PARTITION BY RANGE (id)",
    "CREATE FOREIGN TABLE part PARTITION OF mixed FOR VALUES FROM (0) TO (9) SERVER far",
    "CREATE TABLE elder (id int)",
    "CREATE FOREIGN TABLE heir (id int) INHERITS (elder) SERVER far",
    'CREATE TABLE "It\'s" (id int)',
)


def are_ordinary(engine: Engine, *names: str) -> bool:
    database = Database(engine)
    tables = [Table(name, MetaData(), Column("id", Integer)) for name in names]
    with database.reading() as connection:
        named = {"names": names_of(database, tables)}
        return bool(connection.scalar(select(ordinary(bindparam("names"))), named))


def test_relations_of_postgresql(postgresql: Engine) -> None:
    with postgresql.begin() as connection:
        connection.exec_driver_sql("CREATE TEMP TABLE passing (id int)")
    for name in ("plain", "parent", "child", "It's"):
        assert are_ordinary(postgresql, name), name
    assert are_ordinary(postgresql, "plain", "parent")
    for name in ("seen", "kept", "guarded", "far", "mixed", "elder", "passing", "missing"):
        assert not are_ordinary(postgresql, name), name
        assert not are_ordinary(postgresql, "plain", name), name


def test_relations_of_sqlite(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/x.sqlite3", poolclass=StaticPool)
    with engine.begin() as connection:
        for statement in (
            "CREATE TABLE plain (id)",
            "CREATE TABLE Upper (id)",
            "CREATE VIEW seen AS SELECT * FROM plain",
            "CREATE VIRTUAL TABLE words USING fts5(id)",
            "CREATE TABLE shadowed (id)",
            "CREATE TEMP VIEW shadowed AS SELECT * FROM plain",
            f"ATTACH '{tmp_path}/y.sqlite3' AS far",
            "CREATE TABLE far.beyond (id)",
        ):
            connection.exec_driver_sql(statement)
    assert are_ordinary(engine, "plain")
    assert are_ordinary(engine, "plain", "upper")
    for name in ("seen", "words", "shadowed", "beyond", "missing"):
        assert not are_ordinary(engine, name), name
    beyond = Table("beyond", MetaData(), Column("id", Integer), schema="far")
    assert names_of(Database(engine), [beyond]) is None
    moved = Database(engine.execution_options(schema_translate_map={None: "far"}))
    assert names_of(moved, [Table("plain", MetaData())]) is None
    engine.dispose()


def test_a_state_tells_roles_and_search_paths_apart(postgresql: Engine) -> None:
    with postgresql.connect() as connection:
        first = connection.scalar(select(state()))
        assert connection.scalar(select(state())) == first
        connection.exec_driver_sql("SET search_path = pg_catalog")
        second = connection.scalar(select(state()))
    assert first is not None
    assert second is not None
    assert session_of(first) != session_of(second)
    assert first.partition("|")[0] == second.partition("|")[0]


def _origin(url: str, results: Any) -> None:
    database = Database(create_engine(url))
    with database.reading() as connection:
        results.put(origin(database, connection))


def test_a_process_that_was_forked_has_no_state_of_its_parent(tmp_path: Path) -> None:
    """As with gunicorn --preload: the connections' numbers go on from the parent's."""
    database = Database(create_engine(f"sqlite:///{tmp_path}/x.sqlite3"))
    with database.reading() as connection:
        origin(database, connection)
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    url = f"sqlite:///{tmp_path}/x.sqlite3"
    for _ in range(2):
        process = context.Process(target=_origin, args=(url, results))
        process.start()
        process.join()
    assert len({results.get(), results.get()}) == 2
    database.bind.engine.dispose()


def test_a_database_is_known_by_its_engine_and_options(tmp_path: Path) -> None:
    engine, second = (create_engine(f"sqlite:///{tmp_path}/x.sqlite3") for _ in range(2))
    a, b = (engine.execution_options(schema_translate_map={None: name}) for name in ("a", "b"))
    keys = {Database(it).key for it in (engine, second, a, b)}
    assert len(keys) == 4
    assert Database(a).key == Database(engine, {"schema_translate_map": {None: "a"}}).key
    assert Database(engine.execution_options(tenant=Hidden())).key is None
    with engine.connect() as connection:
        assert Database(connection).key is None
    event.listen(second, "begin", lambda _: None)
    assert Database(second).key is None
    engine.dispose()


def test_a_database_is_not_known_where_a_listener_changes_statements() -> None:
    watched, changed = create_engine("sqlite://"), create_engine("sqlite://")
    for engine in (watched, changed):
        engine.pool = StaticPool(lambda: None)  # type: ignore[assignment, arg-type, return-value]
    event.listen(watched, "before_cursor_execute", lambda *_: None)
    event.listen(changed, "before_cursor_execute", lambda *args: args[2:4], retval=True)
    assert Database(watched).key is not None
    assert Database(changed).key is None


def test_a_name_is_that_of_the_schema_map() -> None:
    engine = create_engine("postgresql+psycopg://", module=None)
    table_ = Table("people", MetaData())
    in_crm = Table("people", MetaData(), schema="crm")
    database = Database(engine.execution_options(schema_translate_map={None: "Ten ant"}))
    assert database.relation(table_) == '"Ten ant".people'
    assert database.relation(in_crm) == "crm.people"
    assert database.relation(in_crm, {"schema_translate_map": {"crm": "b"}}) == "b.people"
    assert Database(engine).relation(Customer.__table__) == "customers"  # type: ignore[arg-type]
