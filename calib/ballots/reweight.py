"""One set of ballots, many weightings: the prefix sets stay, their counts change."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from calib._types import BoolArray, FloatArray, IntArray
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
        inside = table.available() == 0
        item, cell = np.nonzero(inside.T)
        J = table.J
        self._members: Any = csr_matrix((np.ones(item.size), (item, cell)), (J, table.cells))
        first, second = np.triu_indices(J, 1)
        self._pair_items = (first, second)
        pair, cell = _pairs_of(inside, first, second)
        shape = (first.size, table.cells)
        self._pairs: Any = csr_matrix((np.ones(pair.size), (pair, cell)), shape)
        self._wins: Any = csr_matrix((np.ones(row.size), (items, row)), (table.J, len(picks)))

    def available(self) -> FloatArray:
        """Return 1 where an item is not in the set, (M, J)."""
        return self._table.available()

    def free_products(self, values: FloatArray) -> FloatArray:
        """Return sums of values (B, M) over the sets in which both of two items are free.

        Returns
        -------
        (B, J, J); see :meth:`calib.ballots.choices.Choices.free_products`
        """
        J = self._table.J
        total = values.sum(axis=1)
        inside = (self._members @ values.T).T
        first, second = self._pair_items
        cross = np.zeros((len(values), J, J))
        cross[:, first, second] = (self._pairs @ values.T).T
        cross += cross.transpose(0, 2, 1)
        diagonal = np.arange(J)
        cross[:, diagonal, diagonal] = inside
        cross -= inside[:, :, None] + inside[:, None, :]
        return np.asarray(cross + total[:, None, None], dtype=float)

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


def _pairs_of(inside: BoolArray, first: IntArray, second: IntArray) -> tuple[IntArray, IntArray]:
    """Return pair and cell of every two members of every set."""
    pairs, cells = [], []
    for start in range(0, len(inside), 4096):  # in pieces: there are J (J - 1) / 2 pairs
        part = inside[start : start + 4096]
        cell, pair = np.nonzero(part[:, first] & part[:, second])
        pairs.append(pair)
        cells.append(cell + start)
    return np.concatenate(pairs), np.concatenate(cells)


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
