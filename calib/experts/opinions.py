"""One expert against the others: outliers, contrary answers, and what leaving one out does.

Weights are compositions: distances are taken between centred log-ratios (Aitchison), so that
0.02 against 0.04 counts as much as 0.2 against 0.4.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray, Seed
from calib.experts.judgements import NodeJudgements

__all__ = [
    "Direction",
    "Influence",
    "Outliers",
    "aitchison_distances",
    "centred_log_ratios",
    "correlation_with_rest",
    "outlying_experts",
    "panel_direction",
    "star_influence",
]

ZERO_SUBSTITUTE = 0.005  # of the node's total weight
OUTLIER_LIMIT = 3.0


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


DRAWS = 9999


@dataclass(frozen=True, slots=True)
class Direction:
    """How each expert's weights go with those of the rest of the panel.

    Parameters
    ----------
    correlation : (k,) over all nodes that the expert and somebody else judged; NaN if there are
        none, or one side gives all items of every node the same weight
    p : (k,) p-value of "no relation" against "runs against the rest"
    floor : smallest p that so many draws can give
    by_node : (k, nodes) the same correlation node by node
    """

    correlation: FloatArray
    p: FloatArray
    floor: float
    by_node: FloatArray


def correlation_with_rest(
    nodes: Sequence[FloatArray], *, draws: int = DRAWS, rng: Seed = None
) -> Direction:
    """Correlate each expert's log-ratio weights with the mean of everybody else's.

    Parameters
    ----------
    nodes
        By node, (k, n) weights, rows sum to 1, NaN rows for experts who did not judge it; the
        rows are the same experts in every node.
    draws
        Random orders of each expert's weights within the nodes.
    rng
        Generator or seed.

    Notes
    -----
    Weights are centred log-ratios within each node, so the correlation is about which items count
    more, not about nodes. The p-value shuffles the expert's own weights within the nodes and is
    p = (b + 1)/(B + 1) for a correlation at most as large. A negative correlation is a reason to
    ask, not a proof: a minority view looks the same.
    """
    generator = np.random.default_rng(rng)
    k = len(nodes[0])
    own, rest = zip(*(_own_and_rest(np.asarray(w, dtype=float)) for w in nodes), strict=True)
    by_node = np.stack([_correlation(a, b) for a, b in zip(own, rest, strict=True)], axis=1)
    correlation = _correlation(np.concatenate(own, axis=1), np.concatenate(rest, axis=1))
    p = np.full(k, np.nan)
    for e in np.flatnonzero(~np.isnan(correlation)):
        products, a2, b2 = np.zeros(draws), 0.0, 0.0
        for a, b in zip(own, rest, strict=True):
            shuffled = generator.permuted(np.tile(a[e], (draws, 1)), axis=1)
            products += shuffled @ b[e]
            a2, b2 = a2 + float(a[e] @ a[e]), b2 + float(b[e] @ b[e])
        below = int((products / np.sqrt(a2 * b2) <= correlation[e] + 1e-12).sum())
        p[e] = (below + 1) / (draws + 1)
    return Direction(correlation, p, 1 / (draws + 1), by_node)


def _own_and_rest(weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return (k, n) log-ratios and the mean of the others'; zeros where either is missing."""
    judged = ~np.isnan(weights).any(axis=1)
    z = np.zeros(weights.shape)
    if judged.any():
        z[judged] = centred_log_ratios(weights[judged])
    others = judged.sum() - judged.astype(int)
    rest = (z.sum(axis=0) - z) / np.maximum(others, 1)[:, None]
    both = (judged & (others > 0))[:, None]
    return np.where(both, z, 0.0), np.where(both, rest, 0.0)


def _correlation(a: FloatArray, b: FloatArray) -> FloatArray:
    """Correlate rows that are centred within every node already."""
    scale = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    out = np.full(len(a), np.nan)
    np.divide((a * b).sum(axis=1), scale, out=out, where=scale > 1e-12)
    return out


def panel_direction(
    nodes: Mapping[str, NodeJudgements],
    experts: Sequence[str],
    *,
    draws: int = DRAWS,
    rng: Seed = None,
) -> Direction:
    """Compute :func:`correlation_with_rest` of the judgements of one round.

    Parameters
    ----------
    nodes
        From :func:`calib.experts.judgements.judge_nodes`.
    experts
        Order of the rows of the result; the columns of ``by_node`` are in the order of ``nodes``.
    draws, rng
        As in :func:`correlation_with_rest`.
    """
    position = {name: row for row, name in enumerate(experts)}
    weights = []
    for node in nodes.values():
        w = np.full((len(experts), node.weights.shape[1]), np.nan)
        w[[position[name] for name in node.experts]] = node.weights
        weights.append(w)
    return correlation_with_rest(weights, draws=draws, rng=rng)
