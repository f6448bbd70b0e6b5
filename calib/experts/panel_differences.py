"""How a panel differs at its nodes: clusters of opinion, ways of asking, reversed scales."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from calib._types import FloatArray, Seed
from calib.experts.diagnostics import ExpertClusters, centred_log_ratios, expert_clusters
from calib.experts.judgements import NodeJudgements
from calib.experts.method_tests import (
    Association,
    MethodDifference,
    method_association,
    method_difference,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "LEVEL",
    "Direction",
    "NodeGroups",
    "clusters_table",
    "correlation_with_rest",
    "methods_table",
    "panel_direction",
    "panel_groups",
]

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
        From :func:`calib.experts.judge_nodes`.
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


LEVEL = 0.05


@dataclass(frozen=True, eq=False)
class NodeGroups:
    """The groups of experts at one node, and what the elicitation methods have to do with them.

    Attributes
    ----------
    clusters : the division by weights
    association : of the division with the methods
    difference : of the weights between methods
    p_holm : p of ``difference`` after Holm's correction over the nodes of the panel
    """

    node: NodeJudgements
    clusters: ExpertClusters
    association: Association
    difference: MethodDifference
    p_holm: float

    @property
    def kind(self) -> str:
        """What the groups are: ``one group``, ``methods``, ``opinions`` or ``not told apart``.

        ``methods`` if the division goes with the methods. ``not told apart`` if it does not, but
        weights differ between methods, or there are too few experts for any association to show.
        """
        if self.clusters.count < 2:
            return "one group"
        if len(self.association.methods) < 2:
            return "opinions"
        if self.association.p <= LEVEL:
            return "methods"
        if self.association.floor > LEVEL or self.difference.p <= LEVEL:
            return "not told apart"
        return "opinions"


def panel_groups(nodes: Mapping[str, NodeJudgements], *, rng: Seed = None) -> dict[str, NodeGroups]:
    """Divide the experts of every node, and test the divisions and the weights by method.

    Parameters
    ----------
    nodes
        From :func:`calib.experts.judge_nodes`.
    rng
        Generator or seed.
    """
    generator = np.random.default_rng(rng)
    clusters, differences = {}, {}
    for key, node in nodes.items():
        clusters[key] = expert_clusters(node.weights, rng=generator)
        differences[key] = method_difference(node.weights, node.methods, rng=generator)
    holm = _holm(np.array([d.p for d in differences.values()], dtype=float))
    return {
        key: NodeGroups(
            node,
            clusters[key],
            method_association(clusters[key].label, node.methods, rng=generator),
            differences[key],
            float(adjusted),
        )
        for (key, node), adjusted in zip(nodes.items(), holm, strict=True)
    }


def _holm(p: FloatArray) -> FloatArray:
    """Adjust p-values by Holm's method, leaving out those that are undefined."""
    from statsmodels.stats.multitest import multipletests

    out = np.full(p.shape, np.nan)
    known = ~np.isnan(p)
    if known.any():
        out[known] = multipletests(p[known], method="holm")[1]
    return out


def clusters_table(groups: Mapping[str, NodeGroups]) -> pd.DataFrame:
    """Return a row per node and group of experts: members, methods, mean weights, and the tests."""
    import pandas as pd

    rows = []
    for key, found in groups.items():
        clusters, node, tied = found.clusters, found.node, found.association
        for c in range(clusters.count):
            at = np.flatnonzero(clusters.label == c)
            used = Counter(node.methods[i] for i in at)
            rows.append(
                {
                    "node": key,
                    "clusters": clusters.count,
                    "groups_are": found.kind,
                    "silhouette": clusters.silhouette,
                    "p_one_cluster": clusters.p,
                    "p_one_cluster_floor": clusters.floor,
                    "cramers_v": tied.cramers_v,
                    "p_method_association": tied.p,
                    "p_association_floor": tied.floor,
                    "cluster": c + 1,
                    "size": len(at),
                    "methods": ", ".join(f"{m} {n}" for m, n in sorted(used.items())),
                    "mean_weights": _weights_text(node.question.items, clusters.centres[c]),
                    "members": ", ".join(node.experts[i] for i in at),
                }
            )
    return pd.DataFrame(rows)


def methods_table(groups: Mapping[str, NodeGroups]) -> pd.DataFrame:
    """Return a row per node and elicitation method: mean weights, and the test of a difference.

    Empty when every node was judged by one method.
    """
    import pandas as pd

    rows = []
    for key, found in groups.items():
        test, node = found.difference, found.node
        if len(test.methods) < 2:
            continue
        for g, method in enumerate(test.methods):
            at = test.group == g
            rows.append(
                {
                    "node": key,
                    "method": method,
                    "size": int(at.sum()),
                    "mean_weights": _weights_text(node.question.items, node.weights[at].mean(0)),
                    "pseudo_f": test.f,
                    "r_squared": test.r2,
                    "p": test.p,
                    "p_floor": test.floor,
                    "p_holm": found.p_holm,
                    "permutations": test.permutations,
                    "all_permutations": "yes" if test.exact else "no",
                }
            )
    return pd.DataFrame(rows)


def _weights_text(items: Sequence[str], weights: FloatArray) -> str:
    return ", ".join(f"{code} {w:.3f}" for code, w in zip(items, weights, strict=True))
