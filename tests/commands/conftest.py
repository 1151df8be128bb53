"""A shop to load files of customers into."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from conftest import dispose, make_app
from flask import Flask
from openpyxl import Workbook
from sqlalchemy import delete, insert, select

from omsflask.commands.cli import oms
from omsflask.standalone.app import Channel, Customer, db

ALI = {"omnitron_id": 55, "email": "ali@example.com"}
COLUMNS = [
    "id", "created_date", "modified_date", "omnitron_id", "email", "first_name", "last_name",
    "phone_number", "erp_code", "channel",
]  # fmt: skip


class Shop:
    """An app to load customers into, and what is then in its database."""

    def __init__(self, app: Flask, folder: Path) -> None:
        self.app, self.folder = app, folder

    def __call__(self, *arguments: str | Path, input: bytes | str | None = None) -> Result:
        """Run a command."""
        runner = self.app.test_cli_runner()
        result = runner.invoke(oms, [*map(str, arguments)], input=input)
        assert isinstance(result.exception, SystemExit | None), result.exception
        return result

    def load(self, name: str, content: Any, *options: str | Path) -> Result:
        """Load a file of that name."""
        return self("load", self.file(name, content), *options)

    def file(self, name: str, content: Any) -> Path:
        """Write rows, or just what is given, as the name says."""
        path = self.folder / name
        if isinstance(content, str):
            content = content.encode()
        path.write_bytes(content if isinstance(content, bytes) else WRITTEN[path.suffix](content))
        return path

    def customers(self) -> list[dict[str, Any]]:
        """Return what is in the database, in the order of the keys."""
        with self.app.app_context(), db.engine.connect() as connection:
            rows = connection.execute(select(Customer.__table__).order_by(Customer.id)).mappings()
            return [{name: _in_utc(value) for name, value in row.items()} for row in rows]

    def emails(self) -> list[str]:
        """Return the addresses, in the order of the keys."""
        return [row["email"] for row in self.customers()]

    def add(self, *rows: dict[str, Any]) -> None:
        """Put customers into the database."""
        with self.app.app_context(), db.engine.begin() as connection:
            for row in rows:
                connection.execute(insert(Customer), [ALI | row])

    def empty(self) -> None:
        """Take everything out of the database but four channels."""
        with self.app.app_context(), db.engine.begin() as connection:
            connection.execute(delete(Customer))
            connection.execute(delete(Channel).where(Channel.id > 4))


def counts(result: Result) -> str:
    """Return the table of a load on one line: ``1 added, 0 changed, …``, up to ``refused``."""
    found = re.findall(r"^ +([0-9,]+ (?:added|changed|unchanged|refused))", result.stderr, re.M)
    return ", ".join(found)


def table(added: int = 0, changed: str = "0 changed", unchanged: int = 0, warned: int = 0) -> str:
    """Return the table of a load in which no row is refused."""
    lines = (f"{added} added", changed, f"{unchanged} unchanged", "0 refused", f"{warned} warned")
    return "".join(f"{line.partition(' ')[0]:>11} {line.partition(' ')[2]}\n" for line in lines)


def _in_utc(value: Any) -> Any:
    if not isinstance(value, datetime):
        return value
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def as_csv(rows: list[dict[str, Any]]) -> bytes:
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, names)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def as_xlsx(rows: list[dict[str, Any]]) -> bytes:
    names = list(dict.fromkeys(name for row in rows for name in row))
    book = Workbook()
    book.active.append(names)
    for row in rows:
        book.active.append([row.get(name) for name in names])
        for cell in book.active[book.active.max_row]:
            if cell.data_type == "f":
                cell.data_type = "s"
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


WRITTEN: dict[str, Callable[[Any], bytes]] = {
    ".csv": as_csv,
    ".json": lambda rows: json.dumps(rows).encode(),
    ".jsonl": lambda rows: b"".join(json.dumps(row).encode() + b"\n" for row in rows),
    ".xlsx": as_xlsx,
}


@pytest.fixture(scope="module")
def shop_app(new_database: Callable[[], str]) -> Iterator[Flask]:
    app = make_app(new_database(), [])
    yield app
    dispose(app)


@pytest.fixture
def shop(shop_app: Flask, tmp_path: Path) -> Shop:
    shop = Shop(shop_app, tmp_path)
    shop.empty()
    return shop
