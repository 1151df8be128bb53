"""Triggers that stamp what is changed by hand in SQL, as :class:`omsflask.CustomerMixin` does.

A table that is created from the mixin has its own. In a migration::

    triggers.create(op.get_bind(), op.create_table("customers", …))

The trigger stamps a row that an UPDATE changes without its date. The UPDATE holds its lock by then.
A date that an UPDATE sets stays as given, so that loads keep their dates. On SQLite dates are text,
and the trigger writes them as SQLAlchemy does.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Table, event
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Mapper
from sqlalchemy.schema import ExecutableDDLElement
from sqlalchemy.sql.compiler import DDLCompiler

from .models import CustomerMixin, clock

POSTGRESQL_FUNCTION = """
CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.{column} := {clock};
    RETURN NEW;
END
$$"""

# Rows are compared as they are stored (*<>): not every type has an equality, json has none.
POSTGRESQL_TRIGGER = """
CREATE TRIGGER {bare_name} BEFORE UPDATE ON {table} FOR EACH ROW
WHEN (NEW.{column} IS NOT DISTINCT FROM OLD.{column} AND NEW *<> OLD)
EXECUTE FUNCTION {name}()"""

# The update within changes the date or nothing, and so is no cause of another.
SQLITE_TRIGGER = """
CREATE TRIGGER {name} AFTER UPDATE ON {bare_table} FOR EACH ROW
WHEN NEW.{column} IS OLD.{column} AND ({new}) IS NOT ({old})
BEGIN
    UPDATE {bare_table} SET {column} = {clock} WHERE ({key}) = ({new_key});
END"""

# Dates are compared as text. strftime() knows all forms of ISO 8601, to the millisecond.
SQLITE_INSERTED = """
CREATE TRIGGER {inserted} AFTER INSERT ON {bare_table} FOR EACH ROW
WHEN NEW.{column} NOT GLOB '????-??-?? ??:??:??.??????' AND strftime('%s', NEW.{column}) NOT NULL
BEGIN
    UPDATE {bare_table} SET {column} = strftime('%Y-%m-%d %H:%M:%f000', NEW.{column})
    WHERE ({key}) = ({new_key});
END"""
SQLITE_UPDATED = SQLITE_INSERTED.replace(
    "{inserted} AFTER INSERT", "{updated} AFTER UPDATE OF {column}"
)

DROP_FUNCTION = "DROP FUNCTION IF EXISTS {name}()"
DROP_TRIGGERS = {
    "postgresql": ("DROP TRIGGER IF EXISTS {bare_name} ON {table}",),
    "sqlite": tuple(
        f"DROP TRIGGER IF EXISTS {{{name}}}" for name in ("name", "inserted", "updated")
    ),
}
CREATE = {
    "postgresql": (*DROP_TRIGGERS["postgresql"], POSTGRESQL_FUNCTION, POSTGRESQL_TRIGGER),
    "sqlite": (*DROP_TRIGGERS["sqlite"], SQLITE_TRIGGER, SQLITE_INSERTED, SQLITE_UPDATED),
}
DROP = {
    "postgresql": (*DROP_TRIGGERS["postgresql"], DROP_FUNCTION),
    "sqlite": DROP_TRIGGERS["sqlite"],
}

#: Statements after a table was dropped; its triggers are dropped with it.
LEFT = {"postgresql": (DROP_FUNCTION,), "sqlite": ()}


def create(connection: Connection, table: Table, column: str = "modified_date") -> None:
    """Create a table's trigger, or replace it: on SQLite it knows the other columns by name.

    :param column: the name of the one that is stamped.
    """
    _execute(connection, CREATE[connection.dialect.name], table, column)


def drop(connection: Connection, table: Table, column: str = "modified_date") -> None:
    """Drop a table's trigger."""
    _execute(connection, DROP[connection.dialect.name], table, column)


@event.listens_for(CustomerMixin, "after_mapper_constructed", propagate=True)
def _follow(mapper: Mapper[Any], _class: type[Any]) -> None:
    """Create the trigger with the table of a host's model, and let nothing of it survive that."""
    table = mapper.local_table
    if mapper.inherits is not None or not isinstance(table, Table):
        return
    column = mapper.columns["modified_date"].name

    def created(table: Table, connection: Connection, **_: Any) -> None:
        create(connection, table, column)

    def dropped(table: Table, connection: Connection, **_: Any) -> None:
        _execute(connection, LEFT[connection.dialect.name], table, column)

    event.listen(table, "after_create", created)
    event.listen(table, "after_drop", dropped)


class _Statement(ExecutableDDLElement):
    def __init__(self, text: str, table: Table, column: str) -> None:
        self.text = text
        self.table = table
        self.column = column


def _execute(connection: Connection, texts: Iterable[str], table: Table, column: str) -> None:
    for text in texts:
        connection.execute(_Statement(text.lstrip(), table, column))


@compiles(_Statement)
def _compiled(statement: _Statement, compiler: DDLCompiler, **_: Any) -> str:
    table, preparer = statement.table, compiler.preparer
    schema = preparer.schema_for_object(table)
    in_schema = [preparer.quote_schema(schema)] if schema else []
    name, inserted, updated = (
        ".".join([*in_schema, preparer.quote(f"{table.name}_{it}")])
        for it in ("stamp", "inserted", "updated")
    )
    columns = [preparer.format_column(column) for column in table.columns]
    key = [preparer.format_column(column) for column in table.primary_key]
    return statement.text.format(
        table=preparer.format_table(table),
        bare_table=preparer.quote(table.name),
        name=name,
        bare_name=preparer.quote(f"{table.name}_stamp"),
        inserted=inserted,
        updated=updated,
        column=preparer.quote(statement.column),
        clock=clock().compile(dialect=compiler.dialect),
        new=", ".join(f"NEW.{column}" for column in columns),
        old=", ".join(f"OLD.{column}" for column in columns),
        key=", ".join(key),
        new_key=", ".join(f"NEW.{column}" for column in key),
    )
