"""The standalone app's schema, as Alembic revisions that Flask-Migrate runs."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask, current_app

from ...tables.create import MigrationError

if TYPE_CHECKING:
    from flask_sqlalchemy import SQLAlchemy

FOLDER = Path(__file__).parent


def init_app(app: Flask, db: SQLAlchemy) -> None:
    """Let ``app``'s database be migrated: by ``flask db …`` too, where Flask-Migrate is there."""
    app.extensions["oms_upgrade"] = upgrade
    if find_spec("flask_migrate") is not None:
        from flask_migrate import Migrate

        Migrate(app, db, directory=str(FOLDER))


def upgrade() -> None:
    """Run the revisions that the current app's database lacks.

    :raises MigrationError: when that cannot be done.
    """
    if "migrate" not in current_app.extensions:
        raise MigrationError("Flask-Migrate is not installed: pip install 'omsflask[server]'.")
    from alembic import command
    from alembic.util import CommandError

    try:
        command.upgrade(current_app.extensions["migrate"].migrate.get_config(), "head")
    except CommandError as error:
        raise MigrationError(str(error)) from error
