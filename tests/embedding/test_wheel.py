"""The wheel in an environment that has nothing else: what a host in another place gets."""

import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
HOST = """
import orders
app = orders.create_app("sqlite:///orders.sqlite3")
client = app.test_client()
for query, status in [("", 200), ("?format=csv", 200), ("?format=xls", 200), ("?total=NaN", 400)]:
    headers = {"Authorization": "Token secret-of-ada"}
    response = client.get(f"/api/v1/oms/orders/list-simple/{query}", headers=headers)
    assert response.status_code == status, response.text
"""

pytestmark = pytest.mark.slow

#: Runs a command in the environment.
Run = Callable[..., None]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Make an environment with the wheel, in a folder that the checkout is not in."""
    folder, sources = tmp_path_factory.mktemp("elsewhere"), tmp_path_factory.mktemp("sources")
    # What is built in the checkout itself would keep modules that are long gone from it.
    shutil.copytree(ROOT / "omsflask", sources / "omsflask")
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, sources)
    pip = [sys.executable, "-m", "pip", "--quiet"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", folder, sources], check=True)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "--quiet", "install", wheel], check=True)

    def run(*command: str | Path) -> None:
        words = [python if word == "python" else word for word in command]
        subprocess.run(words, cwd=folder, check=True, env={"PYTHONPATH": str(ROOT / "examples")})

    return run


def test_a_host_is_served_by_the_wheel_alone(run: Run) -> None:
    run("python", "-W", "error", "-c", HOST)


def test_a_host_is_checked_strictly_against_the_wheel(run: Run) -> None:
    hosts = (ROOT / "tests" / "embedding" / "typed_host.py", ROOT / "examples" / "orders.py")
    for host in hosts:
        run(sys.executable, "-m", "mypy", "--strict", "--python-executable", "python", host)


def test_the_standalone_app_is_in_the_wheel(run: Run) -> None:
    run("python", "-m", "pip", "--quiet", "install", "omsflask[server]")
    run("python", "-W", "error", "-m", "omsflask", "init-db")
    run("python", "-W", "error", "-m", "omsflask", "db", "check")
    run("python", "-W", "error", "-m", "omsflask", "demo", "--no-serve")
    run("python", "-m", "omsflask", "serve", "--check-config")
    run("python", "-m", "omsflask", "--version")
