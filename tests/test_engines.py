"""What a database engine must supply: one table in docs/architecture.md, held to the code."""

import re
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, DateTime, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.functions import GenericFunction

PAGE = Path(__file__).parent.parent / "docs" / "architecture.md"
DIALECTS = {"postgresql": postgresql.dialect(), "sqlite": sqlite.dialect()}

ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \| `(omsflask\.[\w.]+)` \|$", re.MULTILINE)
ROWS = ROW.findall(PAGE.read_text())

#: Functions in SQL that take no argument; the others take a column.
CONSTANT = ("state", "clock")


def supplied(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


def test_the_table_is_there() -> None:
    assert len(ROWS) > 10


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:20])
@pytest.mark.parametrize("engine", DIALECTS)
def test_every_engine_supplies_it(row: tuple[str, str, str, str], engine: str) -> None:
    it = supplied(row[3])
    if isinstance(it, Mapping):
        assert engine in {key[0] if isinstance(key, tuple) else key for key in it}
    elif isinstance(it, type) and issubclass(it, GenericFunction):
        column = Column("stamp", DateTime(timezone=True))
        made: Any = it() if it.__name__ in CONSTANT else it(column)
        text = str(select(made).compile(dialect=DIALECTS[engine]))
        assert f"{it.__name__}(" not in text, "it is written for the engine"
    else:
        assert callable(it)
