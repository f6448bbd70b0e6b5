"""An export as it lies in a file: which platform wrote it, which rows are headers."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from calib.errors import Cell
from calib.imports.text import fold
from calib.imports.vocabulary import Platform, platforms, words
from calib.tables import Grid, column_letters, plain_text, read_grids

__all__ = ["Block", "Export", "read_export"]

_WIDE = 8
"""Columns, and rows, from which a header can be told from answers by what recurs."""
_DEPTH = 3
"""Rows that a header has at most."""
_NUMBER = re.compile(r"[-+]?[\d.,]+%?")


@dataclass(frozen=True, eq=False)
class Block:
    """One sheet with its header told from its rows.

    Attributes
    ----------
    labels : header of each column, the parts of a header of several rows joined
    first : position of the first row below the header, from 0
    rows : positions of the rows that hold something
    """

    grid: Grid
    labels: tuple[str, ...]
    first: int
    rows: tuple[int, ...]

    @property
    def sheet(self) -> str:
        """Name of the sheet, "" for a text file."""
        return self.grid.sheet

    def value(self, row: int, column: int) -> Any:
        """Return a cell; rows may end early."""
        cells = self.grid.rows[row]
        return cells[column] if column < len(cells) else ""

    @cached_property
    def texts(self) -> list[list[str]]:
        """Cells of each column as text, in the order of ``rows``."""
        return [[self.text(r, c) for r in self.rows] for c in range(len(self.labels))]

    def text(self, row: int, column: int) -> str:
        """Return a cell as text."""
        return _text(self.value(row, column))

    def address(self, row: int, column: int) -> str:
        """Return a cell's address the way the user's program shows it."""
        cell = f"{column_letters(column)}{row + 1}"
        return f"{self.sheet}!{cell}" if self.sheet else cell

    def cell(self, row: int, column: int, label: str = "") -> Cell:
        """Return a cell as a fault names it, with what it is about in brackets."""
        shown = self.address(row, column)
        return Cell(f"{shown} ({label})" if label else shown, self.sheet, row, column)

    def column_name(self, column: int) -> str:
        """Return how a mapping names a column: its letters, with the sheet before them."""
        letters = column_letters(column)
        return f"{self.sheet}!{letters}" if self.sheet else letters


@dataclass(frozen=True, eq=False)
class Export:
    """A file of a survey platform, or one filled by hand.

    Attributes
    ----------
    platform : that wrote it, None if it is not known
    """

    file: str
    blocks: tuple[Block, ...]
    platform: Platform | None

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the layout: sheets and headers, not the answers."""
        layout = [[b.sheet, *map(fold, b.labels)] for b in self.blocks]
        return hashlib.sha256(json.dumps(layout, ensure_ascii=False).encode()).hexdigest()


def read_export(path: str | os.PathLike[str], *, sheet: str | None = None) -> Export:
    """Read a file, and tell its platform and headers.

    Raises
    ------
    InputError
        When it cannot be read as a table.
    """
    grids = read_grids(path, sheet=sheet)
    platform = _platform(grids)
    blocks = [_block(grid, platform) for grid in grids]
    return Export(os.fspath(path), tuple(b for b in blocks if b.rows), platform)


def _platform(grids: Sequence[Grid]) -> Platform | None:
    for grid in grids:
        labels = {fold(plain_text(v)) for row in grid.rows[:_DEPTH] for v in row}
        for platform in platforms():
            if platform.known <= labels:
                return platform
    return None


def _block(grid: Grid, platform: Platform | None) -> Block:
    texts = [[_text(v) for v in row] for row in grid.rows]
    top = _top(texts, grid.width)
    depth = _depth(texts, top, platform)
    below = range(top + depth, len(texts))
    rows = tuple(r for r in below if any(texts[r]) and not _is_import_ids(texts[r]))
    return Block(grid, _labels(texts[top : top + depth], grid.width), top + depth, rows)


def _text(value: Any) -> str:
    """Return a cell as text; Excel's dates as they are written."""
    if isinstance(value, datetime.datetime | datetime.date):
        return value.isoformat(sep=" ") if isinstance(value, datetime.datetime) else str(value)
    return plain_text(value)


def _top(texts: list[list[str]], width: int) -> int:
    """Return the first row of the header: titles above fill a cell or two of many."""
    counts = [sum(map(bool, row)) for row in texts[:20]]
    for r, count in enumerate(counts):
        if count and (width < 3 or count > 2 or count >= width / 2):
            return r
    return next((r for r, count in enumerate(counts) if count), 0)


def _depth(texts: list[list[str]], top: int, platform: Platform | None) -> int:
    """Return how many rows the header has."""
    code = platform.code if platform else ""
    if code == "qualtrics":
        return 3 if len(texts) > top + 2 and _is_import_ids(texts[top + 2]) else 2
    if code.startswith("surveymonkey"):
        return 2
    depth = 1
    while depth < _DEPTH and _continues(texts, top, top + depth):
        depth += 1
    return depth


def _is_import_ids(row: list[str]) -> bool:
    return any("importid" in c.casefold() for c in row)


def _continues(texts: list[list[str]], top: int, row: int) -> bool:
    """Return whether a row goes on with the header: it fills gaps with texts not met below.

    Or it says every header once more, in another language: in a wide table some option of a row
    of answers is met in another row.
    """
    if row + 1 >= len(texts):
        return False
    above = {c for r in range(top, row) for c, v in enumerate(texts[r]) if v}
    filled = [c for c, v in enumerate(texts[row]) if v]
    whole = bool(filled) and all(c in above for c in filled)
    if not filled or (whole and (len(filled) < _WIDE or len(texts) - row < _WIDE)):
        return False
    if any(_NUMBER.fullmatch(texts[row][c]) for c in filled):
        return False
    met = [any(texts[row][c] == r[c] for r in texts[row + 1 :] if c < len(r)) for c in filled]
    return sum(met) <= (0 if whole else 0.1 * len(met))


def _labels(rows: list[list[str]], width: int) -> tuple[str, ...]:
    """Join the rows of a header; a cell that spans several stands in the first of them."""
    kept = [row for row in rows if not _is_import_ids(row)]
    spread = [_spread(row, width, last=row is kept[-1]) for row in kept]
    out = []
    for column in range(width):
        parts = [
            s[column]
            for s in spread
            if s[column] and fold(s[column]) not in words("aside", "subheads")
        ]
        out.append(" | ".join(dict.fromkeys(parts)))
    return tuple(out)


def _spread(row: list[str], width: int, *, last: bool) -> list[str]:
    """Return a header row at full width, gaps filled from the left but in the last row."""
    cells = [*row, *[""] * (width - len(row))]
    if last:
        return cells
    out: list[str] = []
    for cell in cells:
        out.append(cell or (out[-1] if out else ""))
    return out
