"""The commands, as an operator types them."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from conftest import dispose, make_client
from flask import Flask
from flask.cli import ScriptInfo
from openpyxl import load_workbook
from sqlalchemy import create_engine, func, inspect, select

from omsflask.__main__ import omsflask
from omsflask.commands import export
from omsflask.renderers.renderer import FileRenderer
from omsflask.standalone.app import Customer, create_app
from omsflask.tables.tokens import is_well_formed, make_key

BIN = Path(sys.executable).parent


class Shell:
    """Runs ``omsflask`` in an instance folder of its own."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.environ = {"OMS_INSTANCE_PATH": str(folder), "OMS_DATABASE_URL": url}

    def __call__(self, *arguments: str, **environ: str) -> Result:
        """Run a command in this process, which is quicker."""
        apps = []

        def factory() -> Flask:
            apps.append(create_app())
            return apps[-1]

        result = CliRunner().invoke(
            omsflask, arguments, obj=ScriptInfo(create_app=factory), env=self.environ | environ
        )
        assert isinstance(result.exception, SystemExit | None), result.exception
        for app in apps:
            dispose(app)
        return result

    def run(self, *command: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run a command in a process of its own."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("OMS_")}
        return subprocess.run(
            [str(BIN / command[0]), *command[1:]],
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=kept | self.environ | environ,
        )


@pytest.fixture
def shell(tmp_path: Path, new_database: Callable[[], str]) -> Shell:
    return Shell(tmp_path, new_database())


def test_init_db_creates_what_is_missing_and_nothing_twice(shell: Shell) -> None:
    first, second = shell("init-db"), shell("init-db")
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert first.stderr.endswith("The database is up to date.\n")
    assert second.stderr == "The database is up to date.\n"


def test_several_workers_may_init_db_at_once(shell: Shell) -> None:
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: shell.run("omsflask", "init-db"), range(4)))
    assert [(it.returncode, "Traceback" in it.stderr) for it in results] == [(0, False)] * 4
    engine = create_engine(shell.url)
    tables = {"alembic_version", "channels", "customers", "tokens"}
    assert tables == set(inspect(engine).get_table_names())
    engine.dispose()


def test_tokens_are_created_listed_and_revoked(shell: Shell) -> None:
    shell("init-db")
    created = shell("token", "create", "warehouse", "--expires", "90d")
    key = created.stdout.strip()
    assert created.stdout == f"{key}\n"
    assert is_well_formed(key)
    listed = shell("token", "list").stdout
    assert "warehouse" in listed
    assert key[:12] in listed
    assert key not in listed
    again = shell("token", "create", "warehouse")
    assert (again.exit_code, again.stdout) == (1, "")
    assert again.stderr == "Error: A token named 'warehouse' is in use; revoke it first.\n"
    assert shell("token", "revoke", key[:12]).exit_code == 0
    assert shell("token", "revoke", "warehouse").exit_code == 1
    assert shell("token", "create", "warehouse", "--expires", "2999-01-31").exit_code == 0


@pytest.mark.parametrize("name", ["", " ", "a\nb", "\x1b[31m", "x" * 256, "\udcff"])
def test_a_wrong_name_is_refused(shell: Shell, name: str) -> None:
    shell("init-db")
    result = shell("token", "create", name)
    assert result.exit_code == 1
    assert result.stderr == "Error: A token's name is 1 to 255 printable characters.\n"


def test_a_name_is_given_once_though_several_ask(shell: Shell) -> None:
    shell("init-db")
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: shell.run("omsflask", "token", "create", "x"), range(4)))
    assert sorted(it.returncode for it in results) == [0, 1, 1, 1]


@pytest.mark.parametrize("expires", ["soon", "-1d", "2001-01-01", "9999999999d", "٣d", "1_0d"])
def test_a_wrong_expiry_is_refused(shell: Shell, expires: str) -> None:
    shell("init-db")
    result = shell("token", "create", "x", "--expires", expires)
    assert result.exit_code == 2
    assert expires in result.stderr
    assert "Traceback" not in result.stderr


def test_without_tables_the_answer_is_a_sentence(shell: Shell) -> None:
    result = shell("token", "list")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: The database did not answer:")
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("OMS_PAGE_SIZE", "ten", "OMS_PAGE_SIZE must be a whole number, not 'ten'."),
        ("OMS_PAGE_SIZE", "0", "OMS_PAGE_SIZE must be from 1 to 1000000, not '0'."),
        ("OMS_TOKEN_MEMORY_SECONDS", "inf", "OMS_TOKEN_MEMORY_SECONDS must be from 0 to"),
        ("OMS_TOKEN_MEMORY_SECONDS", "nan", "OMS_TOKEN_MEMORY_SECONDS must be from 0 to"),
        ("OMS_BASE_URL", "oms.example.com", "OMS_BASE_URL must be an absolute http or https"),
        ("OMS_BASE_URL", "http://x/?a=1", "OMS_BASE_URL must be an absolute http or https"),
        ("OMS_BASE_URL", "http://x\r\ny", "OMS_BASE_URL must be an absolute http or https"),
        ("OMS_TRUSTED_HOSTS", "http://x", "OMS_TRUSTED_HOSTS must be names of hosts by commas"),
        ("OMS_TRUSTED_HOSTS", "[::1]", "OMS_TRUSTED_HOSTS must be names of hosts by commas"),
        ("OMS_TRUSTED_HOSTS", ",", "OMS_TRUSTED_HOSTS must be names of hosts by commas"),
        ("OMS_INSTANCE_PATH", "relative", "OMS_INSTANCE_PATH must be an absolute path"),
        ("OMS_DATABASE_URL", "postgresql://u:p@h:abc/db", "OMS_DATABASE_URL cannot be used"),
        (
            "OMS_DATABASE_URL",
            "postgresql+psycopg://h/db?prepare_threshold=x",
            "OMS_DATABASE_URL cannot be used: prepare_threshold must be a whole number",
        ),
        ("OMS_DATABASE_URL", "mysql://x/y", "OMS_DATABASE_URL cannot be used"),
        ("OMS_CSV_GUARD", "maybe", "OMS_CSV_GUARD must be true or false, not 'maybe'."),
        ("OMS_DATABASE_URL", "nonsense", "OMS_DATABASE_URL cannot be used"),
        ("OMS_DATABASE_URL", "nonsense://x", "OMS_DATABASE_URL cannot be used"),
        ("OMS_REPLICA_URL", "nonsense://x", "OMS_REPLICA_URL cannot be used"),
        ("OMS_REPLICA_URL", "postgresql+psycopg://x/y", "OMS_REPLICA_URL cannot be used: it, or"),
    ],
)
def test_a_wrong_setting_is_a_sentence(tmp_path: Path, name: str, value: str, message: str) -> None:
    result = Shell(tmp_path, "sqlite://")("token", "list", **{name: value})
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {message}")
    assert result.stderr.count("\n") == 1


def test_settings_come_from_the_environment_then_from_the_instance(tmp_path: Path) -> None:
    (tmp_path / "config.py").write_text("OMS_PAGE_SIZE = 3\nOMS_MAX_PAGE_SIZE = 30\n")
    program = (
        "from omsflask.standalone.app import create_app; config = create_app().config;"
        "print(config['OMS_PAGE_SIZE'], config['OMS_MAX_PAGE_SIZE'], config['OMS_CSV_GUARD'])"
    )
    shell = Shell(tmp_path, "sqlite://")
    result = shell.run("python", "-c", program, OMS_PAGE_SIZE="4", OMS_CSV_GUARD="off")
    assert result.stdout == "4 30 False\n"


def test_a_broken_config_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "config.py").write_text("OMS_PAGE_SIZE =")
    result = Shell(tmp_path, "sqlite://")("token", "list")
    assert result.stderr.startswith("Error: instance/config.py cannot be read: invalid syntax")


def test_flask_oms_is_there_in_an_app_with_the_extension(shell: Shell) -> None:
    flask = ("flask", "--app", "omsflask.standalone.app:create_app", "oms")
    assert shell.run(*flask, "init-db").returncode == 0
    assert shell.run(*flask, "token", "create", "x").stdout.startswith("oms_")


def test_flask_oms_says_when_an_app_has_not_the_extension(tmp_path: Path) -> None:
    (tmp_path / "bare.py").write_text("from flask import Flask\napp = Flask('bare')\n")
    result = Shell(tmp_path, "sqlite://").run("flask", "--app", "bare", "oms", "init-db")
    assert result.stderr == "Error: This app has no OMS extension: OMS(…).init_app(app).\n"


def test_the_console_script_says_errors_in_a_sentence(tmp_path: Path) -> None:
    result = Shell(tmp_path, "sqlite://").run("omsflask", "token", "list", OMS_PAGE_SIZE="ten")
    assert result.returncode == 1
    assert result.stderr == "Error: OMS_PAGE_SIZE must be a whole number, not 'ten'.\n"


def test_the_demo_may_be_run_again(shell: Shell) -> None:
    keys = []
    for _ in range(2):
        result = shell("demo", "--no-serve")
        assert result.exit_code == 0, result.stderr
        assert "109 customers at http://127.0.0.1:8000/api/v1/oms/customers/list-simple/" in (
            result.stdout
        )
        keys += re.findall("curl -H 'Authorization: Token (oms_[0-9a-f]{48})'", result.stdout)
    assert len(set(keys)) == 2
    engine = create_engine(shell.url)
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(Customer)) == 109
    engine.dispose()
    listed = shell("token", "list").stdout.splitlines()
    assert len(listed) == 3


def test_the_demo_leaves_a_database_in_use_alone(shell: Shell) -> None:
    shell("demo", "--no-serve")
    engine = create_engine(shell.url)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE customers SET email = 'a@b.example' WHERE id = 1")
    engine.dispose()
    result = shell("demo", "--no-serve")
    assert result.exit_code == 1
    assert "holds other customers already" in result.stderr


def test_the_demo_says_when_its_port_is_taken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = Shell(tmp_path, "sqlite:///x.sqlite3")("demo", "--port", port)
    assert result.stderr == f"Error: Port {port} is in use. Choose another: --port.\n"


def test_the_version_is_the_package_s(shell: Shell) -> None:
    assert shell("--version").stdout == f"omsflask, version {version('omsflask')}\n"


def test_a_wrong_setting_is_said_before_anything_is_served(tmp_path: Path) -> None:
    result = Shell(tmp_path, "sqlite://").run("omsflask", "serve", OMS_PAGE_SIZE="ten")
    assert result.returncode == 1
    assert result.stderr == "Error: OMS_PAGE_SIZE must be a whole number, not 'ten'.\n"


@pytest.fixture
def demo(shell: Shell) -> Shell:
    assert shell("demo", "--no-serve").exit_code == 0
    return shell


def test_an_export_is_the_file_that_the_service_gives(demo: Shell, tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    result = demo("export", str(file))
    assert result.stderr == f"Wrote 109 rows to {file}.\n"
    app = create_app({"OMS_DATABASE_URL": demo.url})
    client = make_client(app)
    assert file.read_bytes() == client.page("format=csv").data
    dispose(app)


def test_an_export_is_narrowed_by_the_filters_of_the_list(demo: Shell, tmp_path: Path) -> None:
    file = tmp_path / "some.xlsx"
    result = demo("export", str(file), "--filter", "id__gt=100", "--filter", "sort=-id")
    assert result.exit_code == 0, result.stderr
    sheet = load_workbook(file).active
    assert [row[0] for row in sheet.iter_rows(min_row=2, values_only=True)] == [
        *range(109, 100, -1)
    ]


@pytest.mark.parametrize("ending", [".csv", ".xlsx"])
def test_the_bar_of_an_export_moves_by_rows(
    demo: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    moves: list[int] = []

    class Bar:
        update = staticmethod(moves.append)

    monkeypatch.setattr(export, "bar_of", lambda rows: nullcontext(Bar()))
    demo("export", str(tmp_path / f"x{ending}"))
    assert sum(moves) == 109


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["x.txt"], "x.txt does not end in .csv or .xlsx."),
        (["x.csv", "--filter", "id__gt"], "'id__gt' is not NAME=VALUE."),
        (["x.csv", "--filter", "id__gt=x"], "id__gt: Enter a whole number."),
        (["x.csv", "--filter", "emial=x"], "emial: Unknown parameter. Did you mean email?"),
        (["x.csv", "--filter", "limit=5"], "An export is whole"),
        (["nowhere/x.csv"], "could not be written: No such file or directory."),
        (["/dev/full/x.csv"], "Not a directory"),
    ],
)
def test_a_wrong_export_is_a_sentence_and_leaves_nothing(
    demo: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(os.listdir())
    result = demo("export", *arguments)
    assert result.exit_code != 0
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert sorted(os.listdir()) == before


def test_a_failed_export_leaves_the_file_that_was_there(
    demo: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "customers.csv"
    file.write_text("yesterday's")

    def full(*_: object) -> Iterator[bytes]:
        yield b"id"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(FileRenderer, "file", lambda *_: full())
    result = demo("export", str(file))
    assert result.stderr == f"Error: {file} could not be written: No space left on device.\n"
    assert file.read_text() == "yesterday's"
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".")]


def test_before_init_db_the_service_is_unavailable(shell: Shell) -> None:
    app = create_app({"OMS_DATABASE_URL": shell.url})
    response = app.test_client().get(
        "/api/v1/oms/customers/list-simple/", headers={"Authorization": f"Token {make_key()}"}
    )
    assert response.status_code == 503
    assert response.headers["Retry-After"]
    dispose(app)
