"""The formats: a table of them, and the choice of one for a request.

===================  =======================================================================
:mod:`.json`         the published body of a page
:mod:`.csv`          CSV, with cells that no spreadsheet runs
:mod:`.xlsx`         a workbook, written as its rows come
:mod:`.xlsx_cells`   the XML of a sheet's rows, a whole column at a time
:mod:`.table`        what a file is made of
===================  =======================================================================
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ..errors import NotAcceptable
from ..renderers import csv, xlsx
from .table import Table

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

#: Makes a file of a table, piece by piece; the mapping holds the app's settings.
Stream = Callable[[Table, Mapping[str, Any]], Generator[bytes]]


@dataclass(frozen=True)
class Renderer:
    """One format.

    :param media_type: as negotiated and published.
    :param content_type: as answered.
    """

    media_type: str
    content_type: str


@dataclass(frozen=True)
class FileRenderer(Renderer):
    """A format that has no place for a link to the next page, and so is whole unless asked.

    :param extension: of the file's name.
    """

    extension: str
    stream: Stream


#: By the name that ``format`` takes; the first is the default. ``application/xls`` is the published
#: name of the spreadsheet, though its bytes are an .xlsx.
RENDERERS: dict[str, Renderer] = {
    "json": Renderer("application/json", "application/json"),
    "csv": FileRenderer("text/csv", "text/csv; charset=utf-8", "csv", csv.stream),
    "xls": FileRenderer("application/xls", "application/xls", "xlsx", xlsx.stream),
    "xlsx": FileRenderer(XLSX, XLSX, "xlsx", xlsx.stream),
}
FORMATS = tuple(RENDERERS)
PUBLISHED = tuple(RENDERERS[name].media_type for name in ("json", "csv", "xls"))

#: RFC 9110, 12.4.2. What is written otherwise is no weight.
WEIGHT = re.compile(r"q=(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)", re.ASCII)


@lru_cache(maxsize=100)
def choose(format_name: str | None, accept: str) -> Renderer:
    """Return the renderer that a request asks for: by name, else by its Accept header.

    The most specific range that matches a type gives its quality (RFC 9110, 12.5.1). Of types that
    are equally welcome the one that is named comes before one that only a range admits, then the
    order of :data:`RENDERERS` decides.

    :raises NotAcceptable: when nothing that can be had is acceptable.
    """
    if format_name is not None:
        return RENDERERS[format_name]
    ranges = [_range(text) for text in accept.split(",") if text.strip()] or [("*/*", 1.0)]
    ranked = [(_welcome(renderer.media_type, ranges), renderer) for renderer in RENDERERS.values()]
    (quality, _), renderer = max(ranked, key=lambda it: it[0])
    if quality <= 0:
        raise NotAcceptable
    return renderer


def _range(text: str) -> tuple[str, float]:
    media_range, *parameters = (part.strip().lower() for part in text.split(";"))
    weights = [float(it[2:]) for it in parameters if WEIGHT.fullmatch(it)]
    return media_range, weights[0] if weights else 1.0


def _welcome(media_type: str, ranges: list[tuple[str, float]]) -> tuple[float, int]:
    candidates = [media_type, f"{media_type.split('/')[0]}/*", "*/*"]
    for specificity, candidate in enumerate(candidates):
        qualities = [quality for media_range, quality in ranges if media_range == candidate]
        if qualities:
            return max(qualities), -specificity
    return 0.0, -len(candidates)
