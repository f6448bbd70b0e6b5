"""What an adjustment minimises, in words and by track: "nearest" needs a distance."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from calib.adjustment.spec import AdjustSpec
from calib.framework import Framework, Name
from calib.weights import WeightSet

__all__ = ["minimised", "minimised_distance"]


def minimised(framework: Framework, spec: AdjustSpec) -> Name:
    """Return what a request minimises, in both languages."""
    level = _level(framework, spec)
    if spec.problem == "shares":
        return Name(
            "目标方差占比有唯一解，不最小化任何距离",
            "target variance shares have one answer: no distance is minimised",
        )
    if spec.problem == "correlations":
        return Name(
            "目标相关若可达到则有唯一解；否则取协方差 Σw 与目标在度量 Σ⁻¹ 下距离最小者，"
            "而非离起始权重最近者",
            "target correlations that can be met have one answer; otherwise the distance of the "
            "covariances Σw from the target is minimised, in the metric Σ⁻¹, not the distance "
            "from the starting weights",
        )
    where = Name(
        f"{level.zh}的全局权重与起始权重（可调的最低层级，各赛道合计）",
        f"the global weights of the {level.en} level, the lowest that moves, from the starting "
        "ones, over all tracks",
    )
    if spec.problem == "stars":
        return Name(
            f"依次最小化：不符的星级数、{where.zh}的绝对改变量之和、欧氏距离",
            "minimised in turn: stars missed, then the sum of absolute changes, then the "
            f"Euclidean distance, of {where.en}",
        )
    if spec.distance == "entropy":
        return Name(
            f"最小化{where.zh}的相对熵 Σ w ln(w/w₀)",
            f"minimised: the relative entropy Σ w ln(w/w₀) of {where.en}",
        )
    return Name(f"最小化{where.zh}的欧氏距离", f"minimised: the Euclidean distance of {where.en}")


def minimised_distance(
    before: WeightSet, after: WeightSet, spec: AdjustSpec
) -> Mapping[str, float]:
    """Return the distance that a request minimises, by track; NaN where none is minimised.

    Notes
    -----
    Euclidean distances of tracks add up in squares, relative entropies plainly.
    """
    out = {}
    for t, track in before.framework.tracks.items():
        nodes = track.at_depth(max(spec.depths))
        old, new = (track.global_weights(w.local[t])[nodes] for w in (before, after))
        if spec.problem in ("shares", "correlations"):
            out[t] = np.nan
        elif spec.distance == "entropy":
            live = new > 0
            out[t] = float(new[live] @ np.log(new[live] / old[live]))
        else:
            out[t] = float(np.linalg.norm(new - old))
    return out


def _level(framework: Framework, spec: AdjustSpec) -> Name:
    depth = max(spec.depths)
    if depth <= len(framework.levels):
        return framework.levels[depth - 1][1]
    return Name(f"第 {depth} 层", f"depth {depth}")
