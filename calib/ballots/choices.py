"""The choices of a prefix table, laid out for fast likelihoods."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calib._types import BoolArray, FloatArray

__all__ = ["Choices", "choices_of"]

_CANCEL = 1e-5  # below this share of the total worth, subtraction loses too many digits


@dataclass(frozen=True, slots=True)
class Choices:
    """Prefix sets by size, as lists of members, with the pairs of members of each.

    What is left of the items after a small set is the whole less the set: sums over the free
    items become sums over at most K - 1 members, and products over pairs of free items sums
    over pairs of members.

    Parameters
    ----------
    J : number of items
    rows : by set size, the rows of the table
    members : by set size s, (rows, s) positions of the members
    pairs : by set size s, (rows, s (s - 1) / 2) cells ``i J + j`` of pairs of members, i < j
    """

    J: int
    rows: tuple[NDArray[np.intp], ...]
    members: tuple[NDArray[np.intp], ...]
    pairs: tuple[NDArray[np.intp], ...]

    def denominators(self, w: FloatArray, cells: int) -> FloatArray | None:
        """Return the worth of the free items of every set, (M,); None if digits would be lost."""
        total = float(w.sum())
        out = np.empty(cells)
        for rows, members in zip(self.rows, self.members, strict=True):
            out[rows] = total - w[members].sum(axis=1)
        if cells and float(out.min()) < _CANCEL * total:
            return None
        return out

    def free_sums(self, values: FloatArray) -> FloatArray:
        """Return, for every item, the sum of values over the sets that it is free in, (J,)."""
        out = np.full(self.J, float(values.sum()))
        for rows, members in zip(self.rows, self.members, strict=True):
            if members.shape[1]:
                out -= self._spread(members, values[rows], self.J)
        return out

    def free_products(self, values: FloatArray) -> FloatArray:
        """Return, for every two items, the sum over the sets that both are free in, (J, J)."""
        J = self.J
        inside = float(values.sum()) - self.free_sums(values)
        both = np.zeros(J * J)
        for rows, pairs in zip(self.rows, self.pairs, strict=True):
            if pairs.shape[1]:
                both += self._spread(pairs, values[rows], J * J)
        cross = both.reshape(J, J)
        cross = cross + cross.T + np.diag(inside)
        return np.asarray(float(values.sum()) - inside[:, None] - inside + cross, dtype=float)

    @staticmethod
    def _spread(index: NDArray[np.intp], values: FloatArray, size: int) -> FloatArray:
        weights = np.repeat(values, index.shape[1])
        return np.asarray(np.bincount(index.ravel(), weights, minlength=size), dtype=float)


def choices_of(bits: BoolArray, stages: NDArray[np.int64]) -> Choices | None:
    """Lay out the sets given as membership bits (M, J); None if they are not small.

    Parameters
    ----------
    bits : (M, J) whether an item is in the set
    stages : (M,) size of each set
    """
    J = bits.shape[1]
    largest = int(stages.max()) if stages.size else 0
    if largest > 8 or largest > J / 2:
        return None
    rows_by, members_by, pairs_by = [], [], []
    for s in range(largest + 1):
        rows = np.flatnonzero(stages == s)
        if not rows.size:
            continue
        members = np.nonzero(bits[rows])[1].reshape(rows.size, s)
        first, second = np.triu_indices(s, 1)
        rows_by.append(rows)
        members_by.append(members)
        pairs_by.append(members[:, first] * J + members[:, second])
    return Choices(J, tuple(rows_by), tuple(members_by), tuple(pairs_by))
