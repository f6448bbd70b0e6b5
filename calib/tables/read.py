"""Reading tables from CSV, workbooks and Parquet."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from calib._types import BoolArray
from calib.errors import Faults, InputError
from calib.files.inputs import note_input, read_input
from calib.tables.encoding import decode
from calib.tables.grids import WORKBOOKS, is_blank, plain_text
from calib.tables.joined import join_sheets
from calib.tables.parquet import read_arrow
from calib.tables.raw import RawTable, check_header, check_width, filled
from calib.tables.write import unmarked
from calib.tables.xlsx import CellMarks, marked_cells, read_visible_sheets
from calib.words import Text, message

__all__ = ["read_table"]


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
    check_width(first.count(separator) + 1, str(file))
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
                message("tables.row", n=number), message("faults.ends_before_the_header_does"),
                value=length,
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
    table = read_arrow(file)
    try:
        frame = table.to_pandas()
        # Damaged text is found when it is decoded, which Arrow puts off.
        texts = [c for c in frame.columns if not pd.api.types.is_numeric_dtype(frame[c].dtype)]
        frame = frame.astype(dict.fromkeys(texts, object))
    except Exception as exc:  # the reader's own, of a corrupt file
        raise InputError(message("faults.cannot_be_read_as_parquet_2", file=file, exc=exc)) from exc
    frame.columns = pd.Index([str(c) for c in frame.columns], dtype=object)
    return RawTable(frame.reset_index(drop=True), str(file), first_row=1)
