"""The rights of ``instance/`` and of SQLite's files, which hold personal data."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import dispose
from sqlalchemy import text

from omsflask.standalone.app import create_app, db


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """The umask that lets everybody read."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def rights(path: Path) -> str:
    return oct(stat.S_IMODE(path.stat().st_mode))


def write(url: str) -> None:
    """Write to a database, and look at its files while it is open."""
    app = create_app({"OMS_DATABASE_URL": url})
    with app.app_context():
        with db.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
            connection.execute(text("CREATE TABLE x (y)"))
            connection.commit()
            file = Path(connection.exec_driver_sql("PRAGMA database_list").one()[2])
            assert file.with_name(f"{file.name}-wal").exists()
            names = {path for path in file.parent.iterdir() if path.name.startswith(file.name)}
            assert {rights(path) for path in names} == {rights(file)}
        dispose(app)


def test_instance_and_its_database_are_their_owners(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = tmp_path / "new" / "instance"
    monkeypatch.setenv("OMS_INSTANCE_PATH", str(instance))
    write("sqlite:///omsflask.sqlite3")
    assert rights(instance) == "0o700"
    assert rights(instance / "omsflask.sqlite3") == "0o600"


@pytest.mark.parametrize("form", ["sqlite:///{}", "sqlite:///file:{}?uri=true"])
def test_a_database_elsewhere_is_its_owners(tmp_path: Path, form: str) -> None:
    file = tmp_path / "a b.sqlite3"
    write(form.format(file))
    assert rights(file) == "0o600"


def test_a_database_that_exists_keeps_its_rights(tmp_path: Path) -> None:
    file = tmp_path / "x.sqlite3"
    file.touch(mode=0o640)
    write(f"sqlite:///{file}")
    assert rights(file) == "0o640"


def test_no_file_is_created_at_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMS_INSTANCE_PATH", str(tmp_path))
    for url in ("sqlite://", "sqlite:///x.sqlite3", "sqlite:///file:x?uri=true"):
        dispose(create_app({"OMS_DATABASE_URL": url}))
    assert [*tmp_path.iterdir()] == []


def test_a_database_that_must_exist_is_not_created(tmp_path: Path) -> None:
    app = create_app({"OMS_DATABASE_URL": f"sqlite:///file:{tmp_path}/x?mode=rw&uri=true"})
    assert app.test_client().get("/readyz").status_code == 503
    assert [*tmp_path.iterdir()] == []
    dispose(app)
