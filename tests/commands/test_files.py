"""The files that commands write: rights, links, pipes."""

import os
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .conftest import ALI, Shop

Write = Callable[..., str]

#: The commands that write a file, how its name ends, and how it begins.
COMMANDS = {
    "export": (("export", "FILE"), ".csv", "id,created_date"),
    "rejects": (("load", "ROWS", "--rejects", "FILE"), ".csv", "place,reason"),
    "report": (("load", "ROWS", "--report", "FILE"), ".json", '{\n  "status": 1'),
}


@pytest.fixture(params=COMMANDS)
def command(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def start(command: str) -> str:
    """How the file begins."""
    return COMMANDS[command][2]


@pytest.fixture
def ending(command: str) -> str:
    """How the file's name ends."""
    return COMMANDS[command][1]


@pytest.fixture
def write(command: str, shop: Shop) -> Iterator[Write]:
    """Let the command write a file, and return what it says."""
    shop.load("b.csv", [ALI | {"id": 1}])
    rows = shop.file("a.csv", [ALI | {"id": 2, "email": "wrong"}])

    def write(path: Path, *options: str) -> str:
        paths = {"FILE": path, "ROWS": rows}
        return shop(*(paths.get(it, it) for it in COMMANDS[command][0]), *options).stderr

    yield write
    assert [it.name for it in shop.folder.iterdir() if it.name.startswith(".")] == []


@pytest.fixture(params=[0o022, 0o027, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def rights(path: Path) -> str:
    return oct(stat.S_IMODE(path.stat().st_mode))


def test_a_new_file_has_the_rights_that_the_umask_leaves(
    umask: int, shop: Shop, write: Write, start: str, ending: str
) -> None:
    file = shop.folder / f"new{ending}"
    write(file)
    assert (rights(file), file.read_text()[:12]) == (oct(0o666 & ~umask), start[:12])


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o666])
def test_a_file_that_exists_keeps_its_rights(
    umask: int, shop: Shop, write: Write, start: str, ending: str, mode: int
) -> None:
    file = shop.folder / f"old{ending}"
    file.touch()
    file.chmod(mode)
    write(file)
    assert (rights(file), file.read_text()[:12]) == (oct(mode), start[:12])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a file to another user")
def test_a_file_that_exists_keeps_its_owner(shop: Shop, write: Write, ending: str) -> None:
    file = shop.folder / f"old{ending}"
    file.touch()
    os.chown(file, 12345, 23456)
    write(file)
    assert (file.stat().st_uid, file.stat().st_gid) == (12345, 23456)


def test_a_link_is_refused(shop: Shop, write: Write, ending: str) -> None:
    target, link = shop.folder / f"target{ending}", shop.folder / f"link{ending}"
    link.symlink_to(target)
    for content in (None, "somebody else's"):
        if content:
            target.write_text(content)
        assert write(link) == (
            f"Error: {link} could not be written: it is a symbolic link; --follow-links writes to"
            " its target.\n"
        )
        assert link.is_symlink()
        assert (target.read_text() if content else None) == content


def test_a_link_is_followed_by_who_asks_for_it(
    shop: Shop, write: Write, start: str, ending: str
) -> None:
    folder = shop.folder / "folder"
    folder.mkdir()
    target, link = folder / f"target{ending}", shop.folder / f"link{ending}"
    link.symlink_to(target)
    for _ in range(2):
        write(link, "--follow-links")
        assert link.is_symlink()
        assert target.read_text().startswith(start)
        target.chmod(0o604)
    assert rights(target) == oct(0o604)
    assert [*folder.iterdir()] == [target]


def test_a_pipe_is_written_to(shop: Shop, write: Write, start: str, ending: str) -> None:
    pipe, got = shop.folder / f"pipe{ending}", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()))
    reader.start()
    write(pipe)
    reader.join(10)
    assert got[0].startswith(start)
    assert pipe.is_fifo()


OTHERS = [
    "id,email\n1,a@b.example\n",
    "place;\n",
    "placebo,reason\n",
    " ",
    "\0",
]


@pytest.mark.parametrize("content", OTHERS)
def test_rejects_are_not_written_over_anything_else(shop: Shop, content: str) -> None:
    file = shop.file("other.csv", content)
    result = shop.load("a.csv", [ALI | {"id": 1, "email": "wrong"}], "--rejects", file)
    assert result.stderr == (
        f"Error: {file} could not be written: it exists, and holds something else.\n"
    )
    assert (result.exit_code, file.read_text()) == (1, content)


REFUSED = {
    ".csv": "id;omnitron_id;email;first_name\n1;1;wrong;Şeyma\n",
    ".jsonl": '{"id": "wrong", "first_name": "Şeyma"}\n',
}


@pytest.mark.parametrize(
    ("ending", "encoding"),
    [(".jsonl", "utf-8"), (".csv", "utf-8"), (".csv", "cp1254")],
)
def test_rejects_are_written_over_those_of_before(shop: Shop, ending: str, encoding: str) -> None:
    file, rows = shop.folder / f"rejects{ending}", REFUSED[ending].encode(encoding)
    for _ in range(2):
        result = shop.load(f"a{ending}", rows, "--encoding", encoding, "--rejects", file)
        assert "1 refused" in result.stderr
        assert file.read_text(encoding).count("Şeyma") == 1
