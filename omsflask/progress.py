"""The bar of a command that works through rows: how many, how fast, how long still."""

from __future__ import annotations

import sys
import time
from typing import Any

import click


def bar_of(rows: int) -> Any:
    """Return a bar for so many rows, a context manager to update. Only a terminal shows it."""
    start = time.monotonic()
    bar: Any = click.progressbar(
        length=rows,
        file=sys.stderr,
        hidden=not sys.stderr.isatty(),
        show_pos=True,
        item_show_func=lambda _: f"{bar.pos / (time.monotonic() - start + 1e-9):,.0f} rows/s",
    )
    return bar
