"""Sheets as they lie in a file, from the first cell on: before anyone says what is a header."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from calib.errors import InputError
from calib.files.inputs import note_input, read_input
from calib.tables.encoding import decode
from calib.tables.write import unmarked
from calib.tables.xlsx import CellMarks, marked_cells, read_visible_sheets
from calib.words import Text, message

__all__ = ["WORKBOOKS", "Grid", "is_blank", "plain_text", "read_grids"]

WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
"""Endings of files with sheets."""


@dataclass(frozen=True, eq=False)
class Grid:
    """The cells of one sheet, or of a text file.

    Attributes
    ----------
    rows : cells by rows, text of a CSV or values of a workbook; rows may differ in length
    sheet : name of the sheet, "" for other files
    notes : what the reader had to decide
    """

    file: str
    sheet: str
    rows: Sequence[Sequence[Any]]
    notes: tuple[Text, ...] = ()

    @property
    def width(self) -> int:
        """Cells of the longest row."""
        return max((len(r) for r in self.rows), default=0)

    @cached_property
    def marks(self) -> CellMarks:
        """Addresses of cells that hold formulas or errors (Excel workbooks only)."""
        if not self.sheet:
            return CellMarks()
        return marked_cells(Path(self.file), self.sheet)


def is_blank(value: Any) -> bool:
    """Return whether a cell holds nothing but white space."""
    if value is None or (isinstance(value, float) and value != value):
        return True
    return isinstance(value, str) and not value.strip()


def plain_text(value: Any) -> str:
    """Return a cell as stripped text; whole numbers lose their ".0"."""
    if is_blank(value):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def read_grids(path: str | os.PathLike[str], *, sheet: str | None = None) -> list[Grid]:
    """Return the visible sheets that hold something; a text file is one sheet.

    Parameters
    ----------
    sheet : take this one only, hidden or not

    Raises
    ------
    InputError
        For a file that is missing, empty, corrupt or of no known kind.
    """
    file = Path(path)
    note_input(file)
    suffix = file.suffix.lower()
    if suffix in (".csv", ".tsv", ".txt"):
        return [_text_grid(file)]
    if suffix in WORKBOOKS:
        found, notes = read_visible_sheets(file, sheet)
        return [Grid(str(file), name, rows, notes) for name, rows in found.items()]
    raise InputError(message("faults.no_known_kind_of_table", file=file))


def _text_grid(file: Path) -> Grid:
    text, notes = decode(read_input(file), file)
    lines = text.splitlines()
    first = next((line for line in lines if line.strip()), "")
    if not first:
        raise InputError(message("faults.is_empty_expected_a_header", file=file))
    separator = max(",;\t", key=first.count)
    try:
        # Cells with line breaks are read whole: the reader sees the text, not its lines.
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error as exc:
        raise InputError(message("faults.rows_do_not_fit_the", file=file, cause=exc)) from exc
    return Grid(str(file), "", [[unmarked(c) for c in row] for row in rows], notes)
