"""Star leverage: how small a move of one weight already changes a star."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import FloatArray, IntArray
from calib.rating.one_weight import ScoredNodes, smallest_moves

__all__ = ["Leverage", "leverage"]

_STEP = 0.05


@dataclass(frozen=True, slots=True)
class Leverage:
    """Smallest moves of each local weight, siblings rescaled, that change stars.

    Parameters
    ----------
    smallest : (q,) smallest absolute move that changes the star of some enterprise; inf if none
    within : (q,) share of enterprises whose star changes by a move of at most 0.05
    """

    smallest: FloatArray
    within: FloatArray


def leverage(base: ScoredNodes, nodes: IntArray) -> Leverage:
    """Compute star leverage of nodes, gates included.

    Parameters
    ----------
    base : scores under the starting weights
    nodes : (q,) positions in the track
    """
    n = len(base.total)
    smallest, within = np.full(len(nodes), np.inf), np.zeros(len(nodes))
    for i, node in enumerate(nodes):  # node by node: no table of q x n
        moves = smallest_moves(base, int(node))
        if moves is not None:
            smallest[i] = moves.min(initial=np.inf)
            within[i] = np.count_nonzero(moves <= _STEP) / max(n, 1)
    return Leverage(smallest, within)
