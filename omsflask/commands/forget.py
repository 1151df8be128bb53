"""``forget``: a customer erased, on request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
from flask.cli import with_appcontext
from marshmallow import ValidationError
from sqlalchemy import Row, delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from .. import customers
from ..declarations.validation import plain_text, whole_number
from ..extension import current_oms
from ..sql.connections import bind_of
from ..tables.models import CustomerMixin

SERVICE = customers.list_simple


@click.command()
@click.argument("who", metavar="EMAIL|ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_appcontext
def forget(who: str, yes: bool) -> None:
    """Erase the customers with an e-mail address, in any case, or an id.

    Each that was erased is printed as a line of JSON, which omsflask load reads.
    """
    oms = current_oms()
    customer = oms.model(CustomerMixin)
    with Session(bind_of(oms.session, customer).engine) as session:
        statement = select(*_columns(customer)).where(_is(customer, who))
        found = session.execute(statement.order_by(customer.id)).all()
        session.rollback()  # Nothing is held while somebody thinks.
        if not found:
            raise click.ClickException(f"There is no customer {who}.")
        if not yes:
            _ask(found)
        erased = _erase(session, customer, [row.id for row in found])
    for row in erased:
        click.echo(_line(row))
    click.echo(f"Erased {_number(erased)}.", err=True)


def _is(customer: type[Any], who: str) -> ColumnElement[bool]:
    try:
        if "@" in who:
            email: ColumnElement[bool] = func.lower(customer.email) == func.lower(plain_text(who))
            return email
        number: ColumnElement[bool] = customer.id == whole_number(who)
        return number
    except ValidationError:
        raise click.BadParameter(f"{who!r} is neither an e-mail address nor an id.") from None


def _ask(found: Sequence[Row[Any]]) -> None:
    for row in found:
        click.echo(_line(row), err=True)
    click.confirm(f"Erase {_number(found)}?", abort=True, err=True)


def _erase(session: Session, customer: type[Any], ids: Sequence[int]) -> Sequence[Row[Any]]:
    statement = delete(customer).where(customer.id.in_(ids)).returning(*_columns(customer))
    try:
        erased = session.execute(statement, execution_options={"synchronize_session": False}).all()
        session.commit()
    except IntegrityError as error:
        raise click.ClickException(f"Other rows refer to them: {error.orig}") from error
    return erased


def _columns(customer: type[Any]) -> list[Any]:
    return [getattr(customer, name) for name in SERVICE.attributes.values()]


def _line(row: Row[Any]) -> str:
    line: str = SERVICE.schema().dumps(row._mapping, ensure_ascii=False)
    return line


def _number(rows: Sequence[Row[Any]]) -> str:
    return "one customer" if len(rows) == 1 else f"{len(rows)} customers"
