"""Tables as they lie in a file, with cell addresses that survive into error messages."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from calib._types import BoolArray, FloatArray, IntArray
from calib.errors import Cell, Faults, InputError, MissingExtraError, did_you_mean
from calib.files.inputs import note_input, read_input
from calib.tables.encoding import decode
from calib.tables.grids import WORKBOOKS, is_blank, plain_text
from calib.tables.write import unmarked
from calib.tables.xlsx import CellMarks, column_letters, marked_cells, read_visible_sheets
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
            shown = f"{self.sheet}!row {number}" if self.sheet else f"row {number}"
            return Cell(shown, self.sheet, number - 1)
        position = list(self.frame.columns).index(column)
        shown = f"row {number}, column {column}"
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
        self.refuse_formulas(column, faults, expected=f"a value ({expected})", rows=wanted)
        return np.asarray(values, dtype=float)

    def refuse_formulas(
        self, column: str, faults: Faults, *, expected: str, rows: BoolArray | None = None
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


@dataclass(frozen=True, eq=False)
class JoinedTable(RawTable):
    """Sheets of a workbook that hold one table; each row knows its sheet.

    Attributes
    ----------
    parts : the sheets
    origin : (n, 2) sheet and row in it of each row
    """

    parts: Sequence[RawTable] = ()
    origin: IntArray = field(default_factory=lambda: np.zeros((0, 2), dtype=np.int64))

    def row_number(self, row: int) -> int:
        """Return the number that the user's program shows for a row; ``row`` counts from 0."""
        part, at = self.origin[row]
        return self.parts[int(part)].row_number(int(at))

    def sheets(self) -> list[str]:
        """Return the sheet of each row."""
        return [self.parts[int(part)].sheet for part in self.origin[:, 0]]

    def where(self, row: int, column: str | None = None) -> Cell:
        """Name a cell (or a row) the way the user's program shows it; ``row`` counts from 0."""
        part, at = self.origin[row]
        own = self.parts[int(part)]
        held = column if column in own.frame.columns else None
        return own.where(int(at), held)

    def address(self, row: int, column: str) -> str:
        """Return the address of a cell with its sheet; ``row`` counts from 0."""
        part, at = self.origin[row]
        own = self.parts[int(part)]
        if column not in own.frame.columns:
            return ""
        return f"{own.sheet}!{own.address(int(at), column)}"


def join_sheets(parts: Sequence[RawTable]) -> RawTable:
    """Return sheets that share their first column's header as one table; others are named.

    A column that a sheet does not have is empty in its rows.
    """
    first = parts[0]
    key = next((str(c) for c in first.frame.columns if str(c)), "")
    joined = [p for p in parts if key and key in map(str, p.frame.columns)]
    left = [p.sheet for p in parts if p not in joined]
    notes = list(first.notes)
    if left:
        notes.append(message("tables.sheets_left", file=Path(first.file).name, names=left))
    if len(joined) == 1:
        return replace(first, notes=tuple(notes))
    notes.append(
        message("tables.sheets_joined", file=Path(first.file).name, names=[p.sheet for p in joined])
    )
    for part in joined:
        check_header(part)
    named = [p.frame.loc[:, [str(c) != "" for c in p.frame.columns]] for p in joined]
    frame = pd.concat(named, ignore_index=True).astype(object)
    frame = frame.where(frame.notna(), "")
    origin = [(k, i) for k, p in enumerate(joined) for i in range(len(p.frame))]
    return JoinedTable(
        frame,
        first.file,
        first.sheet,
        tuple(notes),
        formulas=frozenset(f"{p.sheet}!{a}" for p in joined for a in p.formulas),
        errors={f"{p.sheet}!{a}": e for p in joined for a, e in p.errors.items()},
        parts=tuple(joined),
        origin=np.array(origin, dtype=np.int64),
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
    elif suffix in WORKBOOKS:
        table = _read_workbook(file, sheet)
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
    marks: CellMarks | None = None,
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
    seen = marks or CellMarks()
    return RawTable(body, file, sheet, notes, above + top + 2, seen.formulas, seen.errors)


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


def _read_workbook(file: Path, sheet: str | None) -> RawTable:
    """Read the visible sheets: one, or several that have columns in common, one after another."""
    sheets, notes = read_visible_sheets(file, sheet)
    parts = []
    for name, rows in sheets.items():
        frame = pd.DataFrame(rows, dtype=object)
        parts.append(_with_header(frame, str(file), name, notes, marked_cells(file, name)))
    if len(parts) == 1:
        return parts[0]
    return join_sheets(parts)


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
