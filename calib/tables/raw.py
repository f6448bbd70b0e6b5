"""Tables as they lie in a file, with cell addresses that survive into error messages."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from calib._types import BoolArray, FloatArray
from calib.errors import Faults, InputError, MissingExtraError, did_you_mean
from calib.files.inputs import note_input, read_input
from calib.tables.encoding import decode
from calib.tables.grids import is_blank, plain_text
from calib.tables.write import unmarked
from calib.tables.xlsx import column_letters, formula_cells, read_sheets, sheet_names
from calib.words import Text, message

__all__ = ["RawTable", "check_header", "filled", "read_table"]

MOST_COLUMNS = 5_000
_LONGEST_NUMBER = 400
_LARGEST = 10**300


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
    """

    frame: pd.DataFrame
    file: str
    sheet: str = ""
    notes: tuple[Text, ...] = ()
    first_row: int = 2
    formulas: frozenset[str] = field(default_factory=frozenset)

    def row_number(self, row: int) -> int:
        """Return the number that the user's program shows for a row; ``row`` counts from 0."""
        return int(self.frame.index[row]) + self.first_row

    def where(self, row: int, column: str | None = None) -> str:
        """Name a cell (or a row) the way the user's program shows it; ``row`` counts from 0."""
        number = self.row_number(row)
        if column is None:
            return f"{self.sheet}!row {number}" if self.sheet else f"row {number}"
        if self.sheet:
            return f"{self.sheet}!{self.address(row, column)} ({column})"
        return f"row {number}, column {column}"

    def address(self, row: int, column: str) -> str:
        """Return the Excel address of a cell; ``row`` counts from 0."""
        position = list(self.frame.columns).index(column)
        return f"{column_letters(position)}{self.row_number(row)}"

    def text(self, column: str) -> list[str]:
        """Return a column as stripped text; whole numbers lose their ".0"."""
        return [plain_text(v) for v in self.frame[column].tolist()]

    def numbers(
        self, column: str, faults: Faults, *, expected: str, rows: BoolArray | None = None
    ) -> FloatArray:
        """Return a column as floats, NaN where empty; text and formulas become faults.

        Parameters
        ----------
        expected : what would be valid, for the message
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
            )
        self.refuse_formulas(column, faults, expected=f"a value ({expected})", rows=wanted)
        return np.asarray(values, dtype=float)

    def refuse_formulas(
        self, column: str, faults: Faults, *, expected: str, rows: BoolArray | None = None
    ) -> None:
        """Note the cells of a column that hold formulas: what they show may be out of date."""
        if not self.formulas:
            return
        for row in range(len(self.frame)) if rows is None else np.flatnonzero(rows):
            if self.address(int(row), column) in self.formulas:
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


def read_table(
    path: str | os.PathLike[str], *, sheet: str | None = None, required: Sequence[str] = ()
) -> RawTable:
    """Read a CSV, XLSX or Parquet file.

    CSV may be UTF-8 (with or without byte-order mark) or GB18030, as Chinese Excel writes it,
    separated by comma, semicolon or tab. An apostrophe before ``= + - @``, with which calib and
    Excel keep text from being run, is no part of it.

    Raises
    ------
    InputError
        For a file that is missing, empty, of no known kind, with a repeated or empty column
        name, with rows of different lengths, corrupt, or larger than the limits in
        ``docs/howto/own-data.md``.
    """
    file = Path(path)
    note_input(file)
    suffix = file.suffix.lower()
    if suffix in (".csv", ".tsv", ".txt"):
        table = _read_csv(file)
    elif suffix in (".xlsx", ".xlsm"):
        table = _read_xlsx(file, sheet)
    elif suffix == ".parquet":
        table = _read_parquet(file)
    else:
        raise InputError(message("faults.no_known_kind_of_table", file=file))
    check_header(table, required)
    return table


def check_header(table: RawTable, required: Sequence[str] = ()) -> None:
    """Raise :class:`InputError` for column names that are missing, empty or stand twice."""
    faults = Faults(table.file)
    header = [str(c) for c in table.frame.columns]
    _check_width(len(header), table.file)
    seen: set[str] = set()
    for i, name in enumerate(header):
        cell = f"{table.sheet}!{column_letters(i)}{table.first_row - 1}"
        at = cell if table.sheet else f"column {i + 1}"
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
                "header",
                message("faults.column_is_missing", name=repr(name), hint=did_you_mean(name, seen)),
            )
    if not len(table.frame):
        faults.add("", message("faults.has_no_rows_below_its"))
    faults.raise_if_any()


def _check_width(columns: int, file: str) -> None:
    if columns > MOST_COLUMNS:
        raise InputError(
            message(
                "faults.has_columns_expected_at_most",
                file=file,
                columns=f"{columns:,}",
                most_columns=f"{MOST_COLUMNS:,}",
            )
        )


def _read_csv(file: Path) -> RawTable:
    raw = read_input(file)
    text, notes = decode(raw, file)
    if not text.strip():
        raise InputError(message("faults.is_empty_expected_a_header", file=file))
    # A blank line at the top would pass for a header of one column.
    body = text.lstrip("\r\n")
    above = len(text[: len(text) - len(body)].splitlines())
    first = body.split("\n", 1)[0]
    separator = max(",;\t", key=first.count)
    _check_width(first.count(separator) + 1, str(file))
    try:
        frame = pd.read_csv(
            io.StringIO(body),
            sep=separator,
            dtype=str,
            header=None,
            keep_default_na=False,
            na_filter=False,
            skip_blank_lines=False,
        )
        _check_lengths(body, separator, frame.shape[1], above, file)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, csv.Error) as exc:
        raise InputError(
            message("faults.rows_do_not_fit_the", file=file, cause=str(exc).strip())
        ) from exc
    if "'" in body:
        frame = frame.map(unmarked)
    return _with_header(frame, str(file), "", notes, above=above)


def _with_header(
    frame: pd.DataFrame,
    file: str,
    sheet: str,
    notes: tuple[Text, ...],
    formulas: frozenset[str] = frozenset(),
    above: int = 0,
) -> RawTable:
    """Take the first row that is not empty as the header, and leave empty rows out.

    Those that stay keep their number in the index, so that error messages name the right row;
    ``above`` counts the file's lines over the frame.
    """
    blank = _blank_rows(frame)
    top = int(np.argmin(blank))
    header = [plain_text(v) for v in frame.iloc[top].tolist()]
    kept = ~blank
    kept[: top + 1] = False
    body = frame.iloc[np.flatnonzero(kept)]
    body.index = pd.Index(np.flatnonzero(kept) - (top + 1))
    body.columns = pd.Index(header, dtype=object)
    return RawTable(body, file, sheet, notes, above + top + 2, formulas)


def _blank_rows(frame: pd.DataFrame) -> BoolArray:
    """Return which rows are empty; only those whose first cell is empty are looked through."""
    blank = ~filled(frame.iloc[:, 0])
    for row in np.flatnonzero(blank):
        blank[row] = all(is_blank(v) for v in frame.iloc[row].tolist())
    return blank


def _check_lengths(text: str, separator: str, width: int, above: int, file: Path) -> None:
    """Note the rows of a CSV that end before the header does; longer ones do not parse at all."""
    faults = Faults(file)
    lines = io.StringIO(text, newline=None)
    if '"' in text:
        rows = ((len(r), any(map(str.strip, r))) for r in csv.reader(lines, delimiter=separator))
    else:
        rows = ((line.count(separator) + 1, bool(line.strip(separator + " \n"))) for line in lines)
    for number, (length, full) in enumerate(rows, start=above + 1):
        if full and length < width:
            faults.add(
                f"row {number}", message("faults.ends_before_the_header_does"), value=length,
                expected=message("faults.cells", width=width),
            )  # fmt: skip
    faults.raise_if_any()


def _read_xlsx(file: Path, sheet: str | None) -> RawTable:
    names = sheet_names(file)
    if not names:
        raise InputError(message("faults.is_a_workbook_without_a", file=file))
    if sheet is None:
        sheet = names[0]
    if sheet not in names:
        raise InputError(
            message("faults.no_sheet_sheets_are", file=file, sheet=repr(sheet), names=list(names))
        )
    rows = read_sheets(file, [sheet])[sheet]
    if all(is_blank(v) for row in rows for v in row):
        raise InputError(message("faults.sheet_is_empty_expected_a", file=file, sheet=repr(sheet)))
    frame = pd.DataFrame(rows, dtype=object)
    return _with_header(frame, str(file), sheet, (), formula_cells(file, sheet))


def _read_parquet(file: Path) -> RawTable:
    try:
        frame = pd.read_parquet(file)
    except ImportError as exc:
        raise MissingExtraError("reading Parquet", "parquet") from exc
    except (OSError, ValueError) as exc:
        raise InputError(message("faults.cannot_be_read_as_parquet_2", file=file, exc=exc)) from exc
    except Exception as exc:  # the reader's own, of a corrupt file
        raise InputError(message("faults.cannot_be_read_as_parquet_2", file=file, exc=exc)) from exc
    frame.columns = pd.Index([str(c) for c in frame.columns], dtype=object)
    return RawTable(frame.reset_index(drop=True), str(file), first_row=1)
