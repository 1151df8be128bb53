"""What keeps the house in order: imports run one way, and every setting is documented."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from omsflask.declarations.lookups import LOOKUPS
from omsflask.settings import SETTINGS, STANDALONE_SETTINGS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_imports_run_one_way() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--config", "setup.cfg"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_only_the_standalone_app_imports_flask_sqlalchemy() -> None:
    imports = "import omsflask, omsflask.commands.cli, sys"
    program = f"{imports}; sys.exit('flask_sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


#: What is run and not imported.
UNMAPPED = {"__init__", "__main__", "env"}

FOLDERS = [path.parent for path in sorted((ROOT / "omsflask").glob("**/__init__.py"))]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda it: it.name)
def test_the_map_of_a_folder_names_everything_in_it(folder: Path) -> None:
    inside = {path.stem for path in folder.glob("*.py")}
    inside |= {path.parent.name for path in folder.glob("*/__init__.py")}
    map_ = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""
    assert {it for it in inside - UNMAPPED if f":mod:`.{it}`" not in map_} == set()


@pytest.mark.parametrize("setting", [*SETTINGS, *STANDALONE_SETTINGS], ids=lambda it: it.name)
def test_every_setting_is_in_the_readme(setting: object) -> None:
    row = f"| `{setting.name}` | `{setting.default!r}` | {setting.meaning} |"
    assert row in README


@pytest.mark.parametrize("lookup", LOOKUPS)
def test_every_lookup_is_in_the_readme(lookup: str) -> None:
    table = README.split("| lookup | parameter | value |")[1].split("\n\n")[0]
    assert f"`{lookup}`" in table


def python_blocks() -> list[str]:
    return [part.split("```")[0] for part in README.split("```python\n")[1:]]


def test_the_readmes_six_lines_run() -> None:
    block = next(block for block in python_blocks() if "init_app" in block)
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


def test_every_python_block_of_the_readme_is_python() -> None:
    assert python_blocks()
    for block in python_blocks():
        ast.parse(block)
