"""Workbooks: every cell by its kind, and in bounded memory whatever a file unpacks to.

openpyxl knows the formats and calendars. Its reader is not used: it reads a formula without a
result as an empty cell. It shows no merged cells, and keeps all texts in memory.

=====================  =========================================================================
:mod:`.reading`        a workbook to its rows
:mod:`.workbook`       its sheets, formats and texts
:mod:`.sheets`         the rows of a sheet
:mod:`.cells`          numbers and dates
:mod:`.merged`         cells that are covered by others
:mod:`.number_formats` how a number is shown
:mod:`.package`        the zip file, and what else people give a workbook's name
:mod:`.xml`            elements, one after another
=====================  =========================================================================
"""

from .reading import read

__all__ = ["read"]
