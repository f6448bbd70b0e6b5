"""What an adjustment minimises, in words and by track: "nearest" needs a distance."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from calib.adjustment.request import ResolvedRequest
from calib.framework import Framework
from calib.weights import WeightSet
from calib.words import Text, message

__all__ = ["minimised", "minimised_distance"]


def minimised(framework: Framework, spec: ResolvedRequest) -> Text:
    """Return what a request minimises, in words."""
    problem = spec.request.problem
    if problem in ("shares", "correlations"):
        return message(f"adjustment.minimised.{problem}")
    kind = "stars" if problem == "stars" else spec.request.distance
    return message(f"adjustment.minimised.{kind}", level=_level(framework, spec))


def minimised_distance(
    before: WeightSet, after: WeightSet, spec: ResolvedRequest
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
        if spec.request.problem in ("shares", "correlations"):
            out[t] = np.nan
        elif spec.request.distance == "entropy":
            live = new > 0
            out[t] = float(new[live] @ np.log(new[live] / old[live]))
        else:
            out[t] = float(np.linalg.norm(new - old))
    return out


def _level(framework: Framework, spec: ResolvedRequest) -> Text:
    depth = max(spec.depths)
    if depth <= len(framework.levels):
        return framework.levels[depth - 1][1]
    return message("adjustment.depth", depth=depth)
