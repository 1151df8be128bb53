"""``forget``: a customer erased, on request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
from flask.cli import with_appcontext
from marshmallow import ValidationError
from sqlalchemy import Row, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from .. import customers
from ..declarations.validation import plain_text, whole_number
from ..extension import current_oms
from ..sql.connections import session_on
from ..sql.database import Database
from ..tables.models import CustomerMixin
from .faults import sentence
from .letter_case import candidates, fold, may_be_same, skeleton

SERVICE = customers.list_simple


#: Remains of erased rows in a database.
KEPT = {
    "postgresql": (
        "PostgreSQL keeps the rows until VACUUM, samples of them in pg_stats until ANALYZE, and"
        " both in its WAL"
    ),
    "sqlite": (
        "SQLite keeps the rows in free pages until VACUUM, and in the -wal file until a checkpoint"
    ),
}

#: Copies that no command here can reach.
ELSEWHERE = "Replicas, backups, exported files and rejects of loads keep what they hold."


@click.command()
@click.argument("who", metavar="EMAIL|ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_appcontext
def forget(who: str, yes: bool) -> None:
    """Erase the customers with an e-mail address, in any letters' case, or an id.

    Each that was erased is printed as a line of JSON, which omsflask load reads.
    """
    oms = current_oms()
    customer = oms.model(CustomerMixin)
    database = Database.of(oms.session, customer)
    with database.connected() as connection, session_on(connection) as session:
        found, doubtful = _find(session, customer, who)
        session.rollback()  # Nothing is held while somebody thinks.
        if doubtful:
            _show(doubtful, "Not erased, for the letters I, İ, ı and i differ by language:")
        if not found:
            hint = " Give the id of one." if doubtful else ""
            raise click.ClickException(f"There is no customer {who}.{hint}")
        if not yes:
            _ask(found)
        erased = _erase(session, customer, [row.id for row in found])
    for row in erased:
        click.echo(_line(row))
    click.echo(f"Erased {_number(erased)}.", err=True)
    click.echo(f"{KEPT[database.dialect.name]}. {ELSEWHERE}", err=True)


def _find(session: Session, customer: type[Any], who: str) -> tuple[list[Any], list[Any]]:
    """Return the customers that ``who`` is, and those that it may be in some language."""
    statement = select(*_columns(customer)).order_by(customer.id)
    try:
        if "@" not in who:
            return [*session.execute(statement.where(customer.id == whole_number(who)))], []
        wanted = {skeleton(plain_text(who))}
        near = candidates(session.get_bind().dialect.name, customer.email, wanted)
        rows = session.execute(statement.where(near))
    except ValidationError:
        raise click.BadParameter(f"{who!r} is neither an e-mail address nor an id.") from None
    alike = [row for row in rows if may_be_same(row.email, who)]
    found = [row for row in alike if fold(row.email) == fold(who)]
    return found, [row for row in alike if row not in found]


def _show(rows: Sequence[Row[Any]], heading: str = "") -> None:
    for line in (*([heading] if heading else []), *map(_line, rows)):
        click.echo(line, err=True)


def _ask(found: Sequence[Row[Any]]) -> None:
    _show(found)
    click.confirm(f"Erase {_number(found)}?", abort=True, err=True)


def _erase(session: Session, customer: type[Any], ids: Sequence[int]) -> Sequence[Row[Any]]:
    statement = delete(customer).where(customer.id.in_(ids)).returning(*_columns(customer))
    try:
        erased = session.execute(statement, execution_options={"synchronize_session": False}).all()
        session.commit()
    except IntegrityError as error:
        raise click.ClickException(f"Other rows refer to them: {sentence(error)}.") from error
    return erased


def _columns(customer: type[Any]) -> list[Any]:
    return [getattr(customer, name) for name in SERVICE.attributes.values()]


def _line(row: Row[Any]) -> str:
    line: str = SERVICE.schema().dumps(row._mapping, ensure_ascii=False)
    return line


def _number(rows: Sequence[Row[Any]]) -> str:
    return "one customer" if len(rows) == 1 else f"{len(rows)} customers"
