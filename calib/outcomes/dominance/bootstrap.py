"""Bootstrap intervals of the dominance measures: enterprises drawn again within their track."""

from __future__ import annotations

import numpy as np

from calib._types import FloatArray
from calib.outcomes.dominance.level_measures import (
    EXACT_UP_TO,
    LevelData,
    moment_measures,
    pool_levels,
)
from calib.outcomes.dominance.main_effect import bootstrap_counts, conditional
from calib.outcomes.dominance.moments import Moments, moments_of
from calib.outcomes.dominance.one_node import LeaveOut
from calib.outcomes.dominance.shapley import shapley_exact

__all__ = ["INTERVAL_OF", "bootstrap_level", "draw_counts", "quantiles"]

INTERVAL_OF = (
    "contribution",
    "variance_share",
    "main_effect",
    "r",
    "shapley",
    "item_rest",
    "star_changed",
)
"""Measures that get an interval; Shapley shares only where they are exact."""

_BLOCK = 50


def draw_counts(n: int, draws: int, rng: np.random.Generator) -> list[FloatArray]:
    """Draw bootstrap counts (draws, n) in blocks that fit in memory."""
    size = max(1, min(_BLOCK, 5_000_000 // max(n, 1)))
    sizes = [min(size, draws - at) for at in range(0, draws, size)]
    return [bootstrap_counts(n, k, rng) for k in sizes]


def leaf_moments(X: FloatArray, counts: list[FloatArray]) -> list[Moments]:
    """Return the moments of leaf scores of every draw."""
    return [moments_of(X, row) for block in counts for row in block]


def bootstrap_level(
    data: LevelData, out: LeaveOut, counts: list[FloatArray], moments: list[Moments]
) -> dict[str, FloatArray]:
    """Return draws (k, q) of the measures of one level.

    Parameters
    ----------
    data, out : the level and its leave-one-out result
    counts : how often each enterprise is in each draw
    moments : of leaf scores, for every draw
    """
    rows: dict[str, list[FloatArray]] = {name: [] for name in INTERVAL_OF}
    exact = len(data.g) <= EXACT_UP_TO
    for leaf in moments:
        m = leaf.through(data.mix)
        found = moment_measures(data.g, m)
        for name in ("contribution", "variance_share", "r", "item_rest"):
            rows[name].append(found[name])
        if exact:
            rows["shapley"].append(shapley_exact(data.g, m).share)
    changed = (out.moves != 0).astype(float)
    known = conditional(data.scores, data.base.total)
    for block in counts:
        size = block.sum(axis=1, keepdims=True)
        rows["star_changed"].extend(block @ changed.T / size)
        rows["main_effect"].extend(known.drawn(block))
    return {name: np.array(values) for name, values in rows.items() if values}


def bootstrap_pooled(
    levels: dict[str, LevelData],
    draws: dict[str, dict[str, FloatArray]],
    moments: dict[str, list[Moments]],
) -> dict[str, FloatArray]:
    """Return draws (k, q) of the pooled measures of one level."""
    k = min(len(m) for m in moments.values())
    rows: dict[str, list[FloatArray]] = {}
    blank = ("weight", "dominated", "star_up", "star_down", "star_by_gate", "star_by_band",
             "rank_shift", "leverage_within", "leverage", "main_effect_adjusted")  # fmt: skip
    for draw in range(k):
        now, tables = {}, {}
        for t, d in levels.items():
            m = moments[t][draw].through(d.mix)
            now[t] = LevelData(d.base, d.nodes, d.g, d.mix, d.scores, m)
            tables[t] = {name: np.zeros(len(d.g)) for name in blank}
            tables[t] |= {name: v[draw] for name, v in draws[t].items()}
        _, columns = pool_levels(now, tables, orders=0, rng=0)
        for name in INTERVAL_OF:
            if name in columns:
                rows.setdefault(name, []).append(columns[name])
    return {name: np.array(values) for name, values in rows.items()}


def quantiles(draws: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    """Return the percentile interval of draws (k, q)."""
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(draws, [tail, 1.0 - tail], axis=0)
    return np.asarray(low, dtype=float), np.asarray(high, dtype=float)
