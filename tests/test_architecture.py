"""What keeps the house in order: imports run one way, and every folder has its map."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


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
