"""Scores of enterprises at every node under one weight set, and what rating needs beside them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray
from calib.framework import Thresholds, Track
from calib.rating.gates_and_caps import (
    check_capped_scored,
    leaf_caps,
    movable_gates,
    required_nodes,
)
from calib.rating.stars import (
    by_answered,
    effective_local,
    gates_reached,
    node_scores,
    nodes_with_score,
    stars,
)

__all__ = ["ScoredNodes", "score_answered", "score_nodes"]


@dataclass(frozen=True, eq=False)
class ScoredNodes:
    """Scores of enterprises at every node under one weight set.

    Attributes
    ----------
    local, weight : (m,) local and global weights
    scores : (n, m) score of every node
    total : (n,) totals
    gated : (P,) positions of the gated nodes
    gates : (P, K-1) their effective gates
    caps : (n,) highest star that caps on items allow
    thresholds : effective thresholds of the rule
    answers : (n, L) leaf scores with NaN where an item is unanswered; None where all are answered
    """

    track: Track
    local: FloatArray
    weight: FloatArray
    scores: FloatArray
    total: FloatArray
    gated: IntArray
    gates: FloatArray
    caps: IntArray
    thresholds: Thresholds
    answers: FloatArray | None = None

    @property
    def star(self) -> IntArray:
        """Star of every enterprise, (n,), from 0."""
        found = stars(self.total, self.scores[:, self.gated], self.thresholds, self.gates)[0]
        return np.minimum(found, self.caps)

    @property
    def reached(self) -> IntArray:
        """Star that each gate, and in the last column the caps, allow, (n, P + 1)."""
        gates = gates_reached(self.scores[:, self.gated], self.gates)
        return np.concatenate([gates, self.caps[:, None]], axis=1)

    @cached_property
    def patterns(self) -> list[tuple[IntArray, BoolArray]]:
        """Enterprises with unanswered items, by what they answered: rows, answered (L,)."""
        if self.answers is None:
            return []
        return [(rows, answered) for rows, answered in by_answered(self.answers)
                if not answered.all()]  # fmt: skip

    @cached_property
    def renormalised(self) -> list[tuple[IntArray, BoolArray, ScoredNodes]]:
        """The same enterprises scored from their answers, where rating does not refuse them."""
        scored = [(rows, a, score_answered(self, rows, a, self.local)) for rows, a in self.patterns]
        return [(rows, answered, own) for rows, answered, own in scored if own is not None]


def score_nodes(
    track: Track,
    X: FloatArray,
    local: FloatArray,
    thresholds: Thresholds,
    answers: FloatArray | None = None,
) -> ScoredNodes:
    """Score every node once.

    Parameters
    ----------
    X : (n, L) leaf scores without gaps
    local : (m,) local weights
    thresholds : effective thresholds of the rule
    answers : (n, L) leaf scores with NaN where an item is unanswered, if any is
    """
    own = np.asarray(local, dtype=float)
    scores = node_scores(track, np.asarray(X, dtype=float), own)
    top = track.families[0].members
    gaps = answers is not None and bool(np.isnan(answers).any())
    if gaps and answers is not None:
        check_capped_scored(track, thresholds, answers)
    gated, gates = movable_gates(track, thresholds)
    return ScoredNodes(
        track, own, track.global_weights(own), scores, scores[:, top] @ own[top], gated, gates,
        leaf_caps(track, np.asarray(X, dtype=float), thresholds.caps, len(thresholds.band)),
        thresholds, answers if gaps else None,
    )  # fmt: skip


def score_answered(
    base: ScoredNodes, rows: IntArray, answered: BoolArray, local: FloatArray
) -> ScoredNodes | None:
    """Score enterprises that answered the same items from their answers, as rating does.

    None where rating would refuse: no answer counts in the total, or under a gated node.
    """
    assert base.answers is not None
    track = base.track
    known = nodes_with_score(track, local, answered)
    top = track.families[0].members
    gates = required_nodes(track, base.thresholds)
    counts = track.global_weights(local)[gates] > 0
    if not (known[top] & (local[top] > 0)).any() or not known[gates[counts]].all():
        return None
    own = effective_local(track, local, answered)
    return score_nodes(track, np.nan_to_num(base.answers[rows]), own, base.thresholds)
