"""Counting stars of a block of enterprises under many weight sets: one compiled pass.

The same counts as the NumPy pass; scores, gates and comparisons stay in the processor's cache.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from calib._compiled import numba_njit
from calib._types import FloatArray, IntArray
from calib.rating.collapse import Folded
from calib.words import message

__all__ = ["count_block"]

LANES = 256  # weight sets in hand at once: three rows of them fit the first-level cache


@lru_cache(maxsize=1)
def _compiled() -> Any:
    njit = numba_njit(message("extras.kernel"))
    # Contraction to fused multiply-add only; no reordering that could meet a NaN or an infinity.
    return njit(nogil=True, fastmath={"contract", "nsz"}, error_model="numpy")(_count)


def count_block(folded: Folded, scores: FloatArray, caps: IntArray) -> tuple[IntArray, IntArray]:
    """Count the weight sets and enterprises at or above each star; as the NumPy pass does."""
    steps = len(folded.thresholds.band)
    per_set = np.zeros((steps, folded.sets), dtype=np.int64)
    per_enterprise = np.zeros((len(scores), steps), dtype=np.int64)
    rule, gate = folded.thresholds, folded.shared_gate
    assert gate is not None, "the compiled pass takes one gate table"
    _compiled()(
        np.ascontiguousarray(scores),
        caps.astype(np.int64),
        folded.within,
        folded.group,
        folded.edges,
        np.array(folded.gated, dtype=np.bool_),
        np.append(rule.band, np.inf),
        gate,
        rule.one_star,
        per_set,
        per_enterprise,
    )
    return per_set.T, per_enterprise


def _count(
    scores: Any, caps: Any, within: Any, group: Any, edges: Any, gated: Any,
    band: Any, gate: Any, one_star: bool, per_set: Any, per_enterprise: Any,
) -> None:  # fmt: skip
    """Count; the body is compiled by numba, so loops over single numbers are meant."""
    rows, sets, groups, steps = scores.shape[0], within.shape[1], group.shape[0], gate.shape[0]
    total, lowest, inner = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    for first in range(0, sets, LANES):
        w = min(LANES, sets - first)
        last = first + w
        for i in range(rows):
            total[:] = 0.0
            lowest[:] = 1e300
            for p in range(groups):
                inner[:] = 0.0
                c, end = edges[p], edges[p + 1]
                while c + 4 <= end:  # four columns at a time: fewer loads of the running sum
                    x0, x1 = scores[i, c], scores[i, c + 1]
                    x2, x3 = scores[i, c + 2], scores[i, c + 3]
                    h0, h1 = within[c, first:last], within[c + 1, first:last]
                    h2, h3 = within[c + 2, first:last], within[c + 3, first:last]
                    for s in range(w):
                        inner[s] += x0 * h0[s] + x1 * h1[s] + x2 * h2[s] + x3 * h3[s]
                    c += 4
                while c < end:
                    x0 = scores[i, c]
                    h0 = within[c, first:last]
                    for s in range(w):
                        inner[s] += x0 * h0[s]
                    c += 1
                a = group[p, first:last]
                if gated[p]:
                    for s in range(w):
                        total[s] += a[s] * inner[s]
                        lowest[s] = min(lowest[s], inner[s])
                else:
                    for s in range(w):
                        total[s] += a[s] * inner[s]
            for j in range(steps):
                b, g, nxt, tally = band[j], gate[j], np.inf, 0
                if caps[i] <= j:
                    b = np.inf
                if one_star:
                    nxt = band[j + 1]
                column = per_set[j, first:last]
                for s in range(w):
                    hit = 1 if ((total[s] > b) & (lowest[s] > g)) | (total[s] > nxt) else 0
                    column[s] += hit
                    tally += hit
                per_enterprise[i, j] += tally
