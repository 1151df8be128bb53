"""The files that are loaded: opened, told apart by their endings, and where one stands in them."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ..load import csv, json, xlsx
from .rows import Contents, Unreadable


@dataclass(frozen=True)
class Options:
    """How files are read.

    :param format: of what has no ending, one of :data:`READERS`.
    """

    format: str | None
    encoding: str
    guarded: bool


Reader = Callable[[IO[bytes], Options], Contents]

#: By the ending of a file's name.
READERS: dict[str, Reader] = {
    "csv": lambda file, options: csv.read(file, options.encoding, options.guarded),
    "json": lambda file, _: json.read(file),
    "jsonl": lambda file, _: json.read_lines(file),
    "xlsx": lambda file, options: xlsx.read(file, options.guarded),
}


@dataclass(frozen=True)
class Source:
    """A file to load.

    :param name: what it is called in a sentence.
    :param size: in bytes.
    """

    name: str
    path: Path
    file: IO[bytes]
    size: int
    contents: Contents

    @property
    def position(self) -> int:
        """How many bytes were read."""
        return self.file.tell()


@contextmanager
def opened(path: Path, options: Options) -> Iterator[Source]:
    """Open a file and read what it begins with; ``-`` is standard input.

    :raises Unreadable: when it is none of the formats.
    """
    name = "standard input" if str(path) == "-" else str(path)
    read = READERS.get(options.format or path.suffix.lower()[1:])
    if read is None:
        raise Unreadable(f"{name} ends in none of .{', .'.join(READERS)}: say --format")
    with _file(path) as file:
        size = file.seek(0, 2)
        file.seek(0)
        try:
            if size == 0:
                raise Unreadable("is empty")
            contents = read(file, options)
        except Unreadable as error:
            raise Unreadable(f"{name} {error}") from None
        yield Source(name, path, file, size, contents)


@contextmanager
def _file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file to go to and fro in: what comes through a pipe is kept on disk first."""
    with nullcontext(sys.stdin.buffer) if str(path) == "-" else path.open("rb") as file:
        if file.seekable():
            yield file
            return
        with tempfile.TemporaryFile() as kept:
            shutil.copyfileobj(file, kept)
            yield kept
