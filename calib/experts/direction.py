"""Whose answers run against everybody else's, as if the scale were filled in the wrong way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from calib._types import FloatArray, Seed
from calib.experts.diagnostics import centred_log_ratios
from calib.experts.judgements import NodeJudgements

__all__ = ["Direction", "correlation_with_rest", "panel_direction"]

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
