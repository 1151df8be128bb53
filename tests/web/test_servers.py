"""Real servers: a file that broke off never looks whole, under any that docs/servers.md names."""

import importlib.util
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from conftest import PATH, dispose, make_app, make_client

from omsflask.standalone.sample_data import plausible

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent.parent
ROWS = 5001

#: Debian's needs a plugin and is told of the environment; pip's is built for its Python.
UWSGI = "uwsgi --master --need-app --enable-threads --threads 4 --module served:app"
DRAINING = "--hook-master-start 'unix_signal:15 gracefully_kill_them_all' --worker-reload-mercy 60"
CONF = "gunicorn -c python:omsflask.standalone.gunicorn_conf -b 127.0.0.1:{port}"


@dataclass(frozen=True)
class Server:
    """How a server is started, and what it does.

    :param spools: whether a file has a length, since a cut would not show.
    :param drains: whether it sends what is on its way when it is told to end.
    :param has_head: whether it sends a response without a body, to HEAD or with 304.
    """

    command: str
    spools: bool = False
    drains: bool = True
    has_head: bool = True


SERVERS = {
    "gunicorn-sync": Server(f"{CONF} -k sync served:app"),
    "gunicorn-gthread": Server(f"{CONF} -k gthread served:app"),
    "gunicorn-gevent": Server(f"{CONF} -k gevent served:app"),
    "uwsgi-http-socket": Server(
        f"{UWSGI} {DRAINING} --http-socket 127.0.0.1:{{port}}", spools=True
    ),
    # The router ends before its workers do.
    "uwsgi-http": Server(
        f"{UWSGI} --die-on-term --http 127.0.0.1:{{port}} --http-keepalive --http-auto-chunked",
        spools=True,
        drains=False,
    ),
    "waitress": Server("waitress --listen=127.0.0.1:{port} served:app", drains=False),
    "granian": Server(
        "granian --interface wsgi --host 127.0.0.1 --port {port} served:app", spools=True
    ),
    "uvicorn-asgiref": Server("uvicorn --port {port} served:by_asgiref"),
    "uvicorn-a2wsgi": Server("uvicorn --port {port} served:by_a2wsgi"),
    "hypercorn": Server(
        "hypercorn --graceful-timeout 60 -b 127.0.0.1:{port} wsgi:served:app", has_head=False
    ),
    "hypercorn-asgiref": Server(
        "hypercorn --graceful-timeout 60 -b 127.0.0.1:{port} served:by_asgiref"
    ),
    "hypercorn-a2wsgi": Server(
        "hypercorn --graceful-timeout 60 -b 127.0.0.1:{port} served:by_a2wsgi"
    ),
}


def command_of(server: Server, port: int) -> list[str]:
    """Return what starts a server; the test is skipped where it is not to be had."""
    name, *arguments = shlex.split(server.command.format(port=port))
    if name != "uwsgi":
        needed = {name, "gevent"} if "gevent" in arguments else {name}
        for module in needed | {"a2wsgi", "asgiref"}:
            if importlib.util.find_spec(module) is None:
                pytest.skip(f"{module} is not installed: pip install -e '.[servers]'")
        return [sys.executable, "-m", name, *arguments]
    if (own := Path(sys.executable).with_name("uwsgi")).exists():
        return [str(own), *arguments]
    plugin = f"python{sys.version_info.major}{sys.version_info.minor}"
    program = shutil.which("uwsgi-core") or shutil.which("uwsgi")
    if program is None or not Path(f"/usr/lib/uwsgi/plugins/{plugin}_plugin.so").exists():
        pytest.skip(f"uWSGI for this Python is not here: pip install uwsgi, or its plugin {plugin}")
    return [program, "--plugin", f"{plugin},http", "--virtualenv", sys.prefix, *arguments]


@dataclass(frozen=True)
class Running:
    """A server at work."""

    server: Server
    process: subprocess.Popen[bytes]
    url: str
    key: str

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def csv(self, way: str = "", **kwargs: object) -> requests.Response:
        """Ask for all customers."""
        headers = {"Authorization": f"Token {self.key}", "X-Way": way}
        url = f"{self.url}{PATH}?format=csv"
        return requests.get(url, headers=headers, timeout=30, **kwargs)  # type: ignore[arg-type]

    def in_use(self) -> int:
        """Return how many connections to the database are in use, now or in a moment."""
        for _ in range(50):
            number = int(requests.get(f"{self.url}/in-use", timeout=10).text)
            if number == 0:
                break
            time.sleep(0.1)
        return number


Start = Callable[[str], Running]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start servers of one database."""
    folder = tmp_path_factory.mktemp("servers")
    url = f"sqlite:///{folder}/omsflask.sqlite3"
    app = make_app(url, [*plausible(ROWS)])
    key = make_client(app).key
    dispose(app)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OMS_")}
    environ = kept | {
        "OMS_DATABASE_URL": url,
        "OMS_INSTANCE_PATH": str(folder),
        "PYTHONPATH": f"{Path(__file__).parent}:{ROOT}",
    }
    with ExitStack() as running:
        yield lambda name: running.enter_context(serving(name, key, folder, environ))


@contextmanager
def serving(name: str, key: str, folder: Path, environ: dict[str, str]) -> Iterator[Running]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = command_of(SERVERS[name], port)
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, cwd=folder, env=environ, start_new_session=True
        )
    running = Running(SERVERS[name], process, f"http://127.0.0.1:{port}", key)
    try:
        wait_for(running)
        yield running
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def wait_for(running: Running) -> None:
    for _ in range(300):
        try:
            requests.get(f"{running.url}/healthz", timeout=5)
        except requests.RequestException:
            assert running.process.poll() is None, f"{running.process.args} ended."
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"{running.process.args} does not answer.")


@pytest.fixture(scope="module", params=SERVERS)
def running(request: pytest.FixtureRequest, start: Start) -> Running:
    return start(request.param)


def test_a_file_is_whole(running: Running) -> None:
    response = running.csv()
    assert len(response.content.splitlines()) == ROWS + 1
    assert ("Content-Length" in response.headers) is running.server.spools
    assert ("Transfer-Encoding" in response.headers) is not running.server.spools


def test_requests_is_told_of_a_cut(running: Running) -> None:
    if running.server.spools:
        assert running.csv("fail").status_code == 500
        return
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        running.csv("fail")


@pytest.mark.parametrize("version", ["--http1.1", "--http1.0"])
def test_curl_is_told_of_a_cut(running: Running, version: str) -> None:
    header = f"Authorization: Token {running.key}"
    written = "%{http_code} %{exitcode}"
    curl = ["curl", "-s", version, "-H", header, "-H", "X-Way: fail", "-o", "/dev/null"]
    curl += ["-w", written, "-m", "30", f"{running.url}{PATH}?format=csv"]
    result = subprocess.run(curl, capture_output=True, text=True)
    is_spooled = running.server.spools or version == "--http1.0"
    assert result.stdout == ("500 0" if is_spooled else "200 18")


def test_clients_that_leave_leave_nothing(running: Running) -> None:
    for _ in range(5):
        with running.csv(stream=True) as response:
            assert response.status_code == 200
            next(response.iter_content(1000))
        assert running.in_use() == 0
    assert len(running.csv().content.splitlines()) == ROWS + 1


def test_neither_head_nor_304_leaves_anything_open(running: Running) -> None:
    headers = {"Authorization": f"Token {running.key}"}
    url = f"{running.url}{PATH}"
    head = requests.head(f"{url}?format=csv", headers=headers, timeout=10)
    headers["If-None-Match"] = requests.get(url, headers=headers, timeout=10).headers["ETag"]
    unchanged = requests.get(url, headers=headers, timeout=10)
    if running.server.has_head:
        assert head.headers["X-Total-Count"] == str(ROWS)
        assert unchanged.status_code == 304
    assert running.in_use() == 0


def test_clients_that_owe_a_body_keep_nobody_waiting(running: Running) -> None:
    asked = f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n{{}}".encode()
    with ExitStack() as sockets:
        for _ in range(24):
            owing = socket.create_connection(("127.0.0.1", running.port), timeout=5)
            sockets.enter_context(owing).sendall(asked)
        time.sleep(0.3)
        begun = time.monotonic()
        assert requests.get(f"{running.url}/healthz", timeout=60).status_code == 200
        assert time.monotonic() - begun < 2


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_that_ends_sends_what_is_on_its_way_or_cuts_it(start: Start, name: str) -> None:
    running = start(name)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(running.csv, "slow")
        time.sleep(0.8)
        running.process.terminate()
        running.process.wait(30)
        error = answer.exception(30)
    if running.server.drains:
        assert error is None
        assert len(answer.result().content.splitlines()) == ROWS + 1
    else:
        assert isinstance(error, requests.RequestException)
