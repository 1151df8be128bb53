"""``token``: tokens issued, listed and revoked."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import click
from flask.cli import AppGroup

from ..declarations.fields import format_utc, parse_utc
from ..extension import current_oms
from ..tables.models import utc_now
from ..tables.tokens import Tokens


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


token = AppGroup(
    "token",
    help="Issue, list and revoke tokens.\n\nExample: omsflask token create warehouse --expires 90d",
)


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
