"""Alembic's entry: it runs the revisions in the database of the current app."""

from typing import Any

import click
from alembic import context
from alembic.runtime.migration import MigrationInfo
from flask import current_app
from sqlalchemy import NullPool, create_engine

from omsflask.sql.database import Database
from omsflask.tables.create import alone

db = current_app.extensions["migrate"].db


def tell(step: MigrationInfo, **_: Any) -> None:
    """Say what was done."""
    verb = "Upgraded" if step.is_upgrade else "Downgraded"
    (revision,) = step.destination_revision_ids or ("nothing",)
    click.echo(f"{verb} to {revision}.", err=True)


OPTIONS: dict[str, Any] = {
    "target_metadata": db.metadata,
    "compare_type": True,
    "compare_server_default": True,
    "render_as_batch": True,
    "on_version_apply": tell,
}

if context.is_offline_mode():
    context.configure(url=db.engine.url, literal_binds=True, **OPTIONS)
    with context.begin_transaction():
        context.run_migrations()
else:
    # The app's engine has timeouts for requests, and a migration has none.
    engine = create_engine(db.engine.url, poolclass=NullPool)
    with alone(Database(engine)) as connection:
        context.configure(connection=connection, **OPTIONS)
        context.run_migrations()
        if engine.dialect.name == "sqlite":
            # PostgreSQL looks by itself at how unlike the values of a column are.
            connection.exec_driver_sql("PRAGMA analysis_limit = 100000")
            connection.exec_driver_sql("ANALYZE")
