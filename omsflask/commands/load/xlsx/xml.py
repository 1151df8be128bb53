"""XML, element by element, of which nothing is kept: neither a tree nor an endless name or text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO
from xml.parsers import expat

from openpyxl.utils.escape import unescape

from ..rows import Unreadable
from ..texts import MAX_LENGTH, PIECE

Attributes = dict[str, str]

#: More than any part of a workbook has.
MAX_DEPTH, MAX_NAMES = 64, 4096


class Elements:
    """Takes the elements of a part.

    :ivar starts: what is done where an element begins, by its name without a prefix.
    :ivar ends: what is done where it ends.
    :ivar collects: whether the text that comes is wanted.
    """

    def __init__(self) -> None:
        self.starts: dict[str, Callable[[Attributes], None]] = {}
        self.ends: dict[str, Callable[[], None]] = {}
        self.collects = False
        self._pieces: list[str] = []
        self._length = 0
        self._depth = 0

    def feed(self, part: IO[bytes]) -> Iterator[None]:
        """Take a part, piece by piece.

        :raises Unreadable: where it is none that a program for sheets writes.
        """
        names: dict[str, str] = {}
        parser = expat.ParserCreate(intern=names)
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        # Entities can multiply, and no part of a workbook declares any.
        parser.StartDoctypeDeclHandler = _refuse
        fed = 0
        while piece := part.read(PIECE):
            parser.Parse(piece, False)
            fed += len(piece)
            if fed - parser.CurrentByteIndex > MAX_LENGTH or len(names) > MAX_NAMES:
                _refuse()
            yield
        parser.Parse(b"", True)
        yield

    def collected(self) -> str:
        """Return the text that was collected since the last time."""
        text = "".join(self._pieces)
        self._pieces.clear()
        self._length = 0
        return text

    def _start(self, name: str, attributes: Attributes) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            _refuse()
        if action := self.starts.get(name if ":" not in name else name.partition(":")[2]):
            action(attributes)

    def _end(self, name: str) -> None:
        self._depth -= 1
        if action := self.ends.get(name if ":" not in name else name.partition(":")[2]):
            action()

    def _data(self, text: str) -> None:
        if self.collects:
            self._length += len(text)
            if self._length > MAX_LENGTH:
                raise Unreadable(f"has a cell of more than {MAX_LENGTH:,} characters")
            self._pieces.append(text)


class RichText(Elements):
    """Elements with texts of several runs, which are collected without how they are pronounced."""

    def __init__(self) -> None:
        super().__init__()
        self._is_phonetic = False
        self.starts |= {"t": self._begin, "rPh": lambda _: self._pronounce(True)}
        self.ends |= {"t": self._pause, "rPh": lambda: self._pronounce(False)}

    def _begin(self, _: Attributes) -> None:
        self.collects = not self._is_phonetic

    def _pause(self) -> None:
        self.collects = False

    def _pronounce(self, is_phonetic: bool) -> None:
        self._is_phonetic = is_phonetic


def unescaped(text: str) -> str:
    """Return a text without the escapes of characters that XML has not."""
    return str(unescape(text)) if "_x" in text else text


def _refuse(*_: object) -> None:
    raise Unreadable("has XML in it that no program for sheets writes")
