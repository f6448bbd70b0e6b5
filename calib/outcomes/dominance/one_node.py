"""What one node does to stars and ranks: left out, or moved as little as changes a star."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray, SmallIntArray
from calib.rating.one_weight import left_out, smallest_moves
from calib.rating.scored_nodes import ScoredNodes
from calib.rating.stars import stars

__all__ = ["LeaveOut", "Leverage", "leave_out", "leverage"]

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


@dataclass(frozen=True, slots=True)
class LeaveOut:
    """Effect of leaving nodes out one at a time, siblings taking over their weight.

    Parameters
    ----------
    changed, up, down : (q,) share of enterprises whose star changes, rises, falls
    by_gate : (q, P) share of enterprises whose star changes and whose gate at node p passes from
        failed to passed or back with it (a pillar left out: whose star its own gate held down)
    by_band : (q,) share whose star changes because the band of the total does, no gate involved
    rank_shift : (q,) mean absolute number of places that enterprises move in the order of totals
    moves : (q, n) stars gained or lost by each enterprise
    """

    changed: FloatArray
    up: FloatArray
    down: FloatArray
    by_gate: FloatArray
    by_band: FloatArray
    rank_shift: FloatArray
    moves: SmallIntArray


def leave_out(base: ScoredNodes, nodes: IntArray) -> LeaveOut:
    """Leave out nodes one at a time and rate again.

    Parameters
    ----------
    base : scores under the starting weights
    nodes : (q,) positions in the track

    Returns
    -------
    LeaveOut
        A node that holds all the weight of its family cannot be left out, nor one without which
        an enterprise has no answer that counts: NaN. A pillar that is left out no longer gates.
    """
    q, gates = len(nodes), len(base.gated)
    table = np.full((q, 5), np.nan)
    by_gate = np.full((q, gates), np.nan)
    moves = np.zeros((q, len(base.total)), dtype=np.int8)
    gated = base.scores[:, base.gated]

    def rated(total: FloatArray, scores: FloatArray) -> tuple[IntArray, IntArray, BoolArray]:
        star, band, failed = stars(total, scores, base.thresholds, base.gates)
        return np.minimum(star, base.caps), band, failed

    before, band, failed = rated(base.total, gated)
    n = max(len(before), 1)
    rank = _ranks(base.total)
    for i, node in enumerate(nodes):
        without = left_out(base, int(node))
        if without is None:
            continue
        total = without.total
        after, new_band, new_failed = rated(total, without.gated)
        change = after != before
        gate = (new_failed != failed) & change[:, None]
        own = np.flatnonzero(base.gated == node)
        if len(own):
            held, _, _ = rated(total, gated)
            gate[:, own] = (change & (held != after))[:, None]
        band_only = change & (new_band != band) & ~gate.any(axis=1)
        table[i] = (
            np.count_nonzero(change),
            np.count_nonzero(after > before),
            np.count_nonzero(after < before),
            np.count_nonzero(band_only),
            np.abs(_ranks(total) - rank).sum(),
        )
        by_gate[i] = gate.sum(axis=0)
        moves[i] = after - before
    table /= n
    return LeaveOut(
        table[:, 0], table[:, 1], table[:, 2], by_gate / n, table[:, 3], table[:, 4], moves
    )


def _ranks(total: FloatArray) -> FloatArray:
    """Return mid-ranks; totals closer than 1e-9 points are the same total."""
    order = np.argsort(total, kind="stable")
    ordered = total[order]
    new = np.empty(len(total), dtype=bool)
    new[:1] = True
    new[1:] = np.diff(ordered) > 1e-9
    group = np.cumsum(new) - 1
    size = np.bincount(group)
    first = np.cumsum(size) - size
    out = np.empty(len(total))
    out[order] = (first + 0.5 * (size - 1))[group]
    return out
