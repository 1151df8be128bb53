"""The commands of any app with the extension: ``flask oms …``."""

from __future__ import annotations

from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy.exc import DBAPIError

from ..extension import NoExtension, NoModel, current_oms
from ..settings import SettingError
from ..sql.database import Database
from ..sql.dialects import UnservedDatabase
from ..tables.create import MigrationError, create_missing
from ..tables.tokens import TokenError
from .export import export
from .faults import sentence
from .forget import forget
from .load import load
from .token import token

#: Errors whose text is one sentence for whoever types a command.
ERRORS = (MigrationError, NoExtension, NoModel, SettingError, TokenError, UnservedDatabase)


class Commands(AppGroup):
    """Commands whose errors are one sentence."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except ERRORS as error:
            raise click.ClickException(str(error)) from error
        except DBAPIError as error:
            raise click.ClickException(
                f"The database did not answer: {sentence(error)}."
            ) from error


oms = Commands("oms", help="The list services of this app and the tokens that open them.")
for command in (export, forget, load, token):
    oms.add_command(command)


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
