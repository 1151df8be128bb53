"""The commands of the standalone app: ``omsflask …``, or ``python -m omsflask``."""

from __future__ import annotations

import importlib.util
import os
import socket
import sys
from collections import deque
from collections.abc import Sequence

import click
from flask.cli import ScriptInfo
from sqlalchemy import Table, func, select

from .commands.cli import Commands, oms
from .commands.progress import bar_of
from .standalone import migrations
from .standalone.app import Customer, Token, create_app, db
from .standalone.engine import WITHOUT_TIMEOUTS
from .standalone.make_customers import make
from .standalone.sample_data import published
from .tables.tokens import Tokens

DEMO_CUSTOMERS = 109

CUSTOMERS: Table = Customer.__table__

APP = "omsflask.standalone.app:create_app()"

GUNICORN = (sys.executable, "-m", "gunicorn", "-c", "python:omsflask.standalone.gunicorn_conf")

omsflask = Commands("omsflask", help="An order management system's customers, served.")
click.version_option(package_name="omsflask")(omsflask)
for command in oms.commands.values():
    omsflask.add_command(command)
if importlib.util.find_spec("flask_migrate") is not None:
    from flask_migrate.cli import db as migrate

    omsflask.add_command(migrate)


@omsflask.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--serve/--no-serve", default=True, help="Serve, or only make the database.")
def demo(port: int, serve: bool) -> None:
    """Make a database of 109 customers and a token, and serve them.

    Example: omsflask demo --port 8001
    """
    if serve:
        _check_gunicorn()
        _check_port(port)
    migrations.upgrade()
    fill()
    key = _demo_key()
    url = f"http://127.0.0.1:{port}/api/v1/oms/customers/list-simple/"
    click.echo(f"{DEMO_CUSTOMERS} customers at {url}\n")
    click.echo(f"  curl -H 'Authorization: Token {key}' {url}\n")
    if serve:
        click.echo("Press Ctrl-C to stop.")
        run_gunicorn("--bind", f"127.0.0.1:{port}")


@omsflask.command(context_settings={"ignore_unknown_options": True})
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[GUNICORN OPTIONS]")
def serve(options: Sequence[str]) -> None:
    """Serve by gunicorn, for production.

    Example: omsflask serve --bind 0.0.0.0:8000 --workers 4
    """
    run_gunicorn(*options)


def run_gunicorn(*options: str) -> None:
    """Become gunicorn."""
    _check_gunicorn()
    sys.stdout.flush()
    os.execv(sys.executable, [*GUNICORN, *options, APP])  # noqa: S606


def fill() -> None:
    """Put the demo's customers into an empty database, and leave a filled one as it is."""
    first = [*published()]
    email = select(Customer.email).where(Customer.id == first[0]["id"])
    with db.engine.connect() as connection:
        is_empty = connection.scalar(select(func.count()).select_from(Customer)) == 0
        is_demo = connection.scalar(email) == first[0]["email"]
    if is_empty:
        deque(make(db.engine, CUSTOMERS, DEMO_CUSTOMERS, first=first), maxlen=0)
    elif not is_demo:
        raise click.ClickException(
            "The database holds other customers already. Name another for the demo:"
            " OMS_DATABASE_URL=sqlite:///demo.sqlite3 omsflask demo"
        )


@omsflask.command()
@click.argument("number", type=click.IntRange(1, 10**9))
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Another seed makes other customers."
)
def make_customers(number: int, seed: int) -> None:
    """Add NUMBER made-up customers, for trials and measurements.

    Example: omsflask make-customers 1000000
    """
    migrations.upgrade()
    with bar_of(number) as bar:
        for added in make(db.engine, CUSTOMERS, number, seed=seed):
            bar.update(added)
    with db.engine.begin() as connection:
        connection.exec_driver_sql(f"ANALYZE {CUSTOMERS.name}")
    click.echo(f"Added {number} customers.", err=True)


def _demo_key() -> str:
    tokens = Tokens(db.session, Token)
    if any(row.name == "demo" and row.revoked_at is None for row in tokens.all()):
        tokens.revoke("demo")
    return tokens.issue("demo")


def _check_gunicorn() -> None:
    if importlib.util.find_spec("gunicorn") is None:
        raise click.ClickException("gunicorn is not installed: pip install 'omsflask[server]'.")


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise click.ClickException(f"Port {port} is in use. Choose another: --port.") from None


def main() -> None:
    """Run ``omsflask``."""
    omsflask.main(
        obj=ScriptInfo(create_app=lambda: create_app(WITHOUT_TIMEOUTS)), prog_name="omsflask"
    )


if __name__ == "__main__":
    main()
