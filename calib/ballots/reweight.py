"""One set of ballots, many weightings: the prefix sets stay, their counts change."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from calib._types import FloatArray, IntArray
from calib.ballots.prefix import PrefixTable

__all__ = ["Reweighting"]


class Reweighting:
    """Turns weights of ballots into weights of prefix sets by one sparse product.

    Parameters
    ----------
    picks : (n, K) ballots
    table : prefix table that holds at least every set these ballots pass through
    """

    def __init__(self, picks: NDArray[np.int16], table: PrefixTable) -> None:
        from scipy.sparse import csr_matrix

        self._table = table
        cells = _cells_of(picks, table)
        row, stage = np.nonzero(cells >= 0)
        ones = np.ones(row.size)
        self._cells: Any = csr_matrix((ones, (cells[row, stage], row)), (table.cells, len(picks)))
        won = picks[:, : min(picks.shape[1], table.J - 1)]
        row, stage = np.nonzero(won >= 0)
        items = won[row, stage].astype(np.int64)
        self._wins: Any = csr_matrix((np.ones(row.size), (items, row)), (table.J, len(picks)))

    def available(self) -> FloatArray:
        """Return 1 where an item is not in the set, (M, J)."""
        return self._table.available()

    def statistics(self, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the counts of the sets (B, M) and the wins (B, J) under weights (B, n)."""
        counts = np.ascontiguousarray(np.asarray((self._cells @ weight.T).T, dtype=float))
        return counts, np.asarray((self._wins @ weight.T).T, dtype=float)

    def table(self, counts: FloatArray, wins: FloatArray) -> PrefixTable:
        """Return the prefix table of one weighting; its wins stand at the first rank."""
        whole = self._table
        seen = counts > 0
        picks = np.zeros_like(whole.picks)
        picks[0] = wins
        return PrefixTable(
            whole.J,
            whole.keys[seen],
            counts[seen],
            whole.stages[seen],
            picks,
            whole.lengths,
            whole.lengths2,
            whole.n,
        )


def _cells_of(picks: NDArray[np.int16], table: PrefixTable) -> IntArray:
    """Return the row of the table for the prefix set before each choice, -1 for none, (n, K)."""
    lookup = {key.tobytes(): row for row, key in enumerate(table.keys)}
    out = np.full(picks.shape, -1, dtype=np.int64)
    keys = np.zeros((len(picks), table.keys.shape[1]), dtype=np.uint64)
    for s in range(min(picks.shape[1], table.J - 1)):
        on = np.flatnonzero(picks[:, s] >= 0)
        found, where = np.unique(keys[on], axis=0, return_inverse=True)
        rows = np.array([lookup[key.tobytes()] for key in found], dtype=np.int64)
        out[on, s] = rows[where.ravel()] if on.size else -1
        j = picks[on, s].astype(np.int64)
        keys[on, j >> 6] |= np.uint64(1) << (j & 63).astype(np.uint64)
    return out
