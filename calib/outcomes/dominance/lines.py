"""How total and gate scores move when one weight moves and its siblings make room for it.

Moving the local weight of a node v by δ, its siblings rescaled, moves the score of its parent by
δ (S_v - R_v), where R_v is the mean of the siblings; ancestors follow in proportion to their
weights. Everything that a single weight can do to stars is therefore a straight line in δ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray
from calib.framework import Thresholds, Track
from calib.rating.stars import effective_local, node_scores, scored_nodes

__all__ = ["Baseline", "Line", "baseline", "gap_patterns", "line_of", "renormalised"]


@dataclass(frozen=True, slots=True)
class Baseline:
    """Scores under the starting weights, shared by all star measures.

    Parameters
    ----------
    scores : (n, m) score of every node
    total : (n,)
    gated : (P,) positions of the gated nodes
    weight : (m,) global weight of every node
    local : (m,) local weights
    thresholds : effective thresholds of the rule
    answers : (n, L) leaf scores with NaN where an item is unanswered; None where all are answered
    """

    track: Track
    scores: FloatArray
    total: FloatArray
    gated: IntArray
    weight: FloatArray
    local: FloatArray
    thresholds: Thresholds
    answers: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """Slopes of total and gate scores in the local weight of one node.

    Parameters
    ----------
    total : (n,) slope of the total, in points per unit of weight
    above : number among the gated nodes of the one that moves, or -1
    gate : (n,) slope of that node's score
    low, high : float
        Range of the move: the weight stays between 0 and 1.
    """

    total: FloatArray
    above: int
    gate: FloatArray
    low: float
    high: float


def baseline(
    track: Track,
    X: FloatArray,
    local: FloatArray,
    thresholds: Thresholds,
    answers: FloatArray | None = None,
) -> Baseline:
    """Score every node once.

    Parameters
    ----------
    track : the tree
    X : (n, L) leaf scores without gaps
    local : (m,) local weights
    thresholds : effective thresholds of the rule
    answers : (n, L) leaf scores with NaN where an item is unanswered, if any is
    """
    scores = node_scores(track, X, local)
    top = track.families[0].members
    total = scores[:, top] @ local[top]
    gated = track.at_depth(thresholds.gate_depth)
    gaps = answers is not None and bool(np.isnan(answers).any())
    return Baseline(
        track, scores, total, gated, track.global_weights(local), np.asarray(local), thresholds,
        answers if gaps else None,
    )  # fmt: skip


def gap_patterns(base: Baseline) -> list[tuple[IntArray, BoolArray]]:
    """Group the enterprises with unanswered items by what they answered: rows, answered (L,)."""
    if base.answers is None:
        return []
    answered = ~np.isnan(base.answers)
    patterns, group = np.unique(answered, axis=0, return_inverse=True)
    return [(np.flatnonzero(group.ravel() == i), p) for i, p in enumerate(patterns) if not p.all()]


def renormalised(
    base: Baseline, rows: IntArray, answered: BoolArray, local: FloatArray
) -> Baseline | None:
    """Score some enterprises from their raw answers, as rating does, under other weights.

    Parameters
    ----------
    base : scores of all enterprises, with their answers
    rows : enterprises that answered the same items
    answered : (L,) which items those are
    local : (m,) local weights, to be renormalised among what is answered

    Returns
    -------
    Baseline with the renormalised local weights, or None where rating would refuse: no answer
    counts in the total, or under a gated node
    """
    assert base.answers is not None
    known = scored_nodes(base.track, local, answered)
    top = base.track.families[0].members
    gates = base.gated if np.isfinite(base.thresholds.gate).any() else base.gated[:0]
    counts = base.track.global_weights(local)[gates] > 0
    if not (known[top] & (local[top] > 0)).any() or not known[gates[counts]].all():
        return None
    own = effective_local(base.track, local, answered)
    return baseline(base.track, np.nan_to_num(base.answers[rows]), own, base.thresholds)


def line_of(base: Baseline, node: int) -> Line | None:
    """Return the line of a node, or None where it has no sibling with weight to make room."""
    track, w = base.track, float(base.local[node])
    if w >= 1.0 - 1e-12:
        return None
    parent = int(track.parent[node])
    score = base.total if parent < 0 else base.scores[:, parent]
    rest = (score - w * base.scores[:, node]) / (1.0 - w)
    slope = base.scores[:, node] - rest
    share = 1.0 if parent < 0 else float(base.weight[parent])
    above, gate = -1, np.zeros(0)
    up, factor = parent, 1.0
    while up >= 0:
        hit = np.flatnonzero(base.gated == up)
        if len(hit):
            above, gate = int(hit[0]), factor * slope
            break
        factor *= float(base.local[up])
        up = int(track.parent[up])
    return Line(share * slope, above, gate, -w, 1.0 - w)
