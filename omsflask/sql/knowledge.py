"""Knowledge: whether an answer that was read before still holds.

Counts, bookmarks and the tags of files are remembered. Each is believed only on evidence:

- its :func:`key <values_key>` names everything that it depended on: the database and its options,
  the statement, the values as the driver gets them;
- its :class:`state` is that of the database that holds its rows, and changes with every commit;
- its statement reads nothing but columns of :class:`ordinary` tables, whose rows no one but a
  commit can change. A function, a view, a foreign table or row-level security may show other rows
  at any time.

Without evidence nothing is remembered: the rows are counted anew, and the file has no tag.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Hashable, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

import orjson
from marshmallow import fields
from sqlalchemy import BindParameter, Boolean, Connection, Dialect, String, Table
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import functions, operators, visitors
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from ..declarations.cells import Cell
from ..declarations.expressions import iso8601, iso_text, lenient, plain
from ..declarations.lookups import ascii_lower
from ..declarations.sql_types import SQLType
from .database import Database
from .dialects import JSON_SINCE
from .names import PREFIX
from .ordering import unindexed

# A replica's snapshots do not list the transactions that are still running between their ends. In
# a subquery the text is made once, and not for each row, as SQLite's is too. A restored server may
# come by an old snapshot again, but it was started anew.
POSTGRESQL_STATE = """(SELECT concat(
    pg_current_snapshot(),
    CASE WHEN pg_is_in_recovery()
        AND pg_snapshot_xmin(pg_current_snapshot()) <> pg_snapshot_xmax(pg_current_snapshot())
    THEN clock_timestamp() END,
    '|', extract(epoch FROM pg_postmaster_start_time()), '|', current_database(),
    '|', current_user, '|', current_setting('search_path'), '|', current_setting('TimeZone')))"""
SQLITE_STATE = """(SELECT data_version || '-' || total_changes() || '-' ||
    (SELECT ifnull(max(rowid), 0) FROM sqlite_temp_master) FROM pragma_data_version)"""

POSTGRESQL_ORDINARY = """(WITH RECURSIVE tree AS (
        SELECT CAST(to_regclass(name) AS oid) AS oid
        FROM json_array_elements_text(CAST({names} AS json)) AS name
        UNION SELECT inhrelid FROM pg_inherits JOIN tree ON inhparent = oid)
    SELECT bool_and(coalesce(
        relkind IN ('r', 'p') AND relpersistence <> 't' AND NOT relrowsecurity, false))
    FROM tree LEFT JOIN pg_class USING (oid))"""
SQLITE_ORDINARY = """(WITH named AS (SELECT DISTINCT lower(value) AS name FROM json_each({names}))
    SELECT (SELECT count(*) FROM named) = count(*)
        AND NOT EXISTS (SELECT 1 FROM sqlite_temp_master WHERE lower(name) IN named)
    FROM sqlite_master
    WHERE type = 'table' AND lower(name) IN named AND sql NOT LIKE 'CREATE VIRTUAL%')"""


class state(GenericFunction[str]):  # noqa: N801
    """SQL for a text that stays the same, for a connection, only while nobody has committed."""

    type = String()
    inherit_cache = True


@compiles(state, "postgresql")
def _state_on_postgresql(_element: state, _compiler: SQLCompiler, **_: Any) -> str:
    return POSTGRESQL_STATE


@compiles(state, "sqlite")
def _state_on_sqlite(_element: state, _compiler: SQLCompiler, **_: Any) -> str:
    return SQLITE_STATE


def session_of(state: str) -> str:
    """Return the part of a :class:`state` that tells sessions apart, and no commit changes."""
    return state.partition("|")[2]


class ordinary(GenericFunction[bool]):  # noqa: N801
    """SQL for whether relations are all ordinary tables, partitioned ones among them.

    The argument is a JSON array of their names.
    """

    type = Boolean()
    inherit_cache = True


@compiles(ordinary, "postgresql")
def _ordinary_on_postgresql(element: ordinary, compiler: SQLCompiler, **options: Any) -> str:
    return POSTGRESQL_ORDINARY.format(names=compiler.process(element.clauses, **options))


@compiles(ordinary, "sqlite")
def _ordinary_on_sqlite(element: ordinary, compiler: SQLCompiler, **options: Any) -> str:
    return SQLITE_ORDINARY.format(names=compiler.process(element.clauses, **options))


def names_of(database: Database, tables: Iterable[Table]) -> str | None:
    """Return the argument of :class:`ordinary`; none where a table is of another database.

    A file that SQLite has attached has a state of its own.
    """
    if database.is_postgresql:
        return orjson.dumps([database.relation(it) for it in tables]).decode()
    driver: Any = database.dialect
    if driver.loaded_dbapi.sqlite_version_info < JSON_SINCE:
        return None
    if any(database.schema_of(it) not in (None, "main") for it in tables):
        return None
    return orjson.dumps([str(it.name) for it in tables]).decode()


_numbers = count(1)
_processes: dict[int, str] = {}


def origin(database: Database, connection: Connection) -> str:
    """Return whose :class:`state` it is that ``connection`` sees, which ``database`` gave.

    On PostgreSQL all connections see the same one. On SQLite each has its own, and a process that
    was forked has none of its parent's.
    """
    if database.is_postgresql:
        return ""
    process = _processes.setdefault(os.getpid(), secrets.token_hex(8))
    number = connection.info.setdefault("oms_number", next(_numbers))
    return f"{process}-{number}"


#: Parts of a statement whose rows change only by a commit, by SQLAlchemy's names.
KNOWN = frozenset(
    {
        "alias", "binary", "bindparam", "clauselist", "column", "expression_clauselist", "false",
        "grouping", "join", "label", "label_reference", "null", "scalar_select",
        "select", "select_statement_grouping", "subquery", "table", "true", "tuple", "unary",
    }
)  # fmt: skip

#: Parts of a SELECT that are text, or keep any of several rows.
UNKNOWN = ("_distinct_on", "_prefixes", "_suffixes", "_hints", "_statement_hints")

#: Functions that say the same of the same values.
KNOWN_FUNCTIONS = (functions.count, ascii_lower, iso8601, iso_text, lenient, plain, unindexed)

KNOWN_OPERATORS = frozenset(
    {
        None, operators.and_, operators.or_, operators.inv, operators.eq, operators.ne,
        operators.lt, operators.le, operators.gt, operators.ge, operators.is_, operators.is_not,
        operators.in_op, operators.not_in_op, operators.between_op, operators.not_between_op,
        operators.like_op, operators.not_like_op, operators.ilike_op, operators.not_ilike_op,
        operators.exists, operators.asc_op, operators.desc_op, operators.nulls_first_op,
        operators.nulls_last_op, operators.comma_op, operators.add, operators.sub,
        operators.mul, operators.neg, operators.concat_op,
    }
)  # fmt: skip


def tables_of(statement: Any) -> list[Table] | None:
    """Return the tables that a statement reads; none where it reads anything else besides."""
    tables: dict[Table, None] = {}
    for node in visitors.iterate(statement):
        if not _is_known(node):
            return None
        if isinstance(node, Table):
            tables[node] = None
        elif isinstance(table := getattr(node, "table", None), Table):
            tables[table] = None
    return list(tables)


def _is_known(node: Any) -> bool:
    if isinstance(node, functions.FunctionElement):
        return isinstance(node, KNOWN_FUNCTIONS)
    name = node.__visit_name__
    if name not in KNOWN or not type(node).__module__.startswith("sqlalchemy."):
        return False
    if name == "table":
        return isinstance(node, Table)
    if any(getattr(node, attribute, ()) for attribute in UNKNOWN):
        return False
    if name == "column":
        if node.is_literal:
            return str(node.name) == "*"
        return node.table is not None and _is_plain(node.type)
    if name == "bindparam":
        # The number of a LIMIT is of another class: which rows it takes may not be said.
        return type(node) is BindParameter and node.callable is None and _is_plain(node.type)
    return {getattr(node, "operator", None), getattr(node, "modifier", None)} <= KNOWN_OPERATORS


def _is_plain(kind: Any) -> bool:
    """Whether a type puts no SQL of its own around a column or a value."""
    return not (kind._has_bind_expression or kind._has_column_expression)


#: The types of values that a driver sends as they are, and that equal only where they are the same.
SENT = frozenset(
    {
        type(None), bool, int, float, str, bytes, Decimal, date, datetime, time, timedelta, UUID,
    }
)  # fmt: skip


def as_sent(value: Any, kind: SQLType, dialect: Dialect) -> Hashable:
    """Return a bound value as the driver gets it.

    :raises TypeError: where two values that differ might be equal.
    """
    if isinstance(value, list | tuple):
        return tuple(as_sent(it, kind, dialect) for it in value)
    process = kind.dialect_impl(dialect).bind_processor(dialect)
    sent = process(value) if process else value
    if type(sent) not in SENT:
        raise TypeError(f"{type(sent).__name__} is no value to tell selections apart by")
    return type(sent), sent


def values_key(values: Mapping[str, tuple[Any, SQLType]], dialect: Dialect) -> Hashable:
    """Return what tells values from others.

    :param values: each with its SQL type, by the name of the parameter.
    :raises TypeError: where that cannot be known.
    """
    return tuple([(name, as_sent(*values[name], dialect)) for name in sorted(values)])


def text_and_values(statement: Any, dialect: Dialect) -> tuple[str, Hashable]:
    """Return what tells a statement from others: its text, and its values as the driver gets them.

    :raises TypeError: where values cannot be told apart.
    """
    compiled: Any = statement.compile(dialect=dialect)
    bounds = {name: (compiled.params[name], it.type) for it, name in compiled.bind_names.items()}
    # Each process has a prefix of its own, which no other name begins with.
    named = {name.replace(PREFIX, "\0"): bound for name, bound in bounds.items()}
    return str(compiled).replace(PREFIX, "\0"), values_key(named, dialect)


def is_pure(cell: Cell) -> bool:
    """Whether a cell shows the same whenever its value is the same: a host's own field may not."""
    module = type(cell.field).__module__
    return cell.convert is None or (
        module.startswith(("marshmallow.", "omsflask."))
        and not isinstance(cell.field, fields.Function | fields.Method)
    )
