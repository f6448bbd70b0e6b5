"""The rating rule on arrays: from scores to stars."""

from __future__ import annotations

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray
from calib.framework import Thresholds, Track
from calib.rating.gates_and_caps import leaf_caps, movable_gates

__all__ = [
    "band_index",
    "by_answered",
    "effective_local",
    "gates_reached",
    "node_scores",
    "nodes_with_score",
    "stars",
    "stars_by_draw",
]


def band_index(scores: FloatArray, edges: FloatArray) -> IntArray:
    """Return how many of the rising ``edges`` each score is strictly above."""
    return np.searchsorted(edges, scores, side="left").astype(np.int64)


def gates_reached(scores: FloatArray, edges: FloatArray) -> IntArray:
    """Return the star that each node's gates allow.

    Parameters
    ----------
    scores : (..., P) scores of the gated nodes
    edges : (P, K-1) gates of each node, or (K-1,) where all have the same
    """
    if edges.ndim == 1 or not len(edges) or (edges == edges[0]).all():
        return band_index(scores, edges.ravel() if edges.ndim == 1 or not len(edges) else edges[0])
    columns = [band_index(scores[..., p], row) for p, row in enumerate(edges)]
    return np.stack(columns, axis=-1)


def stars(
    total: FloatArray,
    gated: FloatArray,
    thresholds: Thresholds,
    edges: FloatArray | None = None,
) -> tuple[IntArray, IntArray, BoolArray]:
    """Rate totals under gates.

    Parameters
    ----------
    total : (...,) totals in points
    gated : (..., P) scores of the gated nodes
    edges : (P, K-1) gates of each node, where they differ; the level's if None

    Returns
    -------
    star : (...,) final star, counted from 0
    band : (...,) star that the total alone reaches
    failed : (..., P) which nodes fail the gate of ``band``

    Notes
    -----
    Star = the highest k with T > b_k and S_p > γ_k for every gated node p. As bands and gates
    rise, that is the lower of the band of T and the lowest gate reached.
    """
    band = band_index(total, thresholds.band)
    reached = gates_reached(gated, thresholds.gate if edges is None else edges)
    failed = reached < band[..., None]
    if thresholds.one_star:
        star = band - failed.any(axis=-1)
    else:
        star = np.minimum(band, reached.min(axis=-1)) if gated.shape[-1] else band
    return star.astype(np.int64), band, failed


def node_scores(track: Track, X: FloatArray, local: FloatArray) -> FloatArray:
    """Return the score of every node, (n, m): the weighted mean of its children, up the tree.

    Parameters
    ----------
    X : (n, L) leaf scores
    local : (m,) local weights
    """
    out = np.zeros((len(X), len(track.nodes)))
    out[:, track.leaves] = X
    for family in reversed(track.families):
        if family.parent:
            members = family.members
            out[:, track.index[family.parent]] = out[:, members] @ local[members]
    return out


def nodes_with_score(track: Track, local: FloatArray, answered: BoolArray) -> BoolArray:
    """Return which nodes have a score when some items are unanswered.

    Parameters
    ----------
    local : (..., m) local weights
    answered : (L,) which leaves have an answer

    Returns
    -------
    (..., m); a leaf has a score if it is answered, a node above if a child of weight above 0 has
    one: children of weight 0 alone would leave nothing to renormalise
    """
    local = np.asarray(local, dtype=float)
    out = np.zeros(local.shape, dtype=bool)
    out[..., track.leaves] = answered
    for family in reversed(track.families):
        if family.parent:
            counted = out[..., family.members] & (local[..., family.members] > 0)
            out[..., track.index[family.parent]] = counted.any(axis=-1)
    return out


def by_answered(X: FloatArray) -> list[tuple[IntArray, BoolArray]]:
    """Group enterprises by which items they answered: rows, and answered (L,), of each group.

    Parameters
    ----------
    X : (n, L) leaf scores, NaN where an item is unanswered
    """
    answered = ~np.isnan(X)
    if answered.all():
        return [(np.arange(len(X)), np.ones(X.shape[1], dtype=bool))] if len(X) else []
    patterns, group = np.unique(answered, axis=0, return_inverse=True)
    return [(np.flatnonzero(group.ravel() == i), p) for i, p in enumerate(patterns)]


def effective_local(track: Track, local: FloatArray, answered: BoolArray) -> FloatArray:
    """Return local weights renormalised among answered siblings, 0 for unanswered nodes.

    Parameters
    ----------
    local : (..., m) local weights
    answered : (L,) which leaves have an answer

    Returns
    -------
    (..., m); nodes without a score (see :func:`nodes_with_score`) get 0
    """
    out = np.where(nodes_with_score(track, local, answered), local, 0.0)
    for family in track.families:
        total = out[..., family.members].sum(axis=-1, keepdims=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            out[..., family.members] = np.where(total > 0, out[..., family.members] / total, 0.0)
    return np.asarray(out, dtype=float)


def stars_by_draw(
    track: Track, X: FloatArray, local: FloatArray, thresholds: Thresholds
) -> IntArray:
    """Return the stars (k, n), from 0, of enterprises under draws of the weights.

    Parameters
    ----------
    X : (n, L) leaf scores; the weight of an unanswered item (NaN) goes to its answered siblings
    local : (k, m) local weights

    Notes
    -----
    A gated node without any answer that counts does not hold an enterprise back.
    """
    local = np.asarray(local, dtype=float)
    out = np.zeros((len(local), len(X)), dtype=np.int64)
    nodes, edges = movable_gates(track, thresholds)
    for rows, pattern in by_answered(X):
        own = local if pattern.all() else effective_local(track, local, pattern)
        scores = np.nan_to_num(X[rows]).T
        gated = np.moveaxis(track.within(own, nodes) @ scores, 1, -1)
        if not pattern.all():
            known = nodes_with_score(track, local, pattern)[:, nodes]
            gated = np.where(known[:, None, :], gated, np.inf)
        out[:, rows] = stars(track.leaf_weights(own) @ scores, gated, thresholds, edges)[0]
    if thresholds.caps:
        out = np.minimum(out, leaf_caps(track, X, thresholds.caps, len(thresholds.band)))
    return out
