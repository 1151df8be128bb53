"""The demo under gunicorn, as its user meets it."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import requests
from sqlalchemy import URL, Engine, create_engine

ROOT = Path(__file__).parent.parent.parent
PATH = "/api/v1/oms/customers/list-simple/"


MORE = """
    INSERT INTO customers (id, created_date, modified_date, omnitron_id, email, first_name)
    SELECT n, now(), now(), n, 'somebody' || n || '@example.com', 'Ayşe'
    FROM generate_series(1000, 150999) AS n
"""
OTHERS = """
    FROM pg_stat_activity
    WHERE state <> 'idle' AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
KILL = f"SELECT pg_terminate_backend(pid) {OTHERS}"
BUSY = f"SELECT count(*) {OTHERS}"


@dataclass
class Server:
    """A running demo."""

    port: int
    key: str
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Token {self.key}"}

    def raw(self, request: str) -> bytes:
        """Send a request as it is and return all that comes back."""
        with closing(socket.create_connection(("127.0.0.1", self.port), timeout=10)) as connection:
            connection.sendall(request.replace("\n", "\r\n").encode("latin-1"))
            return b"".join(iter(lambda: connection.recv(65536), b""))


@contextmanager
def serving(command: list[str], folder: Path, **environ: str) -> Iterator[tuple[int, Path]]:
    """Run a command that serves, and return its port and its log."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OMS_")}
    log = folder / f"{command[0]}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "omsflask", *(it.format(port=port) for it in command)],
            stdout=output,
            stderr=output,
            cwd=ROOT,
            env=kept | {"OMS_INSTANCE_PATH": str(folder), "PYTHONUNBUFFERED": "1"} | environ,
        )
    try:
        for _ in range(300):
            try:
                requests.get(f"http://127.0.0.1:{port}/healthz", timeout=10)
                break
            except requests.ConnectionError:
                time.sleep(0.1)
        yield port, log
    finally:
        process.terminate()
        assert process.wait(20) == 0


@contextmanager
def demo(folder: Path, **environ: str) -> Iterator[Server]:
    """Run the demo as a newcomer does."""
    with serving(["demo", "--port", "{port}"], folder, **environ) as (port, log):
        key = re.findall("Token (oms_[0-9a-f]{48})", log.read_text())[0]
        yield Server(port, key, log)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with demo(tmp_path_factory.mktemp("demo")) as running:
        yield running


@pytest.fixture(scope="module")
def big(
    tmp_path_factory: pytest.TempPathFactory, new_schema: Callable[[], URL]
) -> Iterator[tuple[Server, Engine]]:
    """A demo on PostgreSQL with more customers than fit into the buffers of a connection."""
    url = new_schema()
    engine = create_engine(url)
    environ = {"OMS_DATABASE_URL": url.render_as_string(hide_password=False)}
    with demo(tmp_path_factory.mktemp("big"), **environ) as running:
        with engine.begin() as connection:
            connection.exec_driver_sql(MORE)
        yield running, engine
    engine.dispose()


def test_the_documented_example_runs(server: Server) -> None:
    headers = {"Content-Type": "application/json", **server.headers}
    body = requests.request("GET", server.url + PATH, headers=headers, timeout=10).json()
    assert body["count"] == 109
    assert body["next"] == f"{server.url}{PATH}?page=2"
    described = requests.request("OPTIONS", server.url + PATH, headers=headers, timeout=10).json()
    assert described["name"] == "list-simple"


def test_a_client_that_follows_next_meets_everybody(server: Server) -> None:
    ids, link = [], server.url + PATH + "?limit=20"
    with requests.Session() as session:
        session.headers.update(server.headers)
        while link:
            body = session.get(link, timeout=10).json()
            ids += [row["id"] for row in body["results"]]
            link = body["next"]
    assert ids == list(range(1, 110))


def test_a_file_is_sent_in_chunks(server: Server) -> None:
    response = requests.get(
        server.url + PATH, params={"format": "csv"}, headers=server.headers, timeout=10
    )
    assert response.headers["Transfer-Encoding"] == "chunked"
    assert len(response.content.splitlines()) == 110


def test_a_file_over_http_1_0_has_a_length(server: Server) -> None:
    answer = server.raw(
        f"GET {PATH}?format=csv HTTP/1.0\nHost: localhost\nAuthorization: Token {server.key}\n\n"
    )
    head, body = answer.split(b"\r\n\r\n", 1)
    assert f"Content-Length: {len(body)}".encode() in head
    assert len(body.splitlines()) == 110


@pytest.mark.parametrize(
    "header", ["SCRIPT_NAME: x", "PATH_INFO: /healthz", "X-Forwarded-Host: evil"]
)
def test_headers_of_a_client_change_no_address(server: Server, header: str) -> None:
    answer = server.raw(
        f"GET {PATH} HTTP/1.1\nHost: localhost\nAuthorization: Token {server.key}\n{header}\n"
        "Connection: close\n\n"
    )
    assert answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 400"))
    assert b"evil" not in answer


def test_the_log_holds_no_token_no_value_and_no_forged_line(server: Server) -> None:
    requests.get(
        server.url + PATH + "?email=private@example.com&id__gt=x",
        headers=server.headers,
        timeout=10,
    )
    requests.get(server.url + "/api/v1/oms/x%0aforged%1b[31m", headers=server.headers, timeout=10)
    server.raw(f"GET {PATH} HTTP/1.1\nHost: x\nAuthorization Token {server.key}\n\n")
    server.raw(f"GET {PATH}?email=x private@example.com HTTP/1.1\nHost: x\n\n")
    time.sleep(0.2)
    served = server.log.read_text().split("Press Ctrl-C")[1]
    assert "list-simple/ HTTP/1.1" in served
    for hidden in (server.key, server.key[:20], "private@example.com", "\x1b", "\nforged"):
        assert hidden not in served


@pytest.mark.parametrize("format_name", ["csv", "xlsx"])
def test_a_database_that_dies_half_way_breaks_the_download(
    big: tuple[Server, Engine], format_name: str
) -> None:
    server, engine = big
    with requests.get(
        server.url + PATH,
        params={"format": format_name},
        headers=server.headers,
        stream=True,
        timeout=30,
    ) as response:
        assert response.status_code == 200
        assert response.headers["X-Total-Count"] == "150109"
        pieces = response.iter_content(1000)
        next(pieces)
        with engine.begin() as connection:
            connection.exec_driver_sql(KILL)
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            list(pieces)
    again = requests.get(server.url + PATH, headers=server.headers, timeout=30)
    assert again.status_code in (200, 503)


def test_clients_that_leave_leave_nothing_behind(big: tuple[Server, Engine]) -> None:
    server, engine = big
    for _ in range(6):
        with requests.get(
            server.url + PATH,
            params={"format": "csv"},
            headers=server.headers,
            stream=True,
            timeout=30,
        ) as response:
            assert response.status_code in (200, 503)
            next(response.iter_content(1000))
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with engine.connect() as connection:
            busy = connection.exec_driver_sql(BUSY).scalar()
        if busy == 0:
            break
        time.sleep(0.2)
    assert busy == 0


@pytest.mark.parametrize("path", [PATH, "/nowhere"])
def test_clients_that_owe_a_body_keep_nobody_waiting(server: Server, path: str) -> None:
    asked = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n{{}}".encode()
    with ExitStack() as sockets:
        owing = [
            sockets.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=5))
            for _ in range(24)
        ]
        for connection in owing:
            connection.sendall(asked)
        begun = time.monotonic()
        assert requests.get(f"{server.url}/healthz", timeout=30).status_code == 200
        for connection in owing:
            answer = b"".join(iter(partial(connection.recv, 65536), b""))
            assert answer.startswith((b"HTTP/1.1 401", b"HTTP/1.1 404"))
            assert b"\r\nConnection: close\r\n" in answer
        assert time.monotonic() - begun < 5


@pytest.mark.parametrize("size", [2, 10**6])
def test_who_sends_a_body_is_answered(server: Server, size: int) -> None:
    with requests.Session() as session:
        for method, status in [("GET", 200), ("POST", 405)] * 5:
            response = session.request(
                method, server.url + PATH, data=b"x" * size, headers=server.headers, timeout=10
            )
            assert response.status_code == status


def test_it_is_served_for_production_as_well(server: Server) -> None:
    with serving(["serve", "--bind", "127.0.0.1:{port}", "--workers", "1"], server.log.parent) as (
        port,
        log,
    ):
        response = requests.get(
            f"http://127.0.0.1:{port}{PATH}", headers=server.headers, timeout=10
        )
        assert response.json()["count"] == 109
    assert log.read_text().count("Booting worker") == 1


def test_health_carries_no_data(server: Server) -> None:
    for path in ("/healthz", "/readyz"):
        assert requests.get(server.url + path, timeout=10).json() == {"status": "ok"}


def test_elsewhere_is_404_as_json(server: Server) -> None:
    response = requests.get(server.url + "/nowhere", timeout=10)
    assert response.status_code == 404
    assert "detail" in response.json()
