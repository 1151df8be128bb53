"""A workbook without its rows: its sheets, its formats and its texts."""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterator, Sized
from contextlib import ExitStack
from typing import IO, NamedTuple

from openpyxl.styles.numbers import BUILTIN_FORMATS

from ..rows import Unreadable
from .number_formats import Format, number_format
from .package import Package, reading
from .xml import Attributes, Elements, RichText, unescaped

#: More than Excel allows.
MAX_FORMATS, MAX_SHEETS = 100_000, 10_000

TRUE = ("1", "true", "on")


class Sheet(NamedTuple):
    """A sheet.

    :param state: ``visible``, ``hidden`` or ``veryHidden``.
    :param type: ``worksheet``, or what else it is.
    """

    title: str
    part: str
    state: str
    type: str


class Workbook:
    """A workbook that is open.

    :ivar is_calculated: whether the results of formulas are what Excel would show. Programs that
        write formulas without calculating them say that Excel shall do it when it opens the file.
    """

    def __init__(self, file: IO[bytes], stack: ExitStack) -> None:
        self.package = Package(file)
        stack.callback(self.package.close)
        self._relations = self.package.relations(self.package.workbook)
        self.sheets: list[Sheet] = []
        self.since_1904, self.is_calculated = False, True
        self._read_sheets()
        self._codes = dict(BUILTIN_FORMATS)
        self._formats: list[str] = []
        for part in self._related("styles"):
            self._read_styles(part)
        self.texts = Texts(stack)
        for part in self._related("sharedStrings"):
            self.texts.read(self.package, part)

    def format(self, style: str | None) -> Format | None:
        """Return the format of a cell's style, unless it is ``General``."""
        if style is None:
            style = "0"
        code = self._formats[int(style)] if self._formats else "General"
        return None if code == "General" else number_format(code)

    def _related(self, type_: str) -> Iterator[str]:
        return (
            it.target
            for it in self._relations.values()
            if it.type == type_ and self.package.has(it.target)
        )

    def _read_sheets(self) -> None:
        def sheet(attributes: Attributes) -> None:
            [id_] = [value for name, value in attributes.items() if name.endswith(":id")]
            relation, state = self._relations[id_], attributes.get("state", "visible")
            self.sheets.append(Sheet(attributes["name"], relation.target, state, relation.type))
            if len(self.sheets) > MAX_SHEETS:
                raise Unreadable(f"has more than {MAX_SHEETS:,} sheets")

        def properties(attributes: Attributes) -> None:
            self.since_1904 = attributes.get("date1904") in TRUE

        def calculation(attributes: Attributes) -> None:
            self.is_calculated = attributes.get("fullCalcOnLoad") not in TRUE

        elements = Elements()
        elements.starts |= {"sheet": sheet, "workbookPr": properties, "calcPr": calculation}
        self.package.take(self.package.workbook, elements)

    def _read_styles(self, part: str) -> None:
        elements = Elements()

        def number(attributes: Attributes) -> None:
            self._codes[int(attributes["numFmtId"])] = attributes["formatCode"]
            check(self._codes)

        def style(attributes: Attributes) -> None:
            id_ = int(attributes.get("numFmtId", 0))
            # A number without a code is a format of another language's.
            self._formats.append(self._codes.get(id_, f"[format {id_}]0"))
            check(self._formats)

        def check(formats: Sized) -> None:
            if len(formats) > MAX_FORMATS:
                raise Unreadable(f"has more than {MAX_FORMATS:,} formats of cells")

        # Elements of the same names stand elsewhere too, and mean something else there.
        elements.starts |= {
            "numFmts": lambda _: elements.starts.update(numFmt=number),
            "cellXfs": lambda _: elements.starts.update(xf=style),
        }
        elements.ends |= {
            "numFmts": lambda: elements.starts.__delitem__("numFmt"),
            "cellXfs": lambda: elements.starts.__delitem__("xf"),
        }
        self.package.take(part, elements)


class Texts:
    """The texts that cells share, on disk: a text is read when a cell shows it."""

    PLACE = struct.Struct("<QQ")

    #: Texts that were shown last are kept, up to so many of at most so many bytes.
    KEPT, KEPT_BYTES = 10_000, 256

    def __init__(self, stack: ExitStack) -> None:
        self._texts = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
        self._places = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
        self._count = 0
        self._kept: dict[int, str] = {}

    def read(self, package: Package, part: str) -> None:
        """Read them from their part."""
        elements, done = RichText(), []
        elements.ends["si"] = lambda: done.append(elements.collected())
        end = 0
        with reading(), package.open(part) as file:
            for _ in elements.feed(file):
                for text in done:
                    content = unescaped(text).encode("utf-8", "surrogatepass")
                    self._texts.write(content)
                    self._places.write(self.PLACE.pack(end, len(content)))
                    end += len(content)
                self._count += len(done)
                done.clear()

    def __getitem__(self, number: int) -> str:
        if (text := self._kept.get(number)) is not None:
            return text
        if not 0 <= number < self._count:
            raise IndexError(number)
        self._places.seek(number * self.PLACE.size)
        begin, length = self.PLACE.unpack(self._places.read(self.PLACE.size))
        self._texts.seek(begin)
        text = self._texts.read(length).decode("utf-8", "surrogatepass")
        if length <= self.KEPT_BYTES:
            if len(self._kept) == self.KEPT:
                self._kept.clear()
            self._kept[number] = text
        return text
