"""Cells of a sheet that some fields take and others do not: numbers and moments."""

from __future__ import annotations

from decimal import Decimal

from marshmallow import ValidationError
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH, from_excel

from ..cells import Cell
from .number_formats import Format

#: Digits that Excel keeps of a number.
MAX_DIGITS = 15

ANEW = "Give the column the format Text, and type the text anew."
IS_DATE, IS_TIME, NO_DATE = f"is a date. {ANEW}", f"is a time. {ANEW}", "is no date."
NOT_WHOLE = f"is no whole number. {ANEW}"
TOO_LONG = f"has more than fifteen digits, of which Excel forgets the last. {ANEW}"
UNSHOWN = f"has a format whose text differs by language, or that hides the number. {ANEW}"


class Number(Cell):
    """A number, and how the sheet shows it.

    :param shown: its digits.
    :param since_1904: whether days are counted from then.
    """

    __slots__ = ("_format", "_since_1904")

    def __init__(self, reference: str, shown: str, format_: Format, since_1904: bool) -> None:
        super().__init__(reference, shown, "")
        self._format, self._since_1904 = format_, since_1904

    def __str__(self) -> str:
        if Decimal(self.shown).adjusted() >= MAX_DIGITS:
            return f"{Decimal(self.shown):.14E}"  # Not as digits, which would be believed.
        for read in (self.text, self.moment):
            try:
                return read()
            except ValidationError:
                continue
        return self.shown

    def text(self) -> str:
        shown = self._format.shown(int(self.whole()))
        if shown is None:
            raise self.refused(UNSHOWN)
        return shown

    def whole(self) -> str:
        if self._format.is_date or self._format.is_time:
            raise self.refused(IS_DATE if self._format.is_date else IS_TIME)
        number = Decimal(self.shown)
        if number.adjusted() >= MAX_DIGITS:
            raise self.refused(TOO_LONG)
        if number != int(number):
            raise self.refused(NOT_WHOLE)
        if not self._format.shows(int(number)):
            raise self.refused(UNSHOWN)
        return str(int(number))

    def moment(self) -> str:
        days = float(self.shown)
        # The calendar of 1900 has a 29 February that there never was.
        if not self._format.is_date or days < 1 or (60 <= days < 61 and not self._since_1904):
            raise self.refused(NO_DATE)
        try:
            moment = from_excel(days, MAC_EPOCH if self._since_1904 else WINDOWS_EPOCH)
        except (OverflowError, ValueError):
            raise self.refused(NO_DATE) from None
        return str(moment.isoformat())


class Moment(Cell):
    """A moment that is written in ISO 8601, as strict workbooks have it."""

    __slots__ = ()

    def __init__(self, reference: str, shown: str) -> None:
        super().__init__(reference, shown, IS_DATE)

    def moment(self) -> str:
        return self.shown
