"""docs/loading.md says what load does and says."""

import ast
import re
from pathlib import Path

import pytest

from omsflask import customers
from omsflask.commands.load import load
from omsflask.commands.load.sources import ENDINGS

from .conftest import Shop
from .workbooks import rows, sheet, workbook

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "loading.md").read_text()
TEXTS = [
    node.value
    for path in (ROOT / "omsflask/commands/load").glob("**/*.py")
    for node in ast.walk(ast.parse(path.read_text()))
    if isinstance(node, ast.Constant) and isinstance(node.value, str)
]


def table(heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading."""
    part = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [it for it in part.splitlines() if it.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@pytest.mark.parametrize("row", table("What load says, and what you do"), ids=lambda it: it[0])
def test_every_message_is_one_of_the_codes(row: list[str]) -> None:
    assert any(row[0].strip("`") in text for text in TEXTS)


def test_every_option_and_ending_is_on_the_page() -> None:
    options = {name for it in load.params for name in it.opts if name.startswith("--")}
    assert {it for it in options if f"`{it}" not in PAGE} - {"--follow-links", "--help"} == set()
    assert {it for it in ENDINGS if f"`.{it}`" not in PAGE} - {"xltx"} == set()
    for name in customers.list_simple.fields:
        assert f"`{name}`" in PAGE


SHOWN = [row for row in table("What a cell of a sheet gives") if row[0].startswith("the ")]


@pytest.mark.parametrize(("holds", "formats", "gets"), SHOWN)
def test_every_format_of_the_page_is_shown_so(
    shop: Shop, holds: str, formats: str, gets: str
) -> None:
    kind, content = re.fullmatch(r"the (text|number) (.*)", holds).groups()  # type: ignore[union-attr]
    codes = re.findall(r"`([^`]*)`", formats) or ["General"]
    cells = {
        "text": f'<c t="inlineStr" s="1"><is><t>{content}</t></is></c>',
        "number": f'<c s="1"><v>{content}</v></c>',
    }
    header = ("id", "omnitron_id", "email", "phone_number")
    book = sheet(rows(header, (1, 1, "a@b.example", cells[kind])))
    for code in codes:
        result = shop.load("a.xlsx", workbook({"S": book}, formats=[code]))
        if gets.startswith("refused"):
            assert "phone_number: D2 has a format whose text differs by language" in result.stderr
        else:
            assert [row["phone_number"] for row in shop.customers()] == [gets.strip("`")]
