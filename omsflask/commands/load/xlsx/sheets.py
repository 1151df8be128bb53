"""The rows of a sheet, every cell by its kind."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import IO, NamedTuple

from openpyxl.utils.cell import column_index_from_string, get_column_letter

from ..cells import Cell
from ..rows import MAX_ROW, Unreadable
from .cells import Moment, Number
from .number_formats import Format, number_format
from .package import BROKEN
from .workbook import Workbook
from .xml import Attributes, RichText, unescaped

Value = str | Cell

NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?", re.ASCII)
MAX_NUMBER = 400
MAX_COLUMNS = 1 << 14
COLUMNS = {get_column_letter(number): number for number in range(1, 101)}

TRUTHS = {"0": "FALSE", "false": "FALSE", "1": "TRUE", "true": "TRUE"}

NOT_CALCULATED = (
    "is a formula whose result is not in the file. Open the workbook in Excel and save it, or paste"
    " the values over the formulas."
)
EMPTY_RESULT = (
    "is a formula that shows nothing. Clear the cell to have nothing stored, or say --keep-empty to"
    " leave what is."
)
HIDING = "has a format that hides its text. Give the column the format Text."
GENERAL = number_format("General")


class SheetRow(NamedTuple):
    """A row: its cells that are not empty, by the numbers of their columns.

    :param is_long: whether it has more characters than any customer; then only the first are there.
    """

    number: int
    cells: Mapping[int, Value]
    is_hidden: bool
    is_long: bool


class Rows(RichText):
    """Makes the rows of a sheet from its elements."""

    def __init__(self, workbook: Workbook) -> None:
        super().__init__()
        self._workbook = workbook
        self._done: list[SheetRow] = []
        self._number, self._column, self._is_hidden, self._size = 0, 0, False, 0
        self._cells: dict[int, Value] = {}
        self._cell: Attributes = {}
        self._is_formula, self._value = False, ""
        self.first_hidden_column = MAX_COLUMNS
        self.starts |= {
            "col": self._hide, "row": self._begin_row, "c": self._begin_cell,
            "v": self._begin_value, "f": self._note_formula,
        }  # fmt: skip
        self.ends |= {"row": self._end_row, "c": self._end_cell, "v": self._end_value}

    def of(self, part: IO[bytes], title: str) -> Iterator[SheetRow]:
        """Yield the rows as they come, also those that stand before a fault."""
        pieces = self.feed(part)
        last, fault = 0, None
        while fault is None:
            try:
                if next(pieces, self) is self:
                    return
            except Unreadable as error:
                fault = error
            except BROKEN:
                fault = Unreadable("")
            done, self._done = self._done, []
            for row in done:
                yield row
                last = row.number
        raise fault if str(fault) else Unreadable(f"is damaged after row {last} of sheet {title!r}")

    def _hide(self, attributes: Attributes) -> None:
        if attributes.get("hidden") in ("1", "true"):
            self.first_hidden_column = min(self.first_hidden_column, int(attributes["min"]))

    def _begin_row(self, attributes: Attributes) -> None:
        number = int(attributes.get("r", self._number + 1))
        if number <= self._number:
            raise ValueError(number)
        self._number = number
        self._is_hidden = attributes.get("hidden") in ("1", "true")
        self._cells, self._column, self._size = {}, 0, 0

    def _end_row(self) -> None:
        if self._cells:
            is_long = self._size > MAX_ROW
            self._done.append(SheetRow(self._number, self._cells, self._is_hidden, is_long))

    def _begin_cell(self, attributes: Attributes) -> None:
        self._cell, self._is_formula, self._value = attributes, False, ""
        if reference := attributes.get("r"):
            letters = reference.rstrip("0123456789")
            column = COLUMNS.get(letters) or column_index_from_string(letters)
            if column <= self._column or reference != f"{letters}{self._number}":
                raise ValueError(reference)
            self._column = column
        else:
            self._column += 1

    def _begin_value(self, _: Attributes) -> None:
        self.collects = True

    def _end_value(self) -> None:
        self.collects = False

    def _note_formula(self, _: Attributes) -> None:
        self._is_formula = True

    def _end_cell(self) -> None:
        text = self.collected()
        if not text and not self._is_formula:
            return
        value = self._read(text)
        if value == "":
            return
        self._size += len(value if isinstance(value, str) else value.shown)
        if self._column > MAX_COLUMNS:
            raise ValueError(self._column)
        if self._size <= MAX_ROW or not self._cells:
            self._cells[self._column] = value if self._size <= MAX_ROW else str(value)[:MAX_ROW]

    def _read(self, text: str) -> Value:
        """Return what a cell holds: a text, or what is none."""
        type_ = self._cell.get("t", "n")
        reference = self._cell.get("r") or f"{get_column_letter(self._column)}{self._number}"
        if self._is_formula:
            if not self._workbook.is_calculated or (text == "" and type_ != "str"):
                return Cell(reference, "#FORMULA!", NOT_CALCULATED)
            if text == "":
                return Cell(reference, "#FORMULA!", EMPTY_RESULT, is_empty=True)
        return READ[type_](self, reference, text)

    def _shared(self, reference: str, text: str) -> Value:
        return self._shown(reference, self._workbook.texts[int(text)])

    def _text(self, reference: str, text: str) -> Value:
        return self._shown(reference, unescaped(text))

    def _shown(self, reference: str, text: str) -> Value:
        format_ = self._format()
        shown = format_.shown_text(text) if format_ and text else text
        return Cell(reference, text, HIDING) if shown is None else shown

    def _number_cell(self, reference: str, text: str) -> Value:
        text = text.strip()
        if not NUMBER.fullmatch(text) or len(text) > MAX_NUMBER:
            raise ValueError(text)
        return Number(reference, text, self._format() or GENERAL, self._workbook.since_1904)

    def _truth(self, reference: str, text: str) -> Value:
        shown = TRUTHS[text.strip()]
        return Cell(reference, shown, f"is the truth value {shown}, and no text or number.")

    def _error(self, reference: str, text: str) -> Value:
        return Cell(reference, text, f"is the error {text}. Mend its formula, or clear the cell.")

    def _date(self, reference: str, text: str) -> Value:
        return Moment(reference, text.strip())

    def _format(self) -> Format | None:
        return self._workbook.format(self._cell.get("s"))


#: By the type of a cell.
READ: dict[str, Callable[[Rows, str, str], Value]] = {
    "n": Rows._number_cell,
    "s": Rows._shared,
    "str": Rows._text,
    "inlineStr": Rows._text,
    "b": Rows._truth,
    "e": Rows._error,
    "d": Rows._date,
}
