"""Refused rows: given back in the form in which they came, each with where it was and why."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

from ...renderers.csv import guarded
from ..files import open_text
from .rows import NOTES, Contents, Dialect, Row

Write = Callable[[Row, str], None]

#: The first bytes of a file of refused rows: a header of CSV, or the first names of JSON.
BEGINNING = r"\ufeff?({0}.{1}|\{{\"{0}\": )".format(*NOTES)


def suffix(contents: Contents) -> str:
    """Return the ending of a file that holds refused rows of ``contents``."""
    return ".csv" if contents.dialect else ".jsonl"


def open_rejects(path: Path, contents: Contents, *, follow: bool = False) -> tuple[IO[str], Write]:
    """Open a file for the refused rows of ``contents``; return it and what writes a row there.

    Each is on the disk before the batch that it was in.

    :param follow: whether to write to the target of a symbolic link.
    :raises OSError: when it cannot be opened, or holds something else.
    """
    dialect = contents.dialect or Dialect()
    options = {"errors": "backslashreplace", "newline": ""}
    file = open_text(path, BEGINNING, dialect.encoding, follow=follow, **options)
    if contents.dialect is None:
        return file, _json_lines(file)
    return file, _csv(file, dialect, contents.columns or ())


def _csv(file: IO[str], dialect: Dialect, columns: Sequence[str]) -> Write:
    writer = csv.writer(file, delimiter=dialect.delimiter)
    writer.writerow([*NOTES, *columns])

    def write(row: Row, place: str) -> None:
        cells = [place, row.reason, *row.raw]
        writer.writerow(guarded(cells) if dialect.guarded else cells)

    return write


def _json_lines(file: IO[str]) -> Write:
    def write(row: Row, place: str) -> None:
        notes = dict(zip(NOTES, (place, row.reason), strict=True))
        file.write(f"{_json({**notes, **_named(row.raw)})}\n")

    return write


def _named(raw: Any) -> dict[str, Any]:
    return raw if isinstance(raw, dict) else {"row": raw}


def _json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return json.dumps({name: value[name] for name in NOTES}, ensure_ascii=False)
