"""Tables as they lie in a file, with cell addresses that survive into error messages."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from calib._types import BoolArray, FloatArray
from calib.errors import Faults, InputError, MissingExtraError, suggest
from calib.tables.xlsx import column_letters, formula_cells

__all__ = ["RawTable", "read_table", "sheet_names"]

_ENCODINGS = ("utf-8-sig", "gb18030")


@dataclass(frozen=True, eq=False)
class RawTable:
    """Cells under a header row.

    Attributes
    ----------
    frame : cells as text (CSV) or as Excel or Parquet values; the header is ``frame.columns``;
        an empty cell is ""
    file : as named by the user
    sheet : Excel sheet, "" for other files
    notes : what the reader had to decide, for instance the encoding
    """

    frame: pd.DataFrame
    file: str
    sheet: str = ""
    notes: tuple[str, ...] = ()
    first_row: int = 2
    formulas: frozenset[str] = field(default_factory=frozenset)

    def where(self, row: int, column: str | None = None) -> str:
        """Name a cell (or a row) the way the user's program shows it; ``row`` counts from 0."""
        number = row + self.first_row
        if column is None:
            return f"{self.sheet}!row {number}" if self.sheet else f"row {number}"
        if self.sheet:
            return f"{self.sheet}!{self.address(row, column)} ({column})"
        return f"row {number}, column {column}"

    def address(self, row: int, column: str) -> str:
        """Return the Excel address of a cell; ``row`` counts from 0."""
        position = list(self.frame.columns).index(column)
        return f"{column_letters(position)}{row + self.first_row}"

    def text(self, column: str) -> list[str]:
        """Return a column as stripped text; whole numbers lose their ".0"."""
        return [_as_text(v) for v in self.frame[column].tolist()]

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
            values = np.where(wanted, cells.to_numpy(dtype=float, na_value=np.nan), np.nan)
            blank = np.isnan(values)
        else:
            objects = cells.to_numpy(dtype=object)
            blank = np.array([_is_blank(v) for v in objects]) | ~wanted
            kept = pd.Series(
                [None if b else _plain(v) for b, v in zip(blank, objects, strict=True)]
            )
            values = pd.to_numeric(kept, errors="coerce").to_numpy(dtype=float)
        for row in np.flatnonzero(~np.isfinite(values) & ~blank):
            faults.add(
                self.where(int(row), column),
                "is no number",
                value=cells.iloc[int(row)],
                expected=expected,
            )
        if self.formulas:
            for row in np.flatnonzero(wanted):
                if self.address(int(row), column) in self.formulas:
                    faults.add(
                        self.where(int(row), column),
                        "holds a formula",
                        expected=f"a value ({expected}); paste values over formulas",
                    )
        return np.asarray(values, dtype=float)


def _is_blank(value: Any) -> bool:
    if value is None or (isinstance(value, float) and value != value):
        return True
    return isinstance(value, str) and not value.strip()


def _plain(value: Any) -> Any:
    """Return a cell as something that either is a number or is refused."""
    if isinstance(value, bool):
        return "?"  # TRUE is no score
    return value.strip() if isinstance(value, str) else value


def _as_text(value: Any) -> str:
    if _is_blank(value):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def read_table(
    path: str | os.PathLike[str], *, sheet: str | None = None, required: Sequence[str] = ()
) -> RawTable:
    """Read a CSV, XLSX or Parquet file.

    CSV may be UTF-8 (with or without byte-order mark) or GB18030, as Chinese Excel writes it,
    separated by comma, semicolon or tab.

    Raises
    ------
    InputError
        For a file that is missing, empty, of no known kind, with a repeated or empty column
        name, or with rows of different lengths.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError(f"{file}: no such file")
    suffix = file.suffix.lower()
    if suffix in (".csv", ".tsv", ".txt"):
        table = _read_csv(file)
    elif suffix in (".xlsx", ".xlsm"):
        table = _read_xlsx(file, sheet)
    elif suffix == ".parquet":
        table = _read_parquet(file)
    else:
        raise InputError(f"{file}: no known kind of table; expected .csv, .xlsx or .parquet")
    _check_header(table, required)
    return table


def _check_header(table: RawTable, required: Sequence[str]) -> None:
    faults = Faults(table.file)
    header = [str(c) for c in table.frame.columns]
    seen: set[str] = set()
    for i, name in enumerate(header):
        at = f"{table.sheet}!{column_letters(i)}1" if table.sheet else f"column {i + 1}"
        if not name:
            if any(not _is_blank(v) for v in table.frame.iloc[:, i].tolist()):
                faults.add(at, "has no name in the header row")
        elif name in seen:
            faults.add(at, "duplicate column", value=name, expected="each column once")
        seen.add(name)
    for name in required:
        if name not in seen:
            faults.add("header", f"column {name!r} is missing {suggest(name, seen)}".rstrip())
    if not len(table.frame):
        faults.add("", "has no rows below its header")
    faults.raise_if_any()


def _decode(raw: bytes, file: Path) -> tuple[str, str]:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16"), "utf-16"
    for encoding in _ENCODINGS:
        try:
            return raw.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise InputError(f"{file}: neither UTF-8 nor GB18030 text; save it as CSV UTF-8")


def _read_csv(file: Path) -> RawTable:
    raw = file.read_bytes()
    text, encoding = _decode(raw, file)
    if not text.strip():
        raise InputError(f"{file}: is empty; expected a header row and data")
    first = text.lstrip("\n\r").split("\n", 1)[0]
    separator = max(",;\t", key=first.count)
    try:
        frame = pd.read_csv(
            io.StringIO(text),
            sep=separator,
            dtype=str,
            header=None,
            keep_default_na=False,
            na_filter=False,
            skip_blank_lines=True,
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as exc:
        raise InputError(f"{file}: rows do not fit the header: {exc}") from exc
    notes = () if encoding == "utf-8-sig" else (f"{file.name} read as {encoding.upper()}",)
    return _with_header(frame, str(file), "", notes)


def _with_header(
    frame: pd.DataFrame,
    file: str,
    sheet: str,
    notes: tuple[str, ...],
    formulas: frozenset[str] = frozenset(),
) -> RawTable:
    header = [_as_text(v) for v in frame.iloc[0].tolist()]
    body = frame.iloc[1:].reset_index(drop=True)
    # A name that repeats is reported by the header check; pandas needs unique ones until then.
    body.columns = pd.Index(header, dtype=object)
    blank = body.map(_is_blank).all(axis=1).to_numpy(dtype=bool) if len(body) else np.array([])
    if len(body) and blank.any():
        last = len(body) - int(np.argmin(blank[::-1])) if not blank.all() else 0
        body = body.iloc[:last]  # trailing empty rows only: row numbers must hold
    return RawTable(body, file, sheet, notes, 2, formulas)


def sheet_names(path: str | os.PathLike[str]) -> list[str]:
    """Return the names of the sheets of a workbook."""
    import python_calamine

    try:
        with python_calamine.CalamineWorkbook.from_path(str(path)) as book:
            return list(book.sheet_names)
    except (python_calamine.CalamineError, OSError) as exc:
        raise InputError(f"{path}: cannot be read as an Excel workbook: {exc}") from exc


def _read_xlsx(file: Path, sheet: str | None) -> RawTable:
    import python_calamine

    names = sheet_names(file)
    if sheet is None:
        sheet = names[0]
    if sheet not in names:
        raise InputError(f"{file}: no sheet {sheet!r}; sheets are {', '.join(names)}")
    with python_calamine.CalamineWorkbook.from_path(str(file)) as book:
        rows = book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    if not rows:
        raise InputError(f"{file}: sheet {sheet!r} is empty; expected a header row and data")
    frame = pd.DataFrame(rows, dtype=object)
    return _with_header(frame, str(file), sheet, (), formula_cells(file, sheet))


def _read_parquet(file: Path) -> RawTable:
    try:
        frame = pd.read_parquet(file)
    except ImportError as exc:
        raise MissingExtraError("reading Parquet", "parquet") from exc
    except (OSError, ValueError) as exc:
        raise InputError(f"{file}: cannot be read as Parquet: {exc}") from exc
    frame.columns = pd.Index([str(c) for c in frame.columns], dtype=object)
    return RawTable(frame.reset_index(drop=True), str(file), first_row=1)
