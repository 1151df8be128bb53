"""CSV after RFC 4180: a header, CRLF, UTF-8, null as nothing, and cells that run nothing."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .table import Row, Table

#: What a spreadsheet would run. ``+905551112233`` and ``-5`` run nothing and stay joinable.
HOT = re.compile(r"[=@\t\r\n]|[-+](?![\d ()\-./]*\Z)", re.ASCII)


def stream(table: Table, config: Mapping[str, Any]) -> Iterator[bytes]:
    """Yield the file: the header first, then a piece for each batch."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    guard = config["OMS_CSV_GUARD"]
    writer.writerow(table.names)
    for batch in table.batches:
        writer.writerows(map(_guarded, batch) if guard else batch)
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue().encode()


def _guarded(row: Row) -> Sequence[Any]:
    return ["'" + value if isinstance(value, str) and HOT.match(value) else value for value in row]
