"""Refused rows: given back in the form in which they came, each with where it was and why."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

from ...renderers.csv import guarded
from .rows import NOTES, Contents, Dialect, Row

Write = Callable[[Row, str], None]


def suffix(contents: Contents) -> str:
    """Return the ending of a file that holds refused rows of ``contents``."""
    return ".csv" if contents.dialect else ".jsonl"


def open_rejects(path: Path, contents: Contents) -> tuple[IO[str], Write]:
    """Open a file for the refused rows of ``contents``; return it and what writes a row there.

    Each is on the disk before the batch that it was in.
    """
    dialect = contents.dialect or Dialect()
    file = path.open(
        "w", encoding=dialect.encoding, errors="backslashreplace", newline="", buffering=1
    )
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
