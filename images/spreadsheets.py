"""CSV files whose cells a spreadsheet shows and does not run."""

import csv
import io
from collections.abc import Iterable
from typing import Any

UTF_8_MARK = "\ufeff"  # by it spreadsheets know the encoding of a file
# What Excel, LibreOffice and Google Sheets take for the beginning of a formula, also behind blanks.
BEGINNINGS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def defused(cell: Any) -> Any:
    """A text that could be run gets an apostrophe in front; numbers stay what they are."""
    if isinstance(cell, str) and (cell.startswith(BEGINNINGS) or cell.lstrip().startswith(BEGINNINGS)):
        return f"'{cell}"
    return cell


def defused_row(cells: Iterable[Any]) -> list[Any]:
    return [defused(cell) for cell in cells]


def csv_text(rows: Iterable[Iterable[Any]]) -> str:
    """Rows as they stand in a CSV file."""
    text = io.StringIO()
    csv.writer(text).writerows(defused_row(row) for row in rows)
    return text.getvalue()
