"""Clusters of experts at every node, and whether they are opinions or ways of asking."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from calib._types import FloatArray, IntArray, Seed
from calib.experts.judgements import NodeJudgements
from calib.experts.method_effects import (
    Association,
    MethodDifference,
    method_association,
    method_difference,
)
from calib.experts.opinions import ZERO_SUBSTITUTE, centred_log_ratios

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "LEVEL",
    "Clusters",
    "NodeGroups",
    "clusters_table",
    "methods_table",
    "opinion_clusters",
    "panel_groups",
]

CLUSTER_SILHOUETTE = 0.25  # below it a partition has no substantial structure (Rousseeuw 1987)
CLUSTER_LEVEL = 0.05
CLUSTER_DRAWS = 199  # the smallest p is then 0.005


@dataclass(frozen=True, slots=True)
class Clusters:
    """Clusters of opinion in a panel.

    Parameters
    ----------
    label : (k,) cluster of each expert, 0 for the largest
    count : number of clusters, 1 where no division is substantial
    silhouette : mean silhouette of the best division, also where it was not taken; NaN if none
    p : p-value of "one cluster": (b + 1)/(B + 1), with b of the B simulated one-cluster panels
        of the same spread that have at least as clear a best division; NaN if there is no division
    floor : smallest p that so many draws can give
    centres : (count, n) mean weights of each cluster
    """

    label: IntArray
    count: int
    silhouette: float
    p: float
    floor: float
    centres: FloatArray


def opinion_clusters(
    weights: FloatArray,
    *,
    most: int = 4,
    substitute: float = ZERO_SUBSTITUTE,
    draws: int = CLUSTER_DRAWS,
    rng: Seed = None,
) -> Clusters:
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
    or of elicitation methods, :func:`calib.experts.method_effects.method_association` tells.
    """
    w = np.asarray(weights, dtype=float)
    k = len(w)
    z = centred_log_ratios(w, substitute=substitute)
    best, score, p = np.zeros(k, dtype=np.int64), float("nan"), float("nan")
    divided, clear = _best_division(z, most) if np.ptp(z, axis=0).max() > 1e-9 else (best, score)
    if divided.any():
        score, generator = clear, np.random.default_rng(rng)
        centred = z - z.mean(axis=0)
        # Normal panels with the sample's covariance: random combinations of the deviations.
        mixes = generator.normal(size=(draws, k, k)) / np.sqrt(k - 1)
        null = [_best_division(mix @ centred, most)[1] for mix in mixes]
        p = (1 + sum(value >= score for value in null)) / (1 + draws)
        if score >= CLUSTER_SILHOUETTE and p <= CLUSTER_LEVEL:
            best = divided
    sizes = np.bincount(best)
    order = np.argsort(-sizes, kind="stable")
    label = np.argsort(order)[best]
    count = int(sizes.size)
    centres = np.stack([w[label == c].mean(axis=0) for c in range(count)])
    return Clusters(label.astype(np.int64), count, score, p, 1 / (1 + draws), centres)


def _best_division(z: FloatArray, most: int) -> tuple[IntArray, float]:
    """Find the division with the largest mean silhouette among those without single members."""
    from scipy.cluster.hierarchy import ward

    k = len(z)
    distances = np.sqrt(((z[:, None] - z[None]) ** 2).sum(axis=-1))
    best, score = np.zeros(k, dtype=np.int64), -1.0
    if k < 4:
        return best, score
    for label in _cuts(ward(z), min(most, k // 2)):
        if np.bincount(label).min() < 2:
            continue
        found = _silhouette(distances, label)
        if found > score:
            best, score = label, found
    return best, score


def _cuts(tree: FloatArray, most: int) -> list[IntArray]:
    """Cut a tree into 2, 3, … groups; scipy's fcluster spends most of its time on checks."""
    k = len(tree) + 1
    label, cuts = np.arange(k), []
    for step, (one, other) in enumerate(tree[:-1, :2].astype(np.int64).tolist()):
        label = np.where((label == one) | (label == other), k + step, label)
        if k - step - 1 <= most:
            cuts.append(np.unique(label, return_inverse=True)[1].astype(np.int64))
    return cuts[::-1]


def _silhouette(distances: FloatArray, label: IntArray) -> float:
    member = label[:, None] == np.arange(label.max() + 1)
    size = member.sum(axis=0)
    own = member[np.arange(len(label))]
    total = distances @ member
    inside = np.where(own, total, 0.0).sum(axis=1) / np.maximum((own * size).sum(axis=1) - 1, 1)
    outside = np.where(own, np.inf, total / size).min(axis=1)
    alone = (own * size).sum(axis=1) == 1
    scale = np.maximum(np.maximum(inside, outside), 1e-300)
    return float(np.where(alone, 0.0, (outside - inside) / scale).mean())


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
    clusters: Clusters
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
        From :func:`calib.experts.judgements.judge_nodes`.
    rng
        Generator or seed.
    """
    generator = np.random.default_rng(rng)
    clusters, differences = {}, {}
    for key, node in nodes.items():
        clusters[key] = opinion_clusters(node.weights, rng=generator)
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
    out = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    out[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
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
