"""The zip file that a workbook is, and other files that people give its name."""

from __future__ import annotations

import posixpath
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, NamedTuple
from xml.parsers.expat import ExpatError

from ..rows import Unreadable
from ..texts import PIECE
from .xml import Attributes, Elements

#: Exceptions that a damaged file, or one of another kind, makes zipfile and others raise.
BROKEN = (
    EOFError, ExpatError, KeyError, IndexError, NotImplementedError, OverflowError, RuntimeError,
    ValueError, struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip

#: A part unpacks to so many times its file's size at most, if to more than so many bytes. Sheets
#: unpack to ten or twenty times theirs.
MAX_RATIO, FREE_BYTES = 200, 64 << 20

#: The directory of a zip file is kept in memory. A workbook of a hundred sheets has 20 KiB.
MAX_DIRECTORY = 1 << 20

#: Relations are kept in memory too. A workbook of a hundred sheets has a hundred and a few.
MAX_RELATIONS = 10_000

COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

TOO_MANY = "has too many parts for a workbook"
DAMAGED = "is no workbook of Excel's, or is damaged"
ANEW = "open it in Excel and save it as an Excel workbook (.xlsx)"

#: The first bytes of an old workbook, or of one with a password; and a name in the second, as it is
#: spelled there.
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


class Relation(NamedTuple):
    """A relation of a part to another: the last word of its type, and where that part is."""

    type: str
    target: str


class Package:
    """The parts of a workbook.

    :param size: of the file, in bytes.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._size = file.seek(0, 2)
        file.seek(0)
        head = file.read(8)
        if head == OLE:
            raise Unreadable(_old(file))
        if head.lstrip().startswith(b"<"):
            raise Unreadable(f"is a web page or XML under the name of a workbook: {ANEW}")
        with reading():
            _check_directory(file)
            self._zip = zipfile.ZipFile(file)
        self._parts = {info.filename.lower(): info for info in self._zip.infolist()}
        self.workbook = self._workbook()

    def close(self) -> None:
        """Close it."""
        self._zip.close()

    def has(self, part: str) -> bool:
        """Whether there is such a part."""
        return part.lower() in self._parts

    @contextmanager
    def open(self, part: str) -> Iterator[IO[bytes]]:
        """Open a part to read."""
        info = self._parts.get(part.lower())
        if info is None or info.compress_type not in COMPRESSIONS or info.header_offset < 0:
            raise Unreadable(DAMAGED)
        unpacked = max(info.file_size - FREE_BYTES, 0)
        if unpacked > MAX_RATIO * self._size:
            raise Unreadable(
                f"would unpack to {info.file_size >> 20:,} MiB, more than {MAX_RATIO} times its"
                f" size: {ANEW}"
            )
        if info.flag_bits & 1:
            raise Unreadable(f"is protected by a password: {ANEW} without one")
        with reading():
            file = self._zip.open(info)
        with file:
            yield file

    def relations(self, part: str) -> dict[str, Relation]:
        """Return the relations of a part, by their ids."""
        folder, name = posixpath.split(part)
        found: dict[str, Relation] = {}

        def relation(attributes: Attributes) -> None:
            target = posixpath.normpath(posixpath.join("/", folder, attributes["Target"]))
            type_ = attributes["Type"].rpartition("/")[2]
            found[attributes["Id"]] = Relation(type_, target.lstrip("/"))
            if len(found) > MAX_RELATIONS:
                raise Unreadable(TOO_MANY)

        elements = Elements()
        elements.starts["Relationship"] = relation
        beside = posixpath.join(folder, "_rels", f"{name}.rels")
        if self.has(beside):
            self.take(beside, elements)
        return found

    def take(self, part: str, elements: Elements) -> None:
        """Take all elements of a part that is small in any workbook."""
        with reading(), self.open(part) as file:
            for _ in elements.feed(file):
                if file.tell() > FREE_BYTES:
                    raise Unreadable(f"has a part that is too large: {part}")

    def _workbook(self) -> str:
        """Return the part that names the sheets."""
        if self.has("content.xml"):
            raise Unreadable("is an OpenDocument file: save it as an Excel workbook (.xlsx)")
        for relation in self.relations("").values():
            if relation.type == "officeDocument" and self.has(relation.target):
                if relation.target.endswith(".bin"):
                    raise Unreadable(f"is a binary workbook (.xlsb): {ANEW}")
                return relation.target
        raise Unreadable(DAMAGED)


@contextmanager
def reading(sentence: str = DAMAGED) -> Iterator[None]:
    """Raise ``sentence`` for whatever a damaged file makes go wrong."""
    try:
        yield
    except BROKEN:
        raise Unreadable(sentence) from None


def _old(file: IO[bytes]) -> str:
    kept = b""
    while piece := file.read(PIECE):
        if ENCRYPTED in kept + piece:
            return f"is protected by a password: {ANEW} without one"
        kept = piece[-len(ENCRYPTED) :]
    return f"is an old workbook (.xls of Excel 97 to 2003) or another old document: {ANEW}"


def _check_directory(file: IO[bytes]) -> None:
    """Check how large the directory at the end of a zip file is, before zipfile reads it."""
    start = max(file.seek(0, 2) - (1 << 16) - 98, 0)
    file.seek(start)
    tail = file.read()
    end, end_64 = tail.rfind(b"PK\5\6"), tail.rfind(b"PK\6\6")
    sizes = [struct.unpack_from("<I", tail, end + 12)[0]] if end >= 0 else []
    if end_64 >= 0:
        sizes = [struct.unpack_from("<Q", tail, end_64 + 40)[0]]
    if any(size > MAX_DIRECTORY for size in sizes):
        raise Unreadable(TOO_MANY)
