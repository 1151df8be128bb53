"""JSON: a list, a body of the list service, or a row a line; in any case one row at a time.

The parsers that stream JSON put a ``?`` in the place of a lone surrogate and end at a number that
is too large (yajl), or take ten times as long. Python's own reads one row after the other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterator
from typing import IO, Any

from .rows import Contents, Row, Unreadable, without_notes
from .texts import MAX_LENGTH, lines, pieces

BLANKS = re.compile(r"[ \t\r\n]*")


def _whole(digits: str) -> int | str:
    """Leave to the field what is out of every range; int() refuses thousands of digits."""
    return int(digits) if len(digits) < 100 else digits


DECODER = json.JSONDecoder(parse_int=_whole)


def read(file: IO[bytes]) -> Contents:
    """Read a list, or what the list service calls its results."""
    text = Text(pieces(file))
    if text.takes("["):
        return Contents(_rows(text, behind=("",)))
    if not text.takes("{"):
        raise Unreadable("is neither a JSON list nor a body of the list service")
    _to_results(text)
    return Contents(_rows(text, behind=("}", ",")))


def read_lines(file: IO[bytes]) -> Contents:
    """Read a row a line."""
    return Contents(_line_rows(lines(file)))


class Text:
    """A JSON text, read as far as it is needed."""

    def __init__(self, pieces: Iterator[str]) -> None:
        self._pieces = pieces
        self._text = ""
        self._at = 0

    def next(self) -> str:
        """Return the next character that is not blank; nothing at the end."""
        while True:
            self._at = BLANKS.match(self._text, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def takes(self, character: str) -> bool:
        """Go past ``character`` if it is the next."""
        found = self.next() == character
        self._at += found
        return found

    def value(self) -> Any:
        """Return the next value, which something must follow.

        :raises ValueError: when it is none.
        """
        self.next()
        while True:
            try:
                value, end = DECODER.raw_decode(self._text, self._at)
            except ValueError:
                # A text that ends too early is not told from a wrong one.
                if not self._more():
                    raise
                continue
            if end < len(self._text) or not self._more():
                self._at = end
                return value

    def _more(self) -> bool:
        rest = self._text[self._at :]
        if len(rest) > MAX_LENGTH or not (piece := next(self._pieces, "")):
            return False
        self._text, self._at = rest + piece, 0
        return True


def _to_results(text: Text) -> None:
    """Go to the rows of a body."""
    others = {}
    while not text.takes("}"):
        name = _value(text)
        if not text.takes(":"):
            raise _broken(0)
        if name == "results" and text.takes("["):
            return
        others[name] = _value(text)
        text.takes(",")
    raise Unreadable(f"holds no customers: {json.dumps(others, ensure_ascii=False)[:200]}")


def _rows(text: Text, behind: Container[str]) -> Iterator[Row]:
    number = 0
    while not text.takes("]"):
        value = _value(text, number)
        number += 1
        yield _row(f"row {number}", value)
        if text.next() != "]" and not text.takes(","):
            raise _broken(number)
    if text.next() not in behind:
        raise Unreadable(f"does not end after its {number} rows")


def _value(text: Text, rows: int = 0) -> Any:
    try:
        return text.value()
    except (ValueError, RecursionError):
        raise _broken(rows) from None


def _broken(rows: int) -> Unreadable:
    return Unreadable(f"breaks off, or is no JSON, after {rows} whole rows")


def _line_rows(texts: Iterator[str]) -> Iterator[Row]:
    for number, line in enumerate(texts, 1):
        if line.strip():
            try:
                yield _row(f"line {number}", DECODER.decode(line.strip()))
            except (ValueError, RecursionError) as error:
                yield Row(f"line {number}", line.rstrip("\r\n"), {}, f"It is no JSON: {error}.")


def _row(place: str, value: Any) -> Row:
    if not isinstance(value, dict):
        return Row(place, value, {}, "It is no JSON object.")
    values = without_notes(value) if "reason" in value else value
    return Row(place, values, values)
