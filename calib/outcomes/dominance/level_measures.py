"""The eight measures at one level of one track and pooled over tracks, on arrays, with intervals.

Intervals are bootstrapped: enterprises are drawn again within their track.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from calib._quantiles import tails
from calib._types import FloatArray, IntArray, Seed
from calib.outcomes.dominance.main_effect import (
    MainEffect,
    bootstrap_counts,
    conditional,
    main_effect,
)
from calib.outcomes.dominance.moments import (
    Moments,
    contribution_share,
    correlation_with_total,
    dominated_enterprises,
    item_rest_correlation,
    moments_of,
    variance_share,
)
from calib.outcomes.dominance.one_node import LeaveOut, leave_out, leverage
from calib.outcomes.dominance.shapley import shapley_exact, shapley_sampled
from calib.rating.scored_nodes import ScoredNodes

__all__ = [
    "EXACT_UP_TO",
    "INTERVAL_OF",
    "LevelData",
    "bootstrap_level",
    "draw_counts",
    "level_data",
    "measure_level",
    "moment_measures",
    "pool_levels",
    "quantiles",
]


EXACT_UP_TO = 12
"""Shapley shares are exact up to this many nodes, sampled above."""


@dataclass(frozen=True, slots=True)
class LevelData:
    """One level of one track: nodes, their weights, scores and moments.

    Parameters
    ----------
    nodes : (q,) positions in the track
    g : (q,) global weights
    mix : (L, q) weight of each leaf inside each node
    scores : (n, q) node scores
    moments : of the node scores
    """

    base: ScoredNodes
    nodes: IntArray
    g: FloatArray
    mix: FloatArray
    scores: FloatArray
    moments: Moments


def level_data(base: ScoredNodes, X: FloatArray, moments: Moments, depth: int) -> LevelData:
    """Gather what the measures of a level need.

    Parameters
    ----------
    base : scores under the weights to be judged
    X : (n, L) leaf scores
    moments : of the leaf scores
    depth : depth of the level
    """
    track = base.track
    nodes = track.at_depth(depth)
    mix = track.within(base.local, nodes).T
    return LevelData(
        base, nodes, base.weight[nodes], mix, base.scores[:, nodes], moments.through(mix)
    )


def moment_measures(g: FloatArray, m: Moments) -> dict[str, FloatArray]:
    """Return the measures that need only weights and moments, by column name."""
    share = variance_share(g, m)
    r = correlation_with_total(g, m)
    return {
        "contribution": contribution_share(g, m),
        "variance_share": share.share,
        "variance_own": share.own,
        "variance_correlated": share.correlated,
        "r": r,
        "r2": r**2,
        "item_rest": item_rest_correlation(g, m),
    }


def shapley_columns(g: FloatArray, m: Moments, orders: int, rng: Seed) -> dict[str, FloatArray]:
    """Return Shapley shares with the standard error of sampling (0 when exact; none: no orders)."""
    if len(g) > EXACT_UP_TO and orders == 0:
        return {}
    if len(g) <= EXACT_UP_TO:
        found = shapley_exact(g, m)
    else:
        found = shapley_sampled(g, m, orders=orders, rng=rng)
    return {"shapley": found.share, "shapley_se": found.error}


def measure_level(
    data: LevelData, *, enterprise_cap: float, orders: int, rng: Seed
) -> tuple[dict[str, FloatArray], LeaveOut]:
    """Compute all eight measures of one level of one track.

    Parameters
    ----------
    data : the level
    enterprise_cap : share of an enterprise's total above which one node dominates it
    orders : orders sampled for Shapley shares of more than 12 nodes
    rng : seed or generator

    Returns
    -------
    columns by name, (q,) each, and the leave-one-out result
    """
    base = data.base
    effect = main_effect(data.scores, base.total)
    out = leave_out(base, data.nodes)
    moves = leverage(base, data.nodes)
    columns = {
        "weight": data.g,
        **moment_measures(data.g, data.moments),
        "dominated": dominated_enterprises(data.scores, data.g, enterprise_cap),
        **effect_columns(effect),
        **shapley_columns(data.g, data.moments, orders, rng),
        **leave_out_columns(out),
        "leverage": moves.smallest,
        "leverage_within": moves.within,
    }
    return columns, out


def effect_columns(effect: MainEffect) -> dict[str, FloatArray]:
    """Return the columns of main effects."""
    return {"main_effect": effect.effect, "main_effect_adjusted": effect.adjusted}


def leave_out_columns(out: LeaveOut) -> dict[str, FloatArray]:
    """Return the columns of leaving nodes out."""
    gate = out.by_gate.sum(axis=1) if out.by_gate.shape[1] else np.zeros(len(out.changed))
    return {
        "star_changed": out.changed,
        "star_up": out.up,
        "star_down": out.down,
        "star_by_gate": np.minimum(gate, out.changed),
        "star_by_band": out.by_band,
        "rank_shift": out.rank_shift,
    }


def pool_levels(
    levels: Mapping[str, LevelData],
    tables: Mapping[str, Mapping[str, FloatArray]],
    *,
    orders: int,
    rng: Seed,
) -> tuple[tuple[str, ...], dict[str, FloatArray]]:
    """Pool one level over tracks, within tracks.

    Returns
    -------
    codes : union of the tracks' nodes
    columns : measures of the pooled enterprises

    Notes
    -----
    Variances and covariances are pooled within tracks, so that a node which only one track has
    adds no spurious variance and a difference between track means counts for nobody. Counts of
    stars, ranks and dominated enterprises are averaged over all enterprises (an enterprise whose
    track lacks the node does not change); leverage is the smallest over tracks.
    """
    codes = _union(levels)
    q = len(codes)
    n = {t: d.moments.n for t, d in levels.items()}
    whole = sum(n.values())
    at = {t: _positions(d, codes) for t, d in levels.items()}
    mean, cov = np.zeros(q), np.zeros((q, q))
    for t, d in levels.items():
        mean[at[t]] += n[t] / whole * d.g * d.moments.mean
        cov[np.ix_(at[t], at[t])] += n[t] / whole * np.outer(d.g, d.g) * d.moments.cov
    ones = np.ones(q)  # weighted scores g·x take the place of scores, weights are inside them
    parts = Moments(whole, mean, cov)
    columns = {**moment_measures(ones, parts), **shapley_columns(ones, parts, orders, rng)}
    variance = {t: float(d.g @ d.moments.cov @ d.g) for t, d in levels.items()}
    average = (
        "weight", "dominated", "star_changed", "star_up", "star_down", "star_by_gate",
        "star_by_band", "rank_shift", "leverage_within",
    )  # fmt: skip
    for name in average:
        total = np.zeros(q)
        for t in levels:
            total[at[t]] += n[t] / whole * tables[t][name]
        columns[name] = total
    for name in ("main_effect", "main_effect_adjusted", "r", "item_rest"):
        top, base = np.zeros(q), np.zeros(q)
        for t in levels:
            top[at[t]] += n[t] * variance[t] * tables[t][name]
            base[at[t]] += n[t] * variance[t]
        columns[name] = np.divide(top, base, out=np.zeros(q), where=base > 0)
    columns["r2"] = columns["r"] ** 2
    least = np.full(q, np.inf)
    for t in levels:
        least[at[t]] = np.minimum(least[at[t]], tables[t]["leverage"])
    columns["leverage"] = least
    return codes, columns


def _union(levels: Mapping[str, LevelData]) -> tuple[str, ...]:
    known: dict[str, None] = {}
    for d in levels.values():
        known.update(dict.fromkeys(d.base.track.codes[i] for i in d.nodes))
    return tuple(known)


def _positions(data: LevelData, codes: Sequence[str]) -> IntArray:
    place = {c: i for i, c in enumerate(codes)}
    return np.array([place[data.base.track.codes[i]] for i in data.nodes], dtype=np.int64)


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


def quantiles(draws: FloatArray, confidence: float) -> tuple[FloatArray, FloatArray]:
    """Return the percentile interval of draws (k, q)."""
    low, high = np.quantile(draws, tails(confidence), axis=0)
    return np.asarray(low, dtype=float), np.asarray(high, dtype=float)
