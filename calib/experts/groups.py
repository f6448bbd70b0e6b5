"""Groups of experts at every node, and whether they are camps of opinion or ways of asking."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from calib._types import FloatArray, Seed
from calib.experts.agreement_tests import (
    Association,
    MethodDifference,
    method_association,
    method_difference,
)
from calib.experts.diagnostics import Camps, opinion_camps
from calib.experts.judgements import NodeJudgements

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LEVEL", "NodeGroups", "camps_table", "methods_table", "panel_groups"]

LEVEL = 0.05


@dataclass(frozen=True, eq=False)
class NodeGroups:
    """The groups of experts at one node, and what the elicitation methods have to do with them.

    Attributes
    ----------
    camps : the division by weights
    association : of the division with the methods
    difference : of the weights between methods
    p_holm : p of ``difference`` after Holm's correction over the nodes of the panel
    """

    node: NodeJudgements
    camps: Camps
    association: Association
    difference: MethodDifference
    p_holm: float

    @property
    def kind(self) -> str:
        """What the groups are: ``one group``, ``methods``, ``opinions`` or ``not told apart``.

        ``methods`` if the division goes with the methods. ``not told apart`` if it does not, but
        weights differ between methods, or there are too few experts for any association to show.
        """
        if self.camps.count < 2:
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
    camps, differences = {}, {}
    for key, node in nodes.items():
        camps[key] = opinion_camps(node.weights, rng=generator)
        differences[key] = method_difference(node.weights, node.methods, rng=generator)
    holm = _holm(np.array([d.p for d in differences.values()], dtype=float))
    return {
        key: NodeGroups(
            node,
            camps[key],
            method_association(camps[key].label, node.methods, rng=generator),
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


def camps_table(groups: Mapping[str, NodeGroups]) -> pd.DataFrame:
    """Return a row per node and group of experts: members, methods, mean weights, and the tests."""
    import pandas as pd

    rows = []
    for key, found in groups.items():
        camps, node, tied = found.camps, found.node, found.association
        for c in range(camps.count):
            at = np.flatnonzero(camps.label == c)
            used = Counter(node.methods[i] for i in at)
            rows.append(
                {
                    "node": key,
                    "camps": camps.count,
                    "groups_are": found.kind,
                    "silhouette": camps.silhouette,
                    "p_one_camp": camps.p,
                    "p_one_camp_floor": camps.floor,
                    "cramers_v": tied.cramers_v,
                    "p_method_association": tied.p,
                    "p_association_floor": tied.floor,
                    "camp": c + 1,
                    "size": len(at),
                    "methods": ", ".join(f"{m} {n}" for m, n in sorted(used.items())),
                    "mean_weights": _weights_text(node.question.items, camps.centres[c]),
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
