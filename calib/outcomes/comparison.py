"""How stars differ between weight sets: distributions, transitions, movers with their reasons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from calib._types import BoolArray, IntArray
from calib.errors import InputError
from calib.rating import RatedSample, Rating

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "agreement_table",
    "downgrade_table",
    "mover_table",
    "node_star_table",
    "star_table",
    "transition_matrix",
    "transition_table",
    "weighted_kappa",
]


def star_table(ratings: Mapping[str, Rating]) -> pd.DataFrame:
    """Return the star distribution of each set, overall and by track.

    Columns: set, scope ("all" or a track), star (1 is the lowest), label, count, share.
    """
    import pandas as pd

    rows = []
    for name, rating in ratings.items():
        labels = rating.framework.rule.labels
        scopes: list[str | None] = [None]
        if len(rating.samples) > 1:
            scopes += list(rating.samples)
        for scope in scopes:
            counts = rating.counts(scope)
            total = int(counts.sum())
            for k, count in enumerate(counts.tolist()):
                share = count / total if total else np.nan
                rows.append((name, scope or "all", k + 1, labels[k].en, count, share))
    return pd.DataFrame(rows, columns=["set", "scope", "star", "label", "count", "share"])


def node_star_table(ratings: Mapping[str, Rating], depth: int = 1) -> pd.DataFrame:
    """Return single-element stars of every node down to ``depth``, overall and by track."""
    import pandas as pd

    rows = []
    for name, rating in ratings.items():
        codes = dict.fromkeys(
            n.code for s in rating.samples.values() for n in s.track.nodes if n.depth <= depth
        )
        scopes: list[str | None] = [None]
        if len(rating.samples) > 1:
            scopes += list(rating.samples)
        for code in codes:
            for scope in scopes:
                counts = rating.node_counts(code, scope)
                total = int(counts.sum())
                if not total:
                    continue
                for k, count in enumerate(counts.tolist()):
                    rows.append((name, code, scope or "all", k + 1, count, count / total))
    return pd.DataFrame(rows, columns=["set", "node", "scope", "star", "count", "share"])


def transition_matrix(rating: Rating, baseline: Rating, track: str | None = None) -> IntArray:
    """Return how many enterprises go from each baseline star (row) to each star, (K, K)."""
    _check_same(rating, baseline)
    k = rating.framework.rule.stars
    out = np.zeros((k, k), dtype=np.int64)
    for t, sample in rating.samples.items():
        if track in (None, t):
            np.add.at(out, (baseline.samples[t].star, sample.star), 1)
    return out


def transition_table(ratings: Mapping[str, Rating], baseline: str) -> pd.DataFrame:
    """Return the transition matrices as rows: set, scope, from_star, to_star, count (not 0)."""
    import pandas as pd

    rows = []
    for name, rating in ratings.items():
        scopes: list[str | None] = [None]
        if len(rating.samples) > 1:
            scopes += list(rating.samples)
        for scope in scopes:
            matrix = transition_matrix(rating, ratings[baseline], scope)
            for i, j in zip(*np.nonzero(matrix), strict=True):
                rows.append((name, scope or "all", int(i) + 1, int(j) + 1, int(matrix[i, j])))
    return pd.DataFrame(rows, columns=["set", "scope", "from_star", "to_star", "count"])


def mover_table(ratings: Mapping[str, Rating], baseline: str) -> pd.DataFrame:
    """Return who moves between the baseline and each set, and what decided it.

    ``reason`` names what keeps the enterprise from the higher of the two stars where it has the
    lower one: ``band`` (its total), ``gate <node>``, or both. ``total_change`` is in points.
    """
    import pandas as pd

    columns = ["set", "enterprise", "name", "track", "from_star", "to_star", "direction",
               "reason", "total_before", "total_after", "total_change"]  # fmt: skip
    rows = []
    base = ratings[baseline]
    for name, rating in ratings.items():
        _check_same(rating, base)
        for t, after in rating.samples.items():
            before = base.samples[t]
            for i in np.flatnonzero(before.star != after.star):
                up = bool(after.star[i] > before.star[i])
                kept_low, high = (before, after.star[i]) if up else (after, before.star[i])
                rows.append((
                    name, after.ids[i], after.names[i], t, int(before.star[i]) + 1,
                    int(after.star[i]) + 1, "up" if up else "down",
                    _obstacle(kept_low, int(i), int(high), rating),
                    before.total[i], after.total[i], after.total[i] - before.total[i],
                ))  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _obstacle(sample: RatedSample, i: int, star: int, rating: Rating) -> str:
    """Say what keeps enterprise ``i`` of a sample from a star."""
    thresholds = rating.framework.rule.thresholds(rating.readings)
    reasons = ["band"] if sample.band[i] < star else []
    gate = thresholds.gate[star - 1]
    reasons += [
        f"gate {sample.track.codes[p]}" for p in sample.gated if sample.scores[i, p] <= gate
    ]
    # Under the one-star reading a gate of a still higher band can be what costs the star.
    return "; ".join(reasons) or "gate of a higher band"


def downgrade_table(ratings: Mapping[str, Rating]) -> pd.DataFrame:
    """Return the downgraded enterprises of each set with the gated nodes that caused it."""
    import pandas as pd

    columns = ["set", "enterprise", "name", "track", "total", "band_star", "star", "caused_by"]
    rows = []
    for name, rating in ratings.items():
        for t, s in rating.samples.items():
            causes = s.causes()
            for i in np.flatnonzero(s.downgraded):
                rows.append((name, s.ids[i], s.names[i], t, s.total[i], int(s.band[i]) + 1,
                             int(s.star[i]) + 1, causes[i]))  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def agreement_table(ratings: Mapping[str, Rating], baseline: str) -> pd.DataFrame:
    """Return the agreement of each set with the baseline.

    Columns: set, scope, n, same, up, down, kappa_linear, kappa_quadratic (weighted κ of stars,
    NaN where one star is all there is), kendall_tau (τ-b of totals), mean_abs_change and
    max_abs_change of totals in points, downgraded.
    """
    import pandas as pd
    from scipy.stats import kendalltau

    base = ratings[baseline]
    rows = []
    for name, rating in ratings.items():
        scopes: list[str | None] = [None]
        if len(rating.samples) > 1:
            scopes += list(rating.samples)
        for scope in scopes:
            chosen = [t for t in rating.samples if scope in (None, t)]
            a = np.concatenate([base.samples[t].total for t in chosen])
            b = np.concatenate([rating.samples[t].total for t in chosen])
            matrix = transition_matrix(rating, base, scope)
            tau = np.nan
            if len(a) > 1 and np.ptp(a) > 0 and np.ptp(b) > 0:
                tau = float(kendalltau(a, b).statistic)
            down = sum(int(rating.samples[t].downgraded.sum()) for t in chosen)
            rows.append((
                name, scope or "all", len(a), int(np.trace(matrix)),
                int(np.triu(matrix, 1).sum()), int(np.tril(matrix, -1).sum()),
                weighted_kappa(matrix, "linear"), weighted_kappa(matrix, "quadratic"), tau,
                float(np.abs(b - a).mean()), float(np.abs(b - a).max()), down,
            ))  # fmt: skip
    return pd.DataFrame(
        rows,
        columns=["set", "scope", "n", "same", "up", "down", "kappa_linear", "kappa_quadratic",
                 "kendall_tau", "mean_abs_change", "max_abs_change", "downgraded"],
    )  # fmt: skip


def weighted_kappa(matrix: IntArray, weights: str = "linear") -> float:
    """Return Cohen's weighted κ of a transition matrix (K, K).

    Parameters
    ----------
    weights : ``"linear"`` or ``"quadratic"`` disagreement in stars

    Returns
    -------
    κ, or NaN where all enterprises have one and the same star in both ratings and chance
    agreement is already complete

    Notes
    -----
    κ = 1 - Σ d_ij p_ij / Σ d_ij p_i. p_.j with d_ij = |i-j| or (i-j)².

    References
    ----------
    Cohen, J. (1968). Weighted kappa. Psychological Bulletin 70(4), 213-220.
    """
    if weights not in ("linear", "quadratic"):
        raise InputError(f"weights {weights!r}; expected linear | quadratic")
    table = np.asarray(matrix)
    ends = (table.sum(axis=1) > 0) | (table.sum(axis=0) > 0)
    if ends.sum() < 2:  # one star is all there is
        return float("nan")
    from statsmodels.stats.inter_rater import cohens_kappa

    wt = "linear" if weights == "linear" else "quadratic"
    return float(cohens_kappa(table, wt=wt, return_results=False))


def _check_same(rating: Rating, baseline: Rating) -> None:
    same: BoolArray | bool = set(rating.samples) == set(baseline.samples) and all(
        np.array_equal(rating.samples[t].ids, baseline.samples[t].ids) for t in rating.samples
    )
    if not same:
        raise InputError("the two ratings are of different enterprises")
