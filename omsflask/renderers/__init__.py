"""The formats: a table of them.

===================  =======================================================================
:mod:`.renderer`     what a format is: of pages, or of files
:mod:`.json`         the published body of a page
:mod:`.csv`          CSV, with cells that no spreadsheet runs
:mod:`.xlsx`         a workbook, written as its rows come
:mod:`.xlsx_cells`   the XML of a sheet's rows, a whole column at a time
:mod:`.table`        what a file is made of
===================  =======================================================================
"""

from __future__ import annotations

from . import csv, xlsx
from .renderer import FileRenderer, JSONRenderer, Renderer

CSV = "text/csv"
XLS = "application/xls"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _spreadsheet(name: str, *, is_published: bool) -> Renderer:
    return FileRenderer(
        media_type=name,
        content_type=name,
        extension="xlsx",
        stream=xlsx.stream,
        is_published=is_published,
    )


#: By the name that ``format`` takes; the first is the default. ``application/xls`` is the published
#: name of the spreadsheet, though its bytes are an .xlsx. A host may add others to its extension.
RENDERERS: dict[str, Renderer] = {
    "json": JSONRenderer(is_published=True),
    "csv": FileRenderer(
        media_type=CSV,
        content_type=f"{CSV}; charset=utf-8",
        extension="csv",
        stream=csv.stream,
        is_published=True,
    ),
    "xls": _spreadsheet(XLS, is_published=True),
    "xlsx": _spreadsheet(XLSX, is_published=False),
}
