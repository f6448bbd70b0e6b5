"""How many ballots put one item above another."""

from __future__ import annotations

import numpy as np

from calib._types import FloatArray
from calib.ballots.data import Ballots

__all__ = ["preference_counts"]

_CHUNK = 200_000


def preference_counts(ballots: Ballots) -> FloatArray:
    """Return (J, J): the weight of the ballots that strictly prefer item i to item j.

    Notes
    -----
    Listed before, or listed while the other is not; two unlisted items are not compared.
    """
    J = ballots.J
    before = np.zeros(J * J)  # both listed, i before j
    listed = np.zeros(J)
    for start in range(0, ballots.n, _CHUNK):
        picks = ballots.picks[start : start + _CHUNK].astype(np.int64)
        weight = ballots.weights[start : start + _CHUNK]
        for t in range(ballots.K):
            on = picks[:, t] >= 0
            listed += np.bincount(picks[on, t], weight[on], minlength=J)
            for s in range(t):
                cell = picks[on, s] * J + picks[on, t]
                before += np.bincount(cell, weight[on], minlength=J * J)
    order = before.reshape(J, J)
    counts = listed[:, None] - order - order.T + order
    np.fill_diagonal(counts, 0.0)
    return np.asarray(np.maximum(counts, 0.0), dtype=float)
