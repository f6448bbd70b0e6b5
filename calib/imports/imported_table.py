"""A table that was made from an export: its cells keep their addresses in the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from calib._types import IntArray
from calib.errors import Cell
from calib.imports.export import Block, Export
from calib.tables import RawTable, row_cell
from calib.words import Text, message

__all__ = ["Counts", "ImportedTable", "rows_of"]


@dataclass(frozen=True, eq=False)
class ImportedTable(RawTable):
    """Cells of an export under calib's own headers.

    Attributes
    ----------
    blocks : sheets that the rows come from
    origin : (n, 2) block and row of each row
    source : (n,) column of the file that each cell comes from, by header; -1 for none
    """

    blocks: Sequence[Block] = ()
    origin: IntArray = field(default_factory=lambda: np.zeros((0, 2), dtype=np.int64))
    source: Mapping[str, IntArray] = field(default_factory=dict)

    def row_number(self, row: int) -> int:
        """Return the number that the user's program shows for a row; ``row`` counts from 0."""
        return int(self.origin[row, 1]) + 1

    def address(self, row: int, column: str) -> str:
        """Return the address of a cell in the file; ``row`` counts from 0."""
        block, at = self.origin[row]
        place = int(self.source[column][row]) if column in self.source else -1
        own: Block = self.blocks[int(block)]
        return own.address(int(at), max(place, 0))

    def where(self, row: int, column: str | None = None) -> Cell:
        """Name a cell (or a row) the way the user's program shows it; ``row`` counts from 0."""
        own: Block = self.blocks[int(self.origin[row, 0])]
        at = int(self.origin[row, 1])
        if column is None:
            return row_cell(own.sheet, at)
        place = int(self.source[column][row]) if column in self.source else -1
        return own.cell(at, max(place, 0), column)


def rows_of(export: Export) -> IntArray:
    """Return block and row of every row of an export, (n, 2)."""
    pairs = [(b, r) for b, block in enumerate(export.blocks) for r in block.rows]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


class Counts:
    """How many cells were converted in which way."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def add(self, kind: str, n: int = 1) -> None:
        """Count cells of a kind: a key under ``imports.counts`` of the catalogue."""
        self._counts[kind] = self._counts.get(kind, 0) + n

    def note(self) -> tuple[Text, ...]:
        """Return a sentence with every count, nothing if nothing was converted."""
        if not self._counts:
            return ()
        listed = [message(f"imports.counts.{k}", n=n) for k, n in self._counts.items() if n]
        return (message("imports.converted", counts=listed),)
