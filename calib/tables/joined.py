"""Sheets of a workbook that hold one table, read together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from calib._types import IntArray
from calib.errors import Cell
from calib.tables.raw import RawTable, check_header
from calib.words import message

__all__ = ["JoinedTable", "join_sheets"]


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
