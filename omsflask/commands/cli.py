"""The commands of any app with the extension: ``flask oms …``."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy.exc import DBAPIError

from ..declarations.fields import format_utc, parse_utc
from ..extension import NoExtension, NoModel, current_oms
from ..settings import SettingError
from ..sql.connections import Database
from ..tables.create import MigrationError, create_missing
from ..tables.models import utc_now
from ..tables.tokens import TokenError, Tokens
from .export import export
from .faults import sentence
from .forget import forget
from .load import load


class Commands(AppGroup):
    """Commands whose errors are one sentence."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (MigrationError, NoExtension, NoModel, SettingError, TokenError) as error:
            raise click.ClickException(str(error)) from error
        except DBAPIError as error:
            raise click.ClickException(
                f"The database did not answer: {sentence(error)}."
            ) from error


oms = Commands("oms", help="The list services of this app and the tokens that open them.")
for command in (export, forget, load):
    oms.add_command(command)


class Moment(click.ParamType[datetime]):
    """``90d`` from now, or a date."""

    name = "90d|2027-01-31"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Return the moment, in UTC."""
        try:
            days = re.fullmatch(r"([0-9]{1,5})d", value)
            moment = utc_now() + timedelta(days=int(days[1])) if days else parse_utc(value)
        except (OverflowError, ValueError):
            self.fail(f"{value!r} is neither a number of days, 90d, nor a date, 2027-01-31.")
        if moment <= utc_now():
            self.fail(f"{value!r} is over already.")
        return moment


@oms.command()
def init_db() -> None:
    """Create missing tables. In the standalone app, also update them.

    Example: omsflask init-db
    """
    if "oms_upgrade" in current_app.extensions:
        current_app.extensions["oms_upgrade"]()
        click.echo("The database is up to date.", err=True)
        return
    created = create_tables()
    click.echo(f"Created {', '.join(created)}." if created else "Nothing was missing.", err=True)


def create_tables() -> list[str]:
    """Create what is missing of the tables that the app's lists and tokens are in."""
    oms = current_oms()
    models = [listing.model for listing in oms.listings]
    models += [oms.tokens.model] if oms.verify_token is None else []
    database = Database.of(oms.session, models[0])
    return create_missing(database, [model.__table__ for model in models])


@oms.group()
def token() -> None:
    """Issue, list and revoke tokens.

    Example: omsflask token create warehouse --expires 90d
    """


@token.command()
@click.argument("name")
@click.option("--expires", type=Moment(), help="Number of days, or a date in UTC.")
def create(name: str, expires: datetime | None) -> None:
    """Issue a token for NAME and print its key. The key is not shown again.

    Example: omsflask token create warehouse --expires 90d
    """
    click.echo(_tokens().issue(name, expires))


@token.command("list")
def list_() -> None:
    """List all tokens, without their keys.

    Example: omsflask token list
    """
    columns = ("name", "prefix", "created_at", "expires_at", "revoked_at", "last_used_at")
    rows = [columns, *(tuple(_cell(getattr(row, it)) for it in columns) for row in _tokens().all())]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        line = "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))
        click.echo(line.rstrip())


@token.command()
@click.argument("name_or_prefix")
def revoke(name_or_prefix: str) -> None:
    """Revoke the token with this name, or with this beginning of its key.

    Example: omsflask token revoke warehouse
    """
    for name in _tokens().revoke(name_or_prefix):
        click.echo(f"Revoked {name}.", err=True)


def _tokens() -> Tokens:
    oms = current_oms()
    if oms.verify_token is not None:
        raise click.ClickException("This app verifies tokens by itself (verify_token=…).")
    return oms.tokens


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{format_utc(value)[:19]}Z" if isinstance(value, datetime) else str(value)
