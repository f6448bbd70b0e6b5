"""Tables as they lie in a file, with cell addresses that survive into error messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from calib._types import BoolArray, FloatArray
from calib.errors import Cell, Faults, InputError, did_you_mean
from calib.tables.grids import is_blank, plain_text
from calib.tables.xlsx import column_letters
from calib.words import Text, message

__all__ = ["RawTable", "check_header", "check_width", "filled", "row_cell"]

MOST_COLUMNS = 5_000
_LONGEST_NUMBER = 400
_LARGEST = 10**300


def row_cell(sheet: str, row: int) -> Cell:
    """Name a whole row; ``row`` counts from 0, and ``sheet`` is "" for a text file."""
    shown: Text = message("tables.row", n=row + 1)
    if sheet:
        shown = message("tables.row_of_sheet", sheet=sheet, row=shown)
    return Cell(shown, sheet, row)


@dataclass(frozen=True, eq=False)
class RawTable:
    """Cells under a header row.

    Attributes
    ----------
    frame : cells as text (CSV) or as Excel or Parquet values; the header is ``frame.columns``;
        an empty cell is ""; the index counts the file's rows, of which empty ones are left out
    file : as named by the user
    sheet : Excel sheet, "" for other files
    notes : what the reader had to decide, for instance the encoding
    first_row : number that the user's program shows for the first row below the header
    formulas : addresses of the cells that hold formulas
    errors : error codes of Excel (``#REF!``) by the address of the cell
    """

    frame: pd.DataFrame
    file: str
    sheet: str = ""
    notes: tuple[Text, ...] = ()
    first_row: int = 2
    formulas: frozenset[str] = field(default_factory=frozenset)
    errors: Mapping[str, str] = field(default_factory=dict)

    def row_number(self, row: int) -> int:
        """Return the number that the user's program shows for a row; ``row`` counts from 0."""
        return int(self.frame.index[row]) + self.first_row

    def sheets(self) -> list[str]:
        """Return the sheet of each row."""
        return [self.sheet] * len(self.frame)

    def where(self, row: int, column: str | None = None) -> Cell:
        """Name a cell (or a row) the way the user's program shows it; ``row`` counts from 0."""
        number = self.row_number(row)
        if column is None:
            return row_cell(self.sheet, number - 1)
        position = list(self.frame.columns).index(column)
        shown: str | Text = message("tables.cell", n=number, column=column)
        if self.sheet:
            shown = f"{self.sheet}!{self.address(row, column)} ({column})"
        return Cell(shown, self.sheet, number - 1, position)

    def address(self, row: int, column: str) -> str:
        """Return the Excel address of a cell; ``row`` counts from 0."""
        position = list(self.frame.columns).index(column)
        return f"{column_letters(position)}{self.row_number(row)}"

    def text(self, column: str) -> list[str]:
        """Return a column as stripped text; whole numbers lose their ".0"."""
        return [plain_text(v) for v in self.frame[column].tolist()]

    def numbers(
        self,
        column: str,
        faults: Faults,
        *,
        expected: str | Text,
        rows: BoolArray | None = None,
        remedy: str | Text = "",
    ) -> FloatArray:
        """Return a column as floats, NaN where empty; text, formulas and errors become faults.

        Parameters
        ----------
        expected : what would be valid, for the message
        remedy : what to do where many cells hold text
        rows : read these rows only; the others are NaN
        """
        cells = self.frame[column]
        wanted = np.ones(len(cells), dtype=bool) if rows is None else rows
        if pd.api.types.is_numeric_dtype(cells.dtype) and cells.dtype != bool:
            values = cells.to_numpy(dtype=float, na_value=np.nan)
            blank = np.isnan(values)
        else:
            values, blank = _parsed(cells)
        values = np.where(wanted, values, np.nan)
        blank = blank | ~wanted
        for row in np.flatnonzero(~np.isfinite(values) & ~blank):
            faults.add(
                self.where(int(row), column),
                message("faults.is_no_number"),
                value=cells.iloc[int(row)],
                expected=expected,
                remedy=remedy,
            )
        self.refuse_formulas(column, faults, expected=message("tables.value_of", expected=expected),
                             rows=wanted)  # fmt: skip
        return np.asarray(values, dtype=float)

    def refuse_formulas(
        self, column: str, faults: Faults, *, expected: str | Text, rows: BoolArray | None = None
    ) -> None:
        """Note the cells of a column that hold errors of Excel, or formulas.

        What a formula shows may be out of date; an error looks like an empty cell.
        """
        if not self.formulas and not self.errors:
            return
        for row in range(len(self.frame)) if rows is None else np.flatnonzero(rows):
            address = self.address(int(row), column)
            if address in self.errors:
                faults.add(
                    self.where(int(row), column),
                    message("faults.error_cell"),
                    value=self.errors[address],
                    expected=message("faults.mend_the_formula"),
                )
            elif address in self.formulas:
                faults.add(
                    self.where(int(row), column),
                    message("faults.holds_a_formula"),
                    expected=message("faults.paste_values_over_formulas", expected=expected),
                )


def _parsed(cells: pd.Series) -> tuple[FloatArray, BoolArray]:
    """Return cells as numbers, NaN where they are none, and which cells are empty."""
    if cells.dtype == object:
        cells = cells.map(_maybe_number)
    try:
        numbers = pd.to_numeric(cells, errors="coerce")
    except (ValueError, OverflowError):  # thousands of digits
        numbers = pd.to_numeric(cells.astype(object).map(_maybe_number), errors="coerce")
    values = numbers.to_numpy(dtype=float, na_value=np.nan)
    blank = np.zeros(len(values), dtype=bool)
    doubtful = np.flatnonzero(np.isnan(values))
    blank[doubtful] = filled(cells.iloc[doubtful]) ^ True
    return values, blank


def filled(cells: pd.Series) -> BoolArray:
    """Return which cells hold something other than white space."""
    present: BoolArray = np.asarray(cells.notna(), dtype=bool)
    if pd.api.types.is_numeric_dtype(cells.dtype):
        return present
    return np.array([not is_blank(v) for v in cells.tolist()], dtype=bool) & present


def _maybe_number(value: Any) -> Any:
    """Return a cell as it can be tried as a number; Excel's TRUE would count as 1."""
    if isinstance(value, bool | bytes):
        return "?"
    long = isinstance(value, str) and len(value) > _LONGEST_NUMBER
    return "?" if long or (isinstance(value, int) and abs(value) > _LARGEST) else value


def check_header(table: RawTable, required: Sequence[str] = ()) -> None:
    """Raise :class:`InputError` for column names that are missing, empty or stand twice."""
    faults = Faults(table.file)
    header = [str(c) for c in table.frame.columns]
    check_width(len(header), table.file)
    seen: set[str] = set()
    for i, name in enumerate(header):
        cell = f"{table.sheet}!{column_letters(i)}{table.first_row - 1}"
        at = cell if table.sheet else message("tables.column", column=i + 1)
        if not name:
            if any(not is_blank(v) for v in table.frame.iloc[:, i].tolist()):
                faults.add(at, message("faults.has_no_name_in_the"))
        elif name in seen:
            faults.add(
                at,
                message("faults.duplicate_column"),
                value=name,
                expected=message("faults.each_column_once"),
            )
        seen.add(name)
    for name in required:
        if name not in seen:
            faults.add(
                message("tables.header"),
                message("faults.column_is_missing", name=repr(name), hint=did_you_mean(name, seen)),
            )
    if not len(table.frame):
        faults.add(
            "", message("faults.has_no_rows_below_its"), expected=message("faults.rows_filled_in")
        )
    faults.raise_if_any()


def check_width(columns: int, file: str) -> None:
    """Refuse more columns than calib reads."""
    if columns > MOST_COLUMNS:
        raise InputError(
            message(
                "faults.has_columns_expected_at_most",
                file=file,
                columns=f"{columns:,}",
                most_columns=f"{MOST_COLUMNS:,}",
            )
        )
