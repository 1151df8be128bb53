"""The bar of a command that works through rows: how many, how fast, how long still."""

from __future__ import annotations

import sys
import time
from typing import Any

import click


def bar_of(rows: int) -> Any:
    """Return a bar for so many rows, a context manager to update. Only a terminal shows it."""
    bar: Any = _bar(rows, lambda _: bar.pos, show_pos=True)
    return bar


def bar_through(size: int) -> Any:
    """Return a bar for files of so many bytes, to update by these and the rows so far."""
    return _bar(size, lambda rows: rows or 0)


def _bar(length: int, rows: Any, **options: Any) -> Any:
    start = time.monotonic()
    return click.progressbar(
        length=length,
        file=sys.stderr,
        hidden=not sys.stderr.isatty(),
        item_show_func=lambda it: f"{rows(it) / (time.monotonic() - start + 1e-9):,.0f} rows/s",
        **options,
    )
