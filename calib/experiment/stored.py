"""The tables of a run, read back from its folder with what its data dictionary says of them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from calib.errors import Faults, InputError
from calib.report import Column, Role, Table, read_dictionary, read_names
from calib.tables import unmarked
from calib.words import Text, message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["stored_tables"]

_COUNTED = (Role.STAR, Role.COUNT, Role.SHARE)
"""Roles whose values are summed up again in a workbook."""


def stored_tables(
    folder: Path, only: Collection[str] | None = None
) -> tuple[dict[str, Table], Mapping[str, Text]]:
    """Return the tables of a run's folder, and the names of codes.

    Parameters
    ----------
    only : names of the tables that are wanted; those that the run does not have are left out

    Raises
    ------
    InputError
        When there is no data dictionary, or a table that it does not describe.
    """
    file = folder / "columns.json"
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        declared, names = read_dictionary(document), read_names(document)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise InputError(message("publish.no_dictionary", file=str(file))) from exc
    tables = {}
    for path in sorted((folder / "tables").glob("*.csv")):
        if only is not None and path.stem not in only:
            continue
        if path.stem not in declared:
            raise InputError(message("publish.not_in_dictionary", table=str(path), file=str(file)))
        found = declared[path.stem]
        frame = _frame(path)
        _check_columns(frame, found.columns, path)
        tables[path.stem] = Table(
            path.stem, frame, found.title, declared=found.columns, blank=found.blank
        )
    return tables, names


def _frame(path: Path) -> pd.DataFrame:
    """Read a table of a run; texts lose the mark that kept them from being run in a CSV."""
    import pandas as pd

    try:
        frame = pd.read_csv(path, encoding="utf-8-sig", keep_default_na=False, na_values=[""])
    except ValueError as exc:  # pandas' own errors are among these
        raise InputError(message("publish.no_table", file=str(path), cause=str(exc))) from exc
    if not isinstance(frame.index, pd.RangeIndex):  # the first column has no header of its own
        cause = message("publish.longer_rows")
        raise InputError(message("publish.no_table", file=str(path), cause=cause))
    texts = [c for c in frame.columns if not pd.api.types.is_numeric_dtype(frame[c].dtype)]
    frame[texts] = frame[texts].map(unmarked)
    frame.columns = frame.columns.map(unmarked)
    return frame


def _check_columns(frame: pd.DataFrame, declared: Sequence[Column], path: Path) -> None:
    """Refuse a table that somebody edited so far that its columns are not as declared."""
    import pandas as pd

    faults = Faults(path)
    for column in declared:
        if column.key not in frame:
            faults.add(
                message("tables.header"), message("publish.no_declared_column", name=column.key),
                expected=message("publish.column_as_written"),
            )  # fmt: skip
        elif column.role in _COUNTED and not pd.api.types.is_numeric_dtype(frame[column.key].dtype):
            words = frame[column.key].dropna()
            numbers = pd.to_numeric(words, errors="coerce")
            if numbers.isna().any():
                row = int(numbers.index[numbers.isna()][0])
                faults.add(
                    message("tables.cell", n=row + 2, column=column.key),
                    message("faults.is_no_number"),
                    value=words[row], expected=message("publish.column_as_written"),
                )  # fmt: skip
    faults.raise_if_any()
