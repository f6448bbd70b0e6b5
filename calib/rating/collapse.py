"""What varies between weight sets: levels that stay constant are folded away before rating.

Under many weight sets the total and the scores of the gated nodes are sums over the *frontier*:
the highest nodes below which no local weight varies. With all leaf weights varying the frontier
is the leaves; with only pillar weights varying it is the pillars, and their gates are decided
once for all sets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import FloatArray, IntArray
from calib.errors import InputError
from calib.framework import Thresholds, Track
from calib.rating.gates_and_caps import leaf_caps, movable_gates
from calib.rating.stars import gates_reached
from calib.words import message

__all__ = ["Folded", "fold", "frontier"]


@dataclass(frozen=True, eq=False)
class Folded:
    """Weight sets and rule of one track, reduced to the frontier.

    Attributes
    ----------
    base : (L, u) score of a leaf to score of a frontier node, constant over the sets
    within : (u, k) weight of each frontier node inside its group, contiguous in memory
    group : (P, k) global weight of each group; sums to 1 over groups
    edges : (P+1,) group ``p`` is columns ``edges[p]:edges[p+1]``
    gated : (P,) whether a group is a gated node whose score varies with the sets
    fixed : (L, q) leaf weights of the gated nodes whose scores do not vary
    nodes : (u,) positions of the frontier nodes, in column order
    gates : positions in the track of the gated groups, in the order of the groups
    gate : (P, K-1) effective gates of each group; -inf where it is not gated
    fixed_gate : (q, K-1) effective gates of the gated nodes whose scores do not vary
    track : the track, for caps on items
    thresholds : of the rule, effective
    """

    base: FloatArray
    within: FloatArray
    group: FloatArray
    edges: IntArray
    gated: tuple[bool, ...]
    fixed: FloatArray
    nodes: IntArray
    gates: IntArray
    gate: FloatArray
    fixed_gate: FloatArray
    track: Track
    thresholds: Thresholds

    @property
    def shared_gate(self) -> FloatArray | None:
        """Gates (K-1,) that all gated groups have; None where they differ."""
        rows = self.gate[np.array(self.gated, dtype=bool)]
        if not len(rows):
            return np.full(len(self.thresholds.band), -np.inf)
        return np.asarray(rows[0]) if (rows == rows[0]).all() else None

    @property
    def sets(self) -> int:
        """Number of weight sets k."""
        return int(self.within.shape[1])

    def caps(self, X: FloatArray) -> IntArray:
        """Return the highest star (from 0) that the constant gates allow each enterprise, (n,)."""
        top = len(self.thresholds.band)
        if not self.fixed.shape[1]:
            out = np.full(len(X), top, dtype=np.int64)
        else:
            out = np.asarray(gates_reached(X @ self.fixed, self.fixed_gate).min(axis=1), np.int64)
        if self.thresholds.caps:
            out = np.minimum(out, leaf_caps(self.track, X, self.thresholds.caps, top))
        return out

    def scores(self, X: FloatArray) -> FloatArray:
        """Return the scores (n, u) of the frontier nodes."""
        return np.ascontiguousarray(X @ self.base)


def frontier(track: Track, local: FloatArray) -> IntArray:
    """Return the highest nodes below which no local weight differs between weight sets.

    Parameters
    ----------
    local : (k, m) local weights of the sets

    Returns
    -------
    Positions of nodes that cut the tree: every leaf lies under exactly one of them. Only the
    root's children or lower, so a single set gives the root's children.
    """
    varies = (local != local[:1]).any(axis=0)
    below = np.zeros(len(track.nodes), dtype=bool)
    for i in range(len(track.nodes) - 1, -1, -1):  # preorder: children come after their parent
        parent = int(track.parent[i])
        if parent >= 0 and (varies[i] or below[i]):
            below[parent] = True
    chosen = []
    for i in range(len(track.nodes)):
        parent = int(track.parent[i])
        if not below[i] and (parent < 0 or below[parent]):
            chosen.append(i)
    return np.array(chosen, dtype=np.int64)


def fold(
    track: Track, local: FloatArray, thresholds: Thresholds, cut: IntArray | None = None
) -> Folded:
    """Fold constant levels of many weight sets away.

    Parameters
    ----------
    local : (k, m) local weights, siblings summing to 1 in every set
    thresholds : effective thresholds of the rating rule
    cut : the nodes to fold down to, cutting the tree; the frontier if None

    Raises
    ------
    InputError
        When ``local`` has the wrong shape or no sets, or the rule has parts that cannot be followed
        through moving weights (:func:`calib.rating.gates_and_caps.movable_gates`).
    """
    local = np.asarray(local, dtype=float)
    if local.ndim != 2 or local.shape[1] != len(track.nodes) or not len(local):
        raise InputError(
            message(
                "faults.weights_of_track_have_shape",
                code=track.code,
                shape=str(local.shape),
                n=len(track.nodes),
            )
        )
    cut = frontier(track, local) if cut is None else cut
    base = track.within(local[0], cut).T
    gates, edges_of = movable_gates(track, thresholds)
    some = np.isfinite(edges_of).any(axis=1)
    gates, edges_of = gates[some], edges_of[some]
    under = track.membership(gates)
    parts = [cut[(track.membership(cut) & row).any(axis=1)] for row in under]
    wide = [np.array_equal(track.membership(p).any(axis=0), row) and len(p) > 1
            for p, row in zip(parts, under, strict=True)]  # fmt: skip
    order, edges, gated, groups = _groups(cut, parts, wide)
    whole = track.global_weights(local)
    within = np.empty((len(cut), len(local)))
    group = np.empty((len(groups), len(local)))
    varying = gates[np.flatnonzero(wide)]
    at = {int(c): i for i, c in enumerate(cut)}
    for p, members in enumerate(groups):
        rows = slice(int(edges[p]), int(edges[p + 1]))
        if gated[p]:
            node = int(varying[p])
            within[rows] = _between(track, local, node, members).T
            group[p] = whole[:, node]
        else:
            # No gate varies here: the columns keep their global weights, under a group weight 1.
            within[rows] = whole[:, members].T
            group[p] = 1.0
    fixed = [i for i, w in enumerate(wide) if not w]
    return Folded(
        base=np.ascontiguousarray(base[:, [at[int(c)] for c in order]]),
        within=np.ascontiguousarray(within),
        group=np.ascontiguousarray(group),
        edges=edges,
        gated=gated,
        fixed=np.ascontiguousarray(track.within(local[0], gates[fixed]).T),
        nodes=order,
        gates=varying,
        gate=_rows_of(gated, edges_of[np.flatnonzero(wide)], len(thresholds.band)),
        fixed_gate=edges_of[fixed],
        track=track,
        thresholds=thresholds,
    )


def _rows_of(gated: tuple[bool, ...], edges: FloatArray, steps: int) -> FloatArray:
    """Return the gates of every group, -inf for the one that is not gated."""
    out = np.full((len(gated), steps), -np.inf)
    out[np.flatnonzero(gated)] = edges
    return out


def _groups(
    cut: IntArray, parts: list[IntArray], wide: list[bool]
) -> tuple[IntArray, IntArray, tuple[bool, ...], list[IntArray]]:
    """Order the frontier so that each gated node with varying score is a run of columns."""
    groups = [p for p, w in zip(parts, wide, strict=True) if w]
    gated = [True] * len(groups)
    taken = np.concatenate(groups) if groups else np.empty(0, np.int64)
    rest = cut[~np.isin(cut, taken)]
    if len(rest):
        groups.append(rest)
        gated.append(False)
    edges = np.concatenate([[0], np.cumsum([len(g) for g in groups])]).astype(np.int64)
    return np.concatenate(groups).astype(np.int64), edges, tuple(gated), groups


def _between(track: Track, local: FloatArray, node: int, members: IntArray) -> FloatArray:
    """Return the weight (k, u) of lower nodes inside ``node``."""
    out = np.ones((len(local), len(members)))
    for column, member in enumerate(members):
        i = int(member)
        while i != node:
            out[:, column] *= local[:, i]
            i = int(track.parent[i])
    return out
