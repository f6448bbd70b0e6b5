"""Who stands apart in a panel, which clusters there are, and what one expert changes.

Weights are compositions: distances are taken between centred log-ratios (Aitchison), so that
0.02 against 0.04 counts as much as 0.2 against 0.4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray, Seed

__all__ = [
    "ExpertClusters",
    "Influence",
    "Outliers",
    "aitchison_distances",
    "centred_log_ratios",
    "expert_clusters",
    "outlying_experts",
    "star_influence",
]

ZERO_SUBSTITUTE = 0.005  # of the node's total weight
OUTLIER_LIMIT = 3.0
CLUSTER_SILHOUETTE = 0.25  # below it a partition has no substantial structure (Rousseeuw 1987)
CLUSTER_LEVEL = 0.05
CLUSTER_DRAWS = 199  # the smallest p is then 0.005
_PIECE = 500_000
"""Distances between experts that are in memory at once."""


def centred_log_ratios(weights: FloatArray, *, substitute: float = ZERO_SUBSTITUTE) -> FloatArray:
    """Transform weights to centred log-ratios.

    Parameters
    ----------
    weights : (..., n) weights, rows sum to 1
    substitute
        Value that stands in for weights below it (zeros have no logarithm); the others give
        way in proportion. At most half of an equal share, 1/(2n).

    Returns
    -------
    (..., n) rows sum to 0
    """
    w = np.asarray(weights, dtype=float)
    substitute = min(substitute, 0.5 / w.shape[-1])  # else stand-ins could use up the whole
    small = w < substitute
    if small.any():
        added = substitute * small.sum(axis=-1, keepdims=True)
        rest = np.where(small, 0.0, w)
        rest = rest / rest.sum(axis=-1, keepdims=True) * (1.0 - added)
        w = np.where(small, substitute, rest)
    logs = np.log(w)
    return np.asarray(logs - logs.mean(axis=-1, keepdims=True), dtype=float)


def aitchison_distances(weights: FloatArray, *, substitute: float = ZERO_SUBSTITUTE) -> FloatArray:
    """Compute the (k, k) log-ratio distances between experts' weights (k, n)."""
    z = centred_log_ratios(weights, substitute=substitute)
    return np.asarray(np.sqrt(((z[:, None] - z[None]) ** 2).sum(axis=-1)), dtype=float)


@dataclass(frozen=True, slots=True)
class Outliers:
    """Distances of experts from the panel.

    Parameters
    ----------
    distance : (k,) Aitchison distance from the panel's median opinion
    score : (k,) distance in robust standard deviations above the median distance
    outlying : (k,) score above the limit
    """

    distance: FloatArray
    score: FloatArray
    outlying: BoolArray


def outlying_experts(
    weights: FloatArray,
    *,
    limit: float = OUTLIER_LIMIT,
    substitute: float = ZERO_SUBSTITUTE,
) -> Outliers:
    """Flag experts whose weights are far from everybody else's.

    Parameters
    ----------
    weights : (k, n) rows sum to 1
    limit
        Robust standard deviations above which an expert is flagged.
    substitute
        As in :func:`centred_log_ratios`.

    Notes
    -----
    The centre is the item-wise median of the log-ratios; the scale of the distances is 1.4826 times
    their median absolute deviation. Neither moves with a few extreme experts. With fewer than
    four experts nobody is flagged: there is no majority to be far from.
    """
    z = centred_log_ratios(weights, substitute=substitute)
    distance = np.sqrt(((z - np.median(z, axis=0)) ** 2).sum(axis=1))
    spread = 1.4826 * np.median(np.abs(distance - np.median(distance)))
    above = distance - np.median(distance)
    # With half the panel at one distance the scale is 0; then any larger distance stands out.
    score = above / spread if spread > 1e-9 else np.where(above > 1e-9, np.inf, 0.0)
    flagged = score > limit if len(z) >= 4 else np.zeros(len(z), dtype=bool)
    return Outliers(distance, np.asarray(score, dtype=float), np.asarray(flagged, dtype=bool))


@dataclass(frozen=True, slots=True)
class ExpertClusters:
    """ExpertClusters of opinion in a panel.

    Parameters
    ----------
    label : (k,) cluster of each expert, 0 for the largest
    count : number of clusters, 1 where no division is substantial
    silhouette : mean silhouette of the best division, also where it was not taken; NaN if none
    p : p-value of "one cluster": (b + 1)/(B + 1), with b of the B simulated one-cluster panels of
        the same spread that have at least as clear a best division; NaN if there is no division
    floor : smallest p that so many draws can give
    centres : (count, n) mean weights of each cluster
    """

    label: IntArray
    count: int
    silhouette: float
    p: float
    floor: float
    centres: FloatArray


def expert_clusters(
    weights: FloatArray,
    *,
    most: int = 4,
    substitute: float = ZERO_SUBSTITUTE,
    draws: int = CLUSTER_DRAWS,
    rng: Seed = None,
) -> ExpertClusters:
    """Divide a panel into clusters by Ward's clustering of the log-ratios.

    Parameters
    ----------
    weights : (k, n) rows sum to 1
    most
        Largest number of clusters tried.
    substitute
        As in :func:`centred_log_ratios`.
    draws
        Simulated one-cluster panels for the test.
    rng
        Generator or seed of the simulation.

    Notes
    -----
    Any cloud of points can be cut in clear-looking parts, the more so in few dimensions. A division
    is therefore taken only if its mean silhouette is at least 0.25 and exceeds the best ones of
    95 % of simulated normal panels with the same covariance. A cluster has two members or more: a
    single expert far away is an outlier (:func:`outlying_experts`). Whether clusters are of opinion
    or of elicitation methods, :func:`calib.experts.method_tests.method_association` tells.
    """
    w = np.asarray(weights, dtype=float)
    k = len(w)
    z = centred_log_ratios(w, substitute=substitute)
    best, score, p = np.zeros(k, dtype=np.int64), float("nan"), float("nan")
    labels, clear = _divisions(z[None], most)
    if clear.max() > -1 and np.ptp(z, axis=0).max() > 1e-9:
        score, generator = float(clear.max()), np.random.default_rng(rng)
        centred = z - z.mean(axis=0)
        # Normal panels with the sample's covariance: random combinations of the deviations.
        mixes = generator.normal(size=(draws, k, k)) / np.sqrt(k - 1)
        pieces = np.array_split(mixes, max(1, draws * k * k // _PIECE))
        null = [_divisions(piece @ centred, most)[1].max(axis=1) for piece in pieces]
        p = float((1 + (np.concatenate(null) >= score).sum()) / (1 + draws))
        if score >= CLUSTER_SILHOUETTE and p <= CLUSTER_LEVEL:
            best = np.unique(labels[0, clear[0].argmax()], return_inverse=True)[1]
    sizes = np.bincount(best)
    order = np.argsort(-sizes, kind="stable")
    label = np.argsort(order)[best]
    count = int(sizes.size)
    centres = np.stack([w[label == c].mean(axis=0) for c in range(count)])
    return ExpertClusters(label.astype(np.int64), count, score, p, 1 / (1 + draws), centres)


def _divisions(z: FloatArray, most: int) -> tuple[IntArray, FloatArray]:
    """Divide panels into 2, 3, … clusters by Ward's clustering, all panels at once.

    Parameters
    ----------
    z : (s, k, n) log-ratios of s panels

    Returns
    -------
    (s, c, k) cluster of each expert, and (s, c) mean silhouettes, -1 where a cluster has one member
    """
    from scipy.cluster.hierarchy import ward

    s, k, _ = z.shape
    most = min(most, k // 2)
    if most < 2:
        return np.zeros((s, 1, k), dtype=np.int64), np.full((s, 1), -1.0)
    trees = np.stack([ward(one)[:, :2] for one in z]).astype(np.int64)
    label, cuts = np.tile(np.arange(k), (s, 1)), []
    for step in range(k - 2):
        merged = (label[:, :, None] == trees[:, step, None, :]).any(axis=-1)
        label = np.where(merged, k + step, label)
        if k - step - 1 <= most:
            cuts.append(label)
    labels = np.stack(cuts[::-1], axis=1)
    distances = np.sqrt(((z[:, :, None] - z[:, None]) ** 2).sum(axis=-1))
    return labels, _silhouettes(distances[:, None], labels)


def _silhouettes(distances: FloatArray, label: IntArray) -> FloatArray:
    """Return mean silhouettes of divisions (…, k) under distances (…, k, k)."""
    together = label[..., :, None] == label[..., None, :]
    size = together.sum(axis=-1)
    total = distances @ together  # of each expert to the cluster of each other one
    inside = np.where(together, distances, 0.0).sum(axis=-1) / np.maximum(size - 1, 1)
    outside = np.where(together, np.inf, total / size[..., None, :]).min(axis=-1)
    scale = np.maximum(np.maximum(inside, outside), 1e-300)
    found = ((outside - inside) / scale).mean(axis=-1)
    return np.asarray(np.where(size.min(axis=-1) < 2, -1.0, found), dtype=float)


@dataclass(frozen=True, slots=True)
class Influence:
    """What leaving one expert out does to the stars.

    Parameters
    ----------
    up, down : (k,) enterprises that gain or lose a star without expert e
    changed : (k, n) change of each enterprise's star without expert e
    """

    up: IntArray
    down: IntArray
    changed: IntArray


def star_influence(
    whole: FloatArray, without: FloatArray, stars: Callable[[FloatArray], IntArray]
) -> Influence:
    """Count the stars that one expert decides.

    Parameters
    ----------
    whole : (m,) local weights of the whole panel
    without : (k, m) local weights without each expert
    stars
        Function from (s, m) local weights to (s, n) stars of the enterprises.
    """
    rated = np.asarray(stars(np.concatenate([whole[None], without])), dtype=np.int64)
    changed = rated[1:] - rated[:1]
    return Influence((changed > 0).sum(axis=1), (changed < 0).sum(axis=1), changed)
