"""Writing tables for people who open them in Excel, with names kept inert."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from calib.errors import InputError, MissingExtraError
from calib.files.atomic import atomic_file
from calib.tables.parquet import write_arrow
from calib.tables.xlsx import new_workbook
from calib.words import message

__all__ = ["inert", "unmarked", "write_csv", "write_parquet", "write_table", "write_xlsx"]

_FORMULA = re.compile("'*[=+\\-@＝＋－＠\t\r\n]")
"""How a text starts that a spreadsheet may run: full-width signs count with Chinese input methods.

Apostrophes before the sign count too, so that a mark can be told from what was there.
"""


def inert(value: Any) -> Any:
    """Return text that a spreadsheet would run as a formula with an apostrophe before it.

    Examples
    --------
    >>> inert("=1+1"), inert("Plant 7"), inert(-2.5)
    ("'=1+1", 'Plant 7', -2.5)
    """
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def unmarked(value: Any) -> Any:
    """Return text without the apostrophe that :func:`inert` put before it.

    Examples
    --------
    >>> unmarked("'=zhang"), unmarked("'80s"), unmarked(inert("'=a"))
    ('=zhang', "'80s", "'=a")
    """
    marked = isinstance(value, str) and value.startswith("'") and _FORMULA.match(value)
    return value[1:] if marked else value


def write_csv(frame: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write a CSV in UTF-8 with a byte-order mark, so that Excel shows Chinese.

    Floats are written in the shortest form that reads back exactly. Text cells and headers that
    start with ``= + - @``, half or full width, get an apostrophe, or a spreadsheet would run them;
    :func:`calib.tables.read_table` takes it off again.
    """
    safe = frame.copy()
    for column in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[column].dtype):
            safe[column] = safe[column].map(inert)
    safe.columns = pd.Index([inert(str(c)) for c in safe.columns])
    with atomic_file(path) as aside:
        safe.to_csv(aside, index=False, encoding="utf-8-sig", lineterminator="\n")


def write_parquet(frame: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write a Parquet file (zstd) with checksums; needs the ``parquet`` extra."""
    try:
        import pyarrow as pa
    except ImportError as exc:
        raise MissingExtraError(message("extras.writing_parquet"), "parquet") from exc
    with atomic_file(path) as aside:
        write_arrow(pa.Table.from_pandas(frame, preserve_index=False), aside)


def write_xlsx(sheets: Mapping[str, pd.DataFrame], path: str | os.PathLike[str]) -> None:
    """Write plain sheets; text stays text, whatever it starts with."""
    with new_workbook(path) as book:
        head = book.add_format({"bold": True, "bottom": 1})
        for name, frame in sheets.items():
            sheet = book.add_worksheet(name[:31])
            for j, column in enumerate(frame.columns):
                sheet.write_string(0, j, str(column), head)
            for i, row in enumerate(frame.itertuples(index=False), start=1):
                for j, value in enumerate(row):
                    _write_cell(sheet, i, j, value)
            sheet.freeze_panes(1, 0)
            sheet.autofit()


def _write_cell(sheet: Any, row: int, column: int, value: Any) -> None:
    """Write text as text, truth values as such, numbers as numbers; what is undefined stays empty.

    Excel knows no infinity: it is written as the word ``inf``.
    """
    if pd.isna(value):
        return
    if isinstance(value, bool | np.bool_):
        sheet.write_boolean(row, column, bool(value))
    elif isinstance(value, str):
        sheet.write_string(row, column, value)
    elif np.isfinite(value):
        sheet.write_number(row, column, float(value))
    else:
        sheet.write_string(row, column, str(float(value)))


def write_table(frame: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write a table as CSV, XLSX or Parquet, by the ending of its path."""
    suffix = os.path.splitext(os.fspath(path))[1].lower()
    if suffix == ".csv":
        write_csv(frame, path)
    elif suffix == ".xlsx":
        write_xlsx({"table": frame}, path)
    elif suffix == ".parquet":
        write_parquet(frame, path)
    else:
        raise InputError(message("faults.expected_a_path_ending_in", path=os.fspath(path)))
