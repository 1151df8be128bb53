"""JSON: lists, bodies of the list service and rows, one after another; always one row at a time.

Python's own parser reads one row after the other. Streaming parsers take ten times as long, or
(yajl) replace a lone surrogate by ``?`` and stop at a large number.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container, Generator, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import IO, Any

from .rows import MAX_ROW, Contents, Row, Unreadable, too_long, without_notes
from .texts import MAX_LENGTH, lines, pieces

BLANKS = re.compile(r"[ \t\r\n]*")
PAGE = re.compile(r"[?&]page=(\d{1,9})(?:&|\Z)", re.ASCII)


class Repeated(dict[str, Any]):
    """An object that names something twice; JSON leaves open which of the two it means."""

    def __init__(self, pairs: Sequence[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs

    def reason(self) -> str:
        """Return why this is no row."""
        names = [name for name, _ in self.pairs]
        return " ".join(f"{name}: It is given twice." for name in self if names.count(name) > 1)


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    return values if len(values) == len(pairs) else Repeated(pairs)


def _whole(digits: str) -> int | str:
    """Leave to the field what is out of every range; int() refuses thousands of digits."""
    return int(digits) if len(digits) < 100 else digits


DECODER = json.JSONDecoder(parse_int=_whole, object_pairs_hook=_object)


def read(file: IO[bytes], names: Container[str]) -> Contents:
    """Read what is in a file: lists, what the list service calls its results, and rows.

    :param names: what a row may hold; an object with none of these is no customer.
    """
    documents = Documents(Text(pieces(file)), names)
    rows = documents.rows()
    first = [*islice(rows, 1)]
    return Contents(chain(first, rows), warnings=documents.warnings)


def read_lines(file: IO[bytes]) -> Contents:
    """Read a row a line."""
    return Contents(_line_rows(lines(file)))


class Text:
    """A JSON text, read as far as it is needed."""

    def __init__(self, pieces: Iterator[str]) -> None:
        self._pieces = pieces
        self._text = ""
        self._at = 0
        self._before = 0

    @property
    def position(self) -> int:
        """How many characters were read."""
        return self._before + self._at

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

    def ahead(self) -> str:
        """Return a little of what comes next."""
        return self._text[self._at : self._at + 40]

    def _more(self) -> bool:
        rest = self._text[self._at :]
        if len(rest) > MAX_LENGTH:
            return False
        for piece in self._pieces:
            if piece:
                self._before += self._at
                self._text, self._at = rest + piece, 0
                return True
        return False


class Documents:
    """The documents of a text, and what is known of the pages among them.

    :param names: what a row may hold.
    """

    def __init__(self, text: Text, names: Container[str]) -> None:
        self._text = text
        self._names = names
        self._number = 0
        self.warnings: list[str] = []

    def rows(self) -> Iterator[Row]:
        """Yield all rows."""
        page: Mapping[str, Any] = {}
        while self._number == 0 or self._text.next():
            if self._text.takes("["):
                yield from self._list()
            elif self._text.takes("{"):
                page = yield from self._body()
            elif self._number:
                raise Unreadable(
                    f"goes on after its {self._number} rows with {self._text.ahead()!r}"
                )
            else:
                raise Unreadable("is neither a JSON list nor a body of the list service")
            if not self._text.next():
                break
        self.warnings += _missing(page, self._number)

    def _list(self) -> Iterator[Row]:
        while not self._text.takes("]"):
            begin = self._text.position
            value = self._value()
            self._number += 1
            place, length = f"row {self._number}", self._text.position - begin
            yield _row(place, value) if length <= MAX_ROW else too_long(place, str(value)[:100])
            if self._text.next() != "]" and not self._text.takes(","):
                raise self._broken()

    def _body(self) -> Generator[Row, None, Mapping[str, Any]]:
        """Yield the results of a body, or an object as a row; return the other members."""
        others: dict[str, Any] = {}
        before, begin = self._number, self._text.position
        while not self._text.takes("}"):
            name = self._name()
            if name in others:
                raise Unreadable(f"has {name[:64]!r} twice in a body")
            if name == "results" and self._text.takes("["):
                others[name] = None
                yield from self._list()
                begin = self._text.position
            else:
                others[name] = self._value()
            if self._text.position - begin > MAX_LENGTH:
                raise self._broken()
            if self._text.next() != "}" and not self._text.takes(","):
                raise self._broken()
        if others.get("results", ()) is None:
            return {**others, "rows": self._number - before}
        if not any(name in self._names for name in others):
            raise Unreadable(f"holds no customers: {json.dumps(others, ensure_ascii=False)[:200]}")
        self._number += 1
        yield _row(f"row {self._number}", others)
        return {}

    def _name(self) -> str:
        name = self._value()
        if not isinstance(name, str) or not self._text.takes(":"):
            raise self._broken()
        return name

    def _value(self) -> Any:
        try:
            return self._text.value()
        except (ValueError, RecursionError):
            raise self._broken() from None

    def _broken(self) -> Unreadable:
        return Unreadable(f"breaks off, or is no JSON, after {self._number} whole rows")


def _missing(page: Mapping[str, Any], rows: int) -> Iterator[str]:
    """Yield a sentence where the last page of a file has others beside it that are not there."""
    following, count = page.get("next"), page.get("count")
    total = count if type(count) is int else 0
    if following is None and rows >= total:
        return
    of = f" of {total:,}" if total else ""
    yield f"holds {rows:,}{of} customers{_page(page, total)}; load the other pages too"


def _page(page: Mapping[str, Any], total: int) -> str:
    """Return which page it is, if that can be told from its links."""
    following, previous = (PAGE.search(str(page.get(it))) for it in ("next", "previous"))
    rows = page["rows"]
    if following and rows:
        pages = f" of {-(-total // rows):,}" if total else ""
        return f": it is page {int(following[1]) - 1}{pages}"
    if page.get("next") is None and page.get("previous") is not None:
        number = int(previous[1]) + 1 if previous else 2
        return f": it is page {number} of {number}"
    return ""


def _line_rows(texts: Iterator[str]) -> Iterator[Row]:
    for number, line in enumerate(texts, 1):
        if len(line) > MAX_ROW:
            yield too_long(f"line {number}", line[:100])
        elif line.strip():
            try:
                yield _row(f"line {number}", DECODER.decode(line.strip()))
            except (ValueError, RecursionError) as error:
                yield Row(f"line {number}", line.rstrip("\r\n"), {}, f"It is no JSON: {error}.")


def _row(place: str, value: Any) -> Row:
    if isinstance(value, Repeated):
        return Row(place, value.pairs, {}, value.reason())
    if not isinstance(value, dict):
        return Row(place, value, {}, "It is no JSON object.")
    values = without_notes(value) if "reason" in value else value
    return Row(place, values, values)
