"""A workbook to its rows: all visible sheets, one after the other, or those that are named."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import IO

from openpyxl.utils.cell import get_column_letter

from ..cells import Cell
from ..rows import MAX_ROW, NOTES, Contents, Dialect, Row, Unreadable, too_long
from .merged import MergedCells
from .package import reading
from .sheets import Rows, SheetRow
from .workbook import Sheet, Workbook

MERGED = "is merged with {}. Unmerge the cells and fill in each."


@dataclass(frozen=True)
class Table:
    """A sheet with a header.

    :param header: the number of its row.
    :param of: what is said of the place of a row beside its number.
    """

    sheet: Sheet
    header: int
    columns: Sequence[str]
    merged: MergedCells
    of: str


def read(file: IO[bytes], guarded: bool, names: Sequence[str] = ()) -> Contents:
    """Read the headers of the sheets, which must be the same, and then the rows.

    :param names: of the sheets to read, if not of all that are visible.
    """
    warnings: list[str] = []
    with ExitStack() as stack:
        workbook = Workbook(file, stack)
        tables = _tables(workbook, _chosen(workbook, names, warnings))
        columns = tables[0].columns
        for table in tables:
            if table.columns != columns:
                raise Unreadable(
                    f"has another header in sheet {table.sheet.title!r} than in the first. Say by"
                    f" --sheet {tables[0].sheet.title!r} that only that one is to be loaded"
                )
        own = tuple(name for name in columns if name not in NOTES)
        rows = _rows(workbook, tables, warnings)
        close = stack.pop_all().close
        return Contents(rows, own, Dialect(guarded=guarded), warnings, close)


def _chosen(workbook: Workbook, names: Sequence[str], warnings: list[str]) -> list[Sheet]:
    """Return the sheets to read; what is left out by itself is told."""
    if names:
        by_name = {sheet.title: sheet for sheet in workbook.sheets if sheet.type == "worksheet"}
        for name in names:
            if name not in by_name:
                there = ", ".join(map(repr, by_name))
                raise Unreadable(f"has no sheet {name!r}; there is {there}")
        return [by_name[name] for name in dict.fromkeys(names)]
    for sheet in workbook.sheets:
        if sheet.type != "worksheet":
            warnings.append(f"has a {sheet.type} {sheet.title!r}, which is left out")
        elif sheet.state != "visible":
            warnings.append(
                f"has a hidden sheet {sheet.title!r}, which is left out: --sheet would load it"
            )
    return [it for it in workbook.sheets if (it.type, it.state) == ("worksheet", "visible")]


def _tables(workbook: Workbook, sheets: Sequence[Sheet]) -> list[Table]:
    """Return the sheets in which anything is."""
    several = len(workbook.sheets) > 1
    tables = []
    for sheet in sheets:
        with closing(_sheet_rows(workbook, sheet, [])) as rows:
            header = next(rows, None)
        if header is not None:
            if header.is_long:
                raise Unreadable(f"has a header of more than {MAX_ROW:,} characters")
            damaged = f"is damaged in sheet {sheet.title!r}"
            with reading(damaged), workbook.package.open(sheet.part) as part:
                merged = MergedCells(part)
            of = f" of sheet {sheet.title!r}" if several else ""
            columns = _columns(header, merged, of)
            tables.append(Table(sheet, header.number, columns, merged, of))
    if not tables:
        raise Unreadable("is empty")
    return tables


def _columns(header: SheetRow, merged: MergedCells, of: str) -> list[str]:
    last = max(header.cells)
    for it in merged.of(header.number):
        if it.first_column <= last and it.last_column > it.first_column:
            raise Unreadable(f"has a header{of} in which {it.reference} is merged with others")
    names = [header.cells.get(column, "") for column in range(1, last + 1)]
    for name in names:
        if isinstance(name, Cell) and name.reason:
            reason = name.reason.removesuffix(".")
            raise Unreadable(f"has a header{of} in which {name.reference} {reason}")
    columns = [str(name).strip() for name in names]
    while not columns[-1]:
        columns.pop()
    return columns


def _sheet_rows(
    workbook: Workbook, sheet: Sheet, warnings: list[str], columns: int = 0
) -> Generator[SheetRow, None, None]:
    """Yield the rows of a sheet in which anything is."""
    rows, hidden = Rows(workbook), 0
    with workbook.package.open(sheet.part) as part:
        for row in rows.of(part, sheet.title):
            if any(not isinstance(it, str) or it.strip() for it in row.cells.values()):
                hidden += row.is_hidden
                yield row
    if hidden:
        warnings.append(f"has {hidden:,} hidden rows in sheet {sheet.title!r}, loaded as well")
    if rows.first_hidden_column <= columns:
        warnings.append(f"has hidden columns in sheet {sheet.title!r}, loaded as well")


def _rows(workbook: Workbook, tables: Sequence[Table], warnings: list[str]) -> Iterator[Row]:
    for table in tables:
        own = [place for place, name in enumerate(table.columns, 1) if name not in NOTES]
        for row in _sheet_rows(workbook, table.sheet, warnings, len(table.columns)):
            if row.number > table.header:
                yield _row(row, table, own)


def _row(row: SheetRow, table: Table, own: Sequence[int]) -> Row:
    place = f"row {row.number}{table.of}"
    if row.is_long:
        return too_long(place, [str(next(iter(row.cells.values())))[:100]])
    cells = dict(row.cells)
    for merged in table.merged.of(row.number):
        for column in own:
            if merged.covers(row.number, column):
                reference = f"{get_column_letter(column)}{row.number}"
                cells[column] = Cell(reference, "#MERGED!", MERGED.format(merged.reference))
    last = len(table.columns)
    values = {table.columns[column - 1]: cells.get(column) for column in own}
    raw = ["" if it is None else it for it in values.values()]
    beyond = [it for column, it in cells.items() if column > last]
    if any(not isinstance(it, str) or it.strip() for it in beyond):
        reason = f"It has cells beyond column {last}, the last named."
        return Row(place, raw + beyond, {}, reason)
    return Row(place, raw, values)
