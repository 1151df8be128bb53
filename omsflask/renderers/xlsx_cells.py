"""The XML of a sheet's rows, whole columns at a time: the cells that xlsxwriter makes, faster.

xlsxwriter escapes the same characters in the same way (ECMA-376, part 1, 22.9.2.19). Property tests
compare the two. Only where two look-alikes share an underscore,
``_x005F_x0041_``, does xlsxwriter escape the first alone, which Excel reads as another text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from math import isfinite
from typing import Any

from ..declarations.cells import Row
from ..declarations.fields import format_utc, parse_utc
from ..declarations.shown import file_text

#: Characters in a cell at most, in UTF-16 units; with more Excel calls the file damaged.
MAX_TEXT = 32_767

#: Excel keeps fifteen digits of a number.
MAX_DIGITS = 15
MAX_NUMBER = 10**MAX_DIGITS
NUMBER = re.compile(r"-?(\d+(?:\.\d+)?)", re.ASCII)

LOOKS_ESCAPED = re.compile(r"_(?=x[0-9a-fA-F]{4}_)")
UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]")

#: Excel counts days from here, and believes in a 29 February 1900, before which it is a day off.
EPOCH = date(1899, 12, 30).toordinal()
FIRST_DAY = "1900-03-01"

#: Writes the cells of a column: its letters, the attribute that names its format, the numbers of
#: the rows, the values.
Writer = Callable[[str, str, Sequence[int], Sequence[Any]], list[str]]


def texts(letters: str, style: str, numbers: Sequence[int], values: Sequence[Any]) -> list[str]:
    """Write text as text, whatever it looks like; nothing for null and for no text."""
    if _is_plain("|".join([str(value) for value in values if value])):
        return [
            f'<c r="{letters}{number}"{style} t="inlineStr"><is><t>{value}</t></is></c>'
            if value
            else ""
            for number, value in zip(numbers, values, strict=True)
        ]
    return [
        _text(f"{letters}{number}", style, str(value)) if value else ""
        for number, value in zip(numbers, values, strict=True)
    ]


def _is_plain(joined: str) -> bool:
    """Whether nothing in a column, joined by ``|``, is to be escaped, kept or cut."""
    return (
        joined.isprintable()
        and not ("&" in joined or "<" in joined or ">" in joined or "_x" in joined)
        and not (" |" in joined or "| " in joined or joined[:1] == " " or joined[-1:] == " ")
        and len(joined) < MAX_TEXT // 2
    )


def _text(reference: str, style: str, value: str) -> str:
    value = escaped(fitting(value))
    kept = ' xml:space="preserve"' if value[0].isspace() or value[-1].isspace() else ""
    return f'<c r="{reference}"{style} t="inlineStr"><is><t{kept}>{value}</t></is></c>'


def fitting(value: str) -> str:
    """Return as much of a text as a cell holds."""
    if len(value) <= MAX_TEXT // 2:
        return value
    return value.encode("utf-16-le")[: 2 * MAX_TEXT].decode("utf-16-le", errors="ignore")


def escaped(value: str) -> str:
    """Return a text as XML that Excel reads back to the character."""
    value = LOOKS_ESCAPED.sub("_x005F_", value)
    value = UNWRITABLE.sub(lambda match: f"_x{ord(match[0]):04X}_", value)
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


#: A day in the smallest parts that a cell's number shows, a microsecond's about. Whole numbers and
#: an exponent are written in half the time of a fraction.
DAY, EXPONENT = 10**11, "E-11"
SECOND = DAY / 86_400

#: Dates whose numbers are kept: those of a century.
MAX_DAYS = 36_525

#: The length of a moment as UTCDateTime shows it.
MOMENT_LENGTH = 27


class Days(dict[str, int]):
    """Excel's days, by their dates in ISO 8601."""

    def __missing__(self, day: str) -> int:
        if len(self) >= MAX_DAYS:
            self.clear()
        number = self[day] = (date.fromisoformat(day).toordinal() - EPOCH) * DAY
        return number


class Times(dict[str, int]):
    """Parts of a day, by their times in ISO 8601, to the minute."""

    def __missing__(self, time: str) -> int:
        hours, minutes = map(int, time.split(":"))
        number = self[time] = round((hours * 60 + minutes) * 60 * SECOND)
        return number


DAYS, TIMES = Days(), Times()


def moments(letters: str, style: str, numbers: Sequence[int], values: Sequence[Any]) -> list[str]:
    """Write moments, which come as ISO 8601, as Excel's days; as text those before its calendar."""
    try:
        return _moments(letters, style, numbers, values)
    except (TypeError, ValueError):
        return _one_by_one(_moment, letters, style, numbers, values)


def _moment(letters: str, style: str, numbers: Sequence[int], values: Sequence[Any]) -> list[str]:
    return _moments(letters, style, numbers, [format_utc(parse_utc(value)) for value in values])


def _moments(letters: str, style: str, numbers: Sequence[int], values: Sequence[Any]) -> list[str]:
    if set(map(len, values)) != {MOMENT_LENGTH} or min(values) < FIRST_DAY:
        raise ValueError("one is no moment of Excel's")
    return [
        f'<c r="{letters}{number}"{style}><v>'
        f"{DAYS[value[:10]] + TIMES[value[11:16]] + int(float(value[17:26]) * SECOND)}"
        f"{EXPONENT}</v></c>"
        for number, value in zip(numbers, values, strict=True)
    ]


def dates(letters: str, style: str, numbers: Sequence[int], values: Sequence[Any]) -> list[str]:
    """Write dates, which come as ISO 8601, as Excel's days; as text those before its calendar."""
    try:
        return _dates(letters, style, numbers, values)
    except (TypeError, ValueError):
        return _one_by_one(_dates, letters, style, numbers, values)


def _dates(letters: str, style: str, numbers: Sequence[int], values: Sequence[Any]) -> list[str]:
    if min(values) < FIRST_DAY:
        raise ValueError("one is no date of Excel's")
    return [
        f'<c r="{letters}{number}"{style}><v>{DAYS[value]}{EXPONENT}</v></c>'
        for number, value in zip(numbers, values, strict=True)
    ]


def _one_by_one(
    write: Writer, letters: str, style: str, numbers: Sequence[int], values: Sequence[Any]
) -> list[str]:
    """Write each value by ``write``, or as what it is where ``write`` takes no such value."""
    cells: list[str] = []
    for number, value in zip(numbers, values, strict=True):
        try:
            cells += write(letters, style, [number], [value])
        except (AttributeError, TypeError, ValueError):
            cells += anything(letters, "", [number], [value])
    return cells


def booleans(letters: str, style: str, numbers: Sequence[int], values: Sequence[Any]) -> list[str]:
    """Write truth values."""
    return [
        f'<c r="{letters}{number}"{style} t="b"><v>{value:d}</v></c>'
        if isinstance(value, bool)
        else anything(letters, style, [number], [value])[0]
        for number, value in zip(numbers, values, strict=True)
    ]


def quantities(
    letters: str, style: str, numbers: Sequence[int], values: Sequence[Any]
) -> list[str]:
    """Write numbers as numbers; as text those that Excel would round."""
    if set(map(type, values)) == {int} and max(map(abs, values)) < MAX_NUMBER:
        return [
            f'<c r="{letters}{number}"{style}><v>{value}</v></c>'
            for number, value in zip(numbers, values, strict=True)
        ]
    return [
        f'<c r="{letters}{number}"{style}><v>{value}</v></c>'
        if _is_number(value)
        else texts(letters, "", [number], [file_text(value)])[0]
        for number, value in zip(numbers, values, strict=True)
    ]


def _is_number(value: Any) -> bool:
    """Whether Excel keeps a number as it is: a float, or one of fifteen digits."""
    if isinstance(value, float):
        return isfinite(value)
    match = None if value is None else NUMBER.fullmatch(str(value))
    return match is not None and len(match[1].replace(".", "").lstrip("0")) <= MAX_DIGITS


def anything(letters: str, style: str, numbers: Sequence[int], values: Sequence[Any]) -> list[str]:
    """Write each value as what it is; JSON as its text."""
    return [
        booleans(letters, style, [number], [value])[0]
        if isinstance(value, bool)
        else quantities(letters, style, [number], [value])[0]
        if isinstance(value, int | float)
        else texts(letters, style, [number], [file_text(value)])[0]
        for number, value in zip(numbers, values, strict=True)
    ]


#: By what the field type's cells are.
WRITERS: dict[str, Writer] = {
    "text": texts,
    "number": quantities,
    "boolean": booleans,
    "datetime": moments,
    "date": dates,
    "any": anything,
}


def rows(columns: Sequence[tuple[Writer, str, str]], batch: Sequence[Row], first: int) -> str:
    """Return the XML of some rows.

    :param columns: of each its writer, letters and format.
    :param first: the number of the first row, counted from 1.
    """
    numbers = range(first, first + len(batch))
    # All cells in one list, row by row: each column fills its places in one step.
    width = len(columns) + 2
    pieces = ["</row>"] * (width * len(batch))
    pieces[::width] = [f'<row r="{number}">' for number in numbers]
    for place, (column, values) in enumerate(
        zip(columns, zip(*batch, strict=True), strict=True), start=1
    ):
        write, letters, style = column
        pieces[place::width] = write(letters, style, numbers, values)
    return "".join(pieces)
