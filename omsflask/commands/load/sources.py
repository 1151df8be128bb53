"""The files that are loaded: opened, told apart by their endings, and where one stands in them."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ..load import csv, json
from .rows import Contents, Unreadable


@dataclass(frozen=True)
class Options:
    """How files are read.

    :param format: one of :data:`READERS`, whatever the ending.
    :param names: of the fields, in the order of the service's own files.
    :param sheets: of a workbook, by their names; all that are visible if there are none.
    """

    format: str | None
    encoding: str
    guarded: bool
    names: tuple[str, ...]
    sheets: tuple[str, ...] = ()


Reader = Callable[[IO[bytes], Options], Contents]

READERS: dict[str, Reader] = {
    "csv": lambda file, it: csv.read(file, it.encoding, it.guarded, it.names),
    "json": lambda file, it: json.read(file, it.names),
    "jsonl": lambda file, _: json.read_lines(file),
    "xlsx": lambda file, it: _workbook(file, it),
}

#: Formats that files are also known by.
ENDINGS = {**{name: name for name in READERS}, "tsv": "csv", "txt": "csv", "ndjson": "jsonl"}
#: Endings of spreadsheets. The reader names those that it cannot read.
ENDINGS |= dict.fromkeys(("xlsm", "xltx", "xls", "xlsb", "ods"), "xlsx")


def _workbook(file: IO[bytes], options: Options) -> Contents:
    if importlib.util.find_spec("openpyxl") is None:
        raise Unreadable("needs openpyxl to be read: pip install 'omsflask[load]'")
    from . import xlsx  # It is there only where it is wanted.

    return xlsx.read(file, options.guarded, options.sheets)


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
    format_ = options.format or ENDINGS.get(path.suffix.lower()[1:])
    if format_ is None:
        raise Unreadable(f"{name} ends in none of .{', .'.join(READERS)}: say --format")
    with _file(path) as file:
        size = file.seek(0, 2)
        file.seek(0)
        try:
            if size == 0:
                raise Unreadable("is empty")
            if options.sheets and format_ != "xlsx":
                raise Unreadable("is no workbook, which --sheet is for")
            contents = READERS[format_](file, options)
        except Unreadable as error:
            raise Unreadable(f"{name} {error}") from None
        with closing(contents):
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
