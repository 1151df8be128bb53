"""README and the pages of docs/ say what the code does."""

import ast
import importlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import Client

from omsflask.declarations.lookups import LOOKUPS
from omsflask.settings import SETTINGS, STANDALONE_SETTINGS, Setting

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text()
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md")))
}
README, API = PAGES["README.md"], PAGES["docs/api.md"]

HOST = "http://127.0.0.1:8000"


def blocks(page: str, language: str) -> list[str]:
    """Return the code blocks of a page that are in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.M | re.S)


def part(page: str, start: str) -> str:
    """Return the paragraph or table that begins so."""
    return start + page.split(start)[1].split("\n\n")[0]


@pytest.mark.parametrize(
    ("settings", "heading"),
    [(SETTINGS, "reads these settings from"), (STANDALONE_SETTINGS, "reads these settings too")],
)
def test_the_page_of_settings_has_the_table(settings: tuple[Setting, ...], heading: str) -> None:
    rows = [f"| `{it.name}` | `{it.default!r}` | {it.meaning} |" for it in settings]
    table = PAGES["docs/settings.md"].split(heading)[1].split("\n## ")[0]
    assert re.findall(r"^\| `OMS.*$", table, re.M) == rows


@pytest.mark.parametrize("lookup", LOOKUPS)
def test_every_lookup_is_on_the_page_of_lists(lookup: str) -> None:
    assert f"`{lookup}`" in part(PAGES["docs/lists.md"], "| lookup | parameter | value |")


@pytest.mark.parametrize("page", PAGES)
def test_every_python_block_is_python(page: str) -> None:
    for block in blocks(PAGES[page], "python"):
        ast.parse(block)


@pytest.mark.parametrize("page", ["README.md", "docs/embedding.md"])
def test_the_six_lines_of_an_embedder_run(page: str) -> None:
    block = next(block for block in blocks(PAGES[page], "python") if "init_app" in block)
    program = f"""
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from omsflask import CustomerMixin, ChannelMixin
app = Flask("host")
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
db = SQLAlchemy(app)
class Channel(ChannelMixin, db.Model): pass
class Customer(CustomerMixin, db.Model): pass
class Account:
    @staticmethod
    def for_token(key): return "somebody" if key == "right" else None
{block}
with app.app_context():
    db.create_all()
    client = app.test_client()
    path = "/api/v1/oms/customers/list-simple/"
    assert client.get(path).status_code == 401
    body = client.get(path, headers={{"Authorization": "Token right"}}).json
    assert body == {{"count": 0, "next": None, "previous": None, "results": []}}
    db.engine.dispose()
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)


@pytest.mark.parametrize("page", ["README.md", "docs/lists.md"])
def test_the_declared_list_is_a_list(page: str) -> None:
    block = next(block for block in blocks(PAGES[page], "python") if "ListService" in block)
    names: dict[str, Any] = {}
    program = f"""
import enum
from marshmallow import Schema
from marshmallow.fields import *
from omsflask import *
class Status(enum.Enum):
    OPEN = "open"
{block}"""
    exec(program, names)
    assert names["list_simple"].path == "/orders/list-simple/"


EXAMPLES = re.findall(
    r'^```http\nGET (\S+)\n```\n\n```(\w+) title="(\d+ [A-Z ]+)"\n(.*?)^```', API, re.M | re.S
)


@pytest.mark.parametrize(("path", "language", "status", "body"), EXAMPLES)
def test_every_example_is_answered_so(
    client: Client, path: str, language: str, status: str, body: str
) -> None:
    response = client.get(path, base_url=HOST)
    assert response.status == status
    if language == "json":
        assert response.json == json.loads(body)
        assert status != "200 OK" or list(response.json) == list(json.loads(body))
    else:
        assert response.text.splitlines() == body.splitlines()


def test_every_example_was_found() -> None:
    assert len(EXAMPLES) == API.count("```http") > 5


def test_readme_shows_a_page_as_it_is() -> None:
    answers = {path.partition("?")[2]: body for path, _, _, body in EXAMPLES}
    assert blocks(README, "json") == [answers["limit=1"]]


@pytest.mark.parametrize("page", PAGES)
def test_every_path_of_the_code_exists(page: str) -> None:
    text = re.sub(r"```.*?```", "", PAGES[page], flags=re.S)
    named = re.findall(r"`((?:omsflask|examples|tests|benchmarks|docs)/[\w/.-]*)`", text)
    assert [it for it in named if not (ROOT / it).exists()] == []


def test_every_part_of_an_engine_has_its_place() -> None:
    table = part(PAGES["docs/architecture.md"], "| part | SQLite | PostgreSQL | name |")
    names = re.findall(r"`(omsflask[\w.]+)` \|$", table, re.M)
    assert len(names) == len(table.splitlines()) - 2
    for name in names:
        module, _, attribute = name.rpartition(".")
        assert hasattr(importlib.import_module(module), attribute), name


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_a_page_leads_somewhere(page: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#\s]+)", PAGES[page])
    folder = (ROOT / page).parent
    assert [link for link in links if not (folder / link).exists()] == []


@pytest.mark.slow
def test_the_site_is_built_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="needs the extra: docs")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    for page in tmp_path.glob("**/*.html"):
        loaded = r"<(?:script|img|link)\b[^>]*(?:src|href)=\"https?://[^\"]*\""
        assert re.findall(loaded, page.read_text()) == [], page
    assert ":class:" not in (tmp_path / "reference" / "index.html").read_text()
