"""CSV after RFC 4180: a header, CRLF, UTF-8, NULL as nothing, and cells that run nothing.

Excel in half of Europe splits a file by semicolons, and its quotes within a line mean nothing to
it. A text is cut there at each semicolon and at each end of a line, so a formula may begin behind
one. The same holds for tabs.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from functools import cache
from types import SimpleNamespace
from typing import Any

from ..declarations.cells import Row
from ..declarations.shown import file_text
from ..sql.bulk import BulkText
from .table import Table

#: Texts that a spreadsheet would run. ``+905551112233`` and ``-5`` run nothing and stay as they
#: are. A text that looks guarded gets one more guard, so that removing one restores every text.
FORMULA = re.compile(r"'*(?:[=@\t\r\n]|[-+](?![\d ()\-./]*\Z))", re.ASCII)

#: Cuts in a text before a part that a spreadsheet would run; and the guard of such a part.
CUT = re.compile(r"[;\t\r\n](?=['\"]*[-+=@])")
CUT_GUARD = re.compile(r"(?<=[;\t\r\n])'(?=['\"]*[-+=@])")

#: Ends a row for the csv module, which puts quotes around a text with any character of it.
QUOTED = ";\t\r\n"


def stream(table: Table, config: Mapping[str, Any]) -> Generator[bytes]:
    """Yield the file: the header first, then a piece for each batch."""
    guard: bool = config["OMS_CSV_GUARD"]
    names = _written([[cell.name for cell in table.cells]])
    yield b"\xef\xbb\xbf" + names if config["OMS_CSV_BOM"] else names
    bulk = table.bulk_text()
    if bulk is None:
        places = [i for i, cell in enumerate(table.cells) if not cell.is_plain]
        for batch in table.batches():
            rows = [_with_texts(row, places) for row in batch] if places else batch
            yield _written(map(guarded, rows) if guard else rows)
    else:
        yield from _from_bulk(bulk, guard)


def _with_texts(row: Row, places: Iterable[int]) -> Row:
    """Return a row with the texts of those values that are more than a text or an integer."""
    cells = list(row)
    for i in places:
        cells[i] = file_text(cells[i])
    return cells


def _written(rows: Iterable[Row]) -> bytes:
    lines: list[str] = []
    csv.writer(SimpleNamespace(write=lines.append), lineterminator=QUOTED).writerows(rows)
    return "".join([f"{line[: -len(QUOTED)]}\r\n" for line in lines]).encode()


def guarded(row: Row) -> Sequence[Any]:
    """Return a row whose texts run nothing."""
    return [_guarded(value) if isinstance(value, str) else value for value in row]


def _guarded(text: str) -> str:
    if CUT.search(text):
        text = CUT.sub(r"\g<0>'", text)
    return f"'{text}" if FORMULA.match(text) else text


def unguarded(text: str) -> str:
    """Return what :func:`guarded` was given."""
    if text.startswith("'") and FORMULA.match(text, 1):
        text = text[1:]
    return CUT_GUARD.sub("", text)


#: A batch of so few bytes is read row by row, and not halved again.
SMALL = 4096


def _from_bulk(bulk: BulkText, guard: bool) -> Iterator[bytes]:
    """Yield what :func:`_written` would, mostly without looking at a row.

    Where something needs quotes or a guard, a batch is halved until that stands among few rows,
    which are split into their cells.
    """
    hot = _hot_text(bulk.before, bulk.behind)

    def lines(batch: bytes) -> bytes:
        made = None if guard and hot.search(batch) else bulk.lines(batch)
        if made is not None:
            return made
        middle = batch.find(bulk.end, len(batch) // 2) + len(bulk.end)
        if len(batch) > SMALL and middle < len(batch):
            return lines(batch[:middle]) + lines(batch[middle:])
        rows: Iterable[Row] = map(bulk.cells, batch.split(bulk.end)[:-1])
        return _written(map(guarded, rows) if guard else rows)

    return map(lines, bulk.batches)


@cache
def _hot_text(before: bytes, behind: bytes) -> re.Pattern[bytes]:
    """Return what may be such a text as :data:`FORMULA`, in what an engine writes."""
    no_phone = rb"[\d ()\-./]*+[^%s]" % behind
    return re.compile(rb"%s[-+=@\t'](?:(?<=[=@\t'])|%s)" % (before, no_phone))
