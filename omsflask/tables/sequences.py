"""PostgreSQL's sequences, which know nothing of keys that were given."""

from __future__ import annotations

from sqlalchemy import Connection, Table, text


def advance(connection: Connection, table: Table) -> None:
    """Let the next key that the database gives come after all that ``table`` has.

    SQLite's keys do so by themselves.
    """
    if connection.dialect.name != "postgresql":
        return
    preparer = connection.dialect.identifier_preparer
    [key] = table.primary_key.columns
    names = {"table": preparer.format_table(table), "key": key.name}
    find = text("SELECT pg_get_serial_sequence(:table, :key)")
    if sequence := connection.scalar(find, names):
        connection.exec_driver_sql(
            "SELECT setval(%(sequence)s, given.last)"  # noqa: S608
            f" FROM (SELECT max({preparer.format_column(key)}) AS last FROM {names['table']})"
            f" AS given, {sequence} AS taken WHERE given.last >= taken.last_value",
            {"sequence": sequence},
        )
