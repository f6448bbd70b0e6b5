"""What an adjustment changes, in tables: measures, stars, distances, prices of constraints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from calib.adjustment.adjust_request import ResolvedRequest
from calib.adjustment.families import Solution
from calib.framework import Framework
from calib.outcomes.dominance.moments import (
    Moments,
    contribution_share,
    variance_share,
)
from calib.rating import Rating
from calib.rating.causes import move_causes
from calib.weights import WeightSet
from calib.words import Text, message

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "distance_table",
    "measure_table",
    "minimised",
    "minimised_distance",
    "price_table",
    "star_moves_table",
]


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


def measure_table(
    before: WeightSet,
    after: WeightSet,
    moments: Mapping[str, Moments],
    depth: int,
    later: Mapping[str, Moments] | None = None,
) -> pd.DataFrame:
    """Return weight, contribution and variance share of the nodes at a depth, before and after.

    Parameters
    ----------
    before, after : weight sets
    moments : of leaf scores under the weights before, by track
    depth : of the nodes
    later : of leaf scores under the weights after, where unanswered items make them others
    """
    import pandas as pd

    parts = []
    for t, m in moments.items():
        track = before.framework.tracks[t]
        nodes = track.at_depth(depth)
        data: dict[str, object] = {
            "track": t,
            "code": [track.codes[i] for i in nodes],
            "name_zh": [track.nodes[i].name.zh for i in nodes],
            "name_en": [track.nodes[i].name.en for i in nodes],
            "local_before": before.local[t][nodes],
            "local_after": after.local[t][nodes],
        }
        for when, w in (("before", before), ("after", after)):
            g = track.global_weights(w.local[t])[nodes]
            own = later[t] if later is not None and when == "after" else m
            through = own.through(track.within(w.local[t], nodes).T)
            data[f"weight_{when}"] = g
            data[f"contribution_{when}"] = contribution_share(g, through)
            data[f"variance_{when}"] = variance_share(g, through).share
        parts.append(pd.DataFrame(data))
    return pd.concat(parts, ignore_index=True)


def price_table(solution: Solution) -> pd.DataFrame:
    """Return demands that hold the answer back, dearest first."""
    import pandas as pd

    table = pd.DataFrame(solution.prices, columns=["demand", "shadow_price", "slack"])
    table["demand"] = pd.Series([name for name, *_ in solution.prices], dtype=object)
    return table.sort_values("shadow_price", ascending=False, kind="stable", ignore_index=True)


def star_moves_table(before: Rating, after: Rating) -> pd.DataFrame:
    """Return the enterprises whose star changes: from, to, and through what.

    Stars are numbered as the rule numbers them; causes are those of
    :func:`calib.rating.causes.star_obstacles`.
    """
    import pandas as pd

    rows: list[tuple[object, ...]] = []
    rule, first = after.framework.rule, after.framework.rule.first
    for t, a in after.samples.items():
        b = before.samples[t]
        moved = np.flatnonzero(a.star != b.star)
        causes = move_causes(b, a, moved, rule, after.rule_options)
        rows += [
            (a.ids[i], t, int(b.star[i]) + first, int(a.star[i]) + first, float(b.total[i]),
             float(a.total[i]), cause)
            for i, cause in zip(moved, causes, strict=True)
        ]  # fmt: skip
    columns = [
        "enterprise",
        "track",
        "star_before",
        "star_after",
        "total_before",
        "total_after",
        "through",
    ]
    return pd.DataFrame(rows, columns=columns)


def distance_table(before: WeightSet, after: WeightSet, spec: ResolvedRequest) -> pd.DataFrame:
    """Return Euclidean distance and total variation of leaf weights, and what was minimised.

    Notes
    -----
    Column ``minimised`` is the distance of the request (:func:`minimised`), on the weights of the
    lowest level that moves; the two others are on the indicators, whatever moved.
    """
    import pandas as pd

    rows = []
    own = minimised_distance(before, after, spec)
    for t in before.framework.tracks:
        d = after.leaf(t) - before.leaf(t)
        rows.append((t, float(np.linalg.norm(d)), float(np.abs(d).sum() / 2), own[t]))
    return pd.DataFrame(rows, columns=["track", "euclidean", "total_variation", "minimised"])
