"""How stars differ between weight sets: distributions, transitions, movers with their reasons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from calib._types import BoolArray, IntArray
from calib.errors import InputError
from calib.outcomes.certainty import move_probability
from calib.outcomes.dominance.main_effect import score_levels
from calib.rating import Rating
from calib.rating.causes import move_causes
from calib.words import message

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "agreement_table",
    "downgrade_table",
    "enterprise_table",
    "mover_table",
    "node_star_table",
    "star_table",
    "transition_matrix",
    "transition_table",
    "weighted_kappa",
]


def star_table(ratings: Mapping[str, Rating]) -> pd.DataFrame:
    """Return the star distribution of each set, overall and by track.

    Columns: set, scope ("all" or a track), star (as the rule numbers them), label, count, share.
    """
    import pandas as pd

    rows = []
    for name, rating in ratings.items():
        labels, first = rating.framework.rule.labels, rating.framework.rule.first
        for scope in rating.scopes:
            counts = rating.counts(scope)
            total = int(counts.sum())
            for k, count in enumerate(counts.tolist()):
                share = count / total if total else np.nan
                rows.append((name, scope or "all", k + first, labels[k].en, count, share))
    return pd.DataFrame(rows, columns=["set", "scope", "star", "label", "count", "share"])


def node_star_table(ratings: Mapping[str, Rating], depth: int = 1) -> pd.DataFrame:
    """Return single-element stars of every node down to ``depth``, overall and by track."""
    import pandas as pd

    rows = []
    for name, rating in ratings.items():
        first = rating.framework.rule.first
        codes = dict.fromkeys(
            n.code for s in rating.samples.values() for n in s.track.nodes if n.depth <= depth
        )
        for code in codes:
            for scope in rating.scopes:
                counts = rating.node_counts(code, scope)
                total = int(counts.sum())
                if not total:
                    continue
                for k, count in enumerate(counts.tolist()):
                    rows.append((name, code, scope or "all", k + first, count, count / total))
    return pd.DataFrame(rows, columns=["set", "node", "scope", "star", "count", "share"])


def transition_matrix(
    rating: Rating,
    baseline: Rating,
    track: str | None = None,
    among: Mapping[str, BoolArray] | None = None,
) -> IntArray:
    """Return how many enterprises go from each baseline star (row) to each star, (K, K).

    Parameters
    ----------
    track : only these; all if None
    among : by track, which enterprises (n,) are counted; all if None
    """
    _check_same(rating, baseline)
    k = rating.framework.rule.stars
    out = np.zeros((k, k), dtype=np.int64)
    for t, sample in rating.samples.items():
        if track in (None, t) and (among is None or t in among):
            rows = slice(None) if among is None else among[t]
            np.add.at(out, (baseline.samples[t].star[rows], sample.star[rows]), 1)
    return out


def transition_table(ratings: Mapping[str, Rating], baseline: str) -> pd.DataFrame:
    """Return the transition matrices as rows: set, scope, from_star, to_star, count (not 0)."""
    import pandas as pd

    rows = []
    for name, rating in ratings.items():
        for scope in rating.scopes:
            matrix = transition_matrix(rating, ratings[baseline], scope)
            first = rating.framework.rule.first
            for i, j in zip(*np.nonzero(matrix), strict=True):
                move = (int(i) + first, int(j) + first, int(matrix[i, j]))
                rows.append((name, scope or "all", *move))
    return pd.DataFrame(rows, columns=["set", "scope", "from_star", "to_star", "count"])


def mover_table(ratings: Mapping[str, Rating], baseline: str) -> pd.DataFrame:
    """Return who moves between the baseline and each set, and what decided it.

    ``reason`` names what keeps the enterprise from the higher of the two stars where it has the
    lower one; see :func:`calib.rating.causes.star_obstacles`. ``total_change`` is in points. Where
    a set has draws, ``p_moves`` is the share of paired draws in which the enterprise moves that
    way; see :func:`calib.outcomes.certainty.move_probability`.
    """
    import pandas as pd

    columns = ["set", "enterprise", "name", "track", "from_star", "to_star", "direction",
               "reason", "total_before", "total_after", "total_change"]  # fmt: skip
    rows: list[tuple[object, ...]] = []
    sure: list[float] = []
    base = ratings[baseline]
    for name, rating in ratings.items():
        _check_same(rating, base)
        rule, first = rating.framework.rule, rating.framework.rule.first
        for t, after in rating.samples.items():
            before = base.samples[t]
            moved = np.flatnonzero(before.star != after.star)
            causes = move_causes(before, after, moved, rule, rating.rule_options)
            rows += [
                (name, after.ids[i], after.names[i], t, int(before.star[i]) + first,
                 int(after.star[i]) + first, "up" if after.star[i] > before.star[i] else "down",
                 cause, before.total[i], after.total[i], after.total[i] - before.total[i])
                for i, cause in zip(moved, causes, strict=True)
            ]  # fmt: skip
            sure += move_probability(rating, base, t, moved).tolist()
    table = pd.DataFrame(rows, columns=columns)
    if any(r.weights.uncertainty is not None for r in ratings.values()):
        table.insert(columns.index("reason"), "p_moves", np.array(sure, dtype=float))
    return table


def downgrade_table(ratings: Mapping[str, Rating]) -> pd.DataFrame:
    """Return the downgraded enterprises of each set with the gated nodes that caused it."""
    import pandas as pd

    columns = ["set", "enterprise", "name", "track", "total", "band_star", "star", "caused_by"]
    rows = []
    for name, rating in ratings.items():
        for t, s in rating.samples.items():
            causes, first = s.causes(), rating.framework.rule.first
            for i in np.flatnonzero(s.downgraded):
                rows.append((name, s.ids[i], s.names[i], t, s.total[i], int(s.band[i]) + first,
                             int(s.star[i]) + first, causes[i]))  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def agreement_table(ratings: Mapping[str, Rating], baseline: str) -> pd.DataFrame:
    """Return the agreement of each set with the baseline.

    Columns: set, scope, n, same, up, down, kappa_linear, kappa_quadratic (weighted κ of stars,
    NaN where one star is all there is), kendall_tau (τ-b of totals), mean_abs_change and
    max_abs_change of totals in points, downgraded (where the rule has gates or caps).
    """
    import pandas as pd
    from scipy.stats import kendalltau

    base = ratings[baseline]
    rows = []
    for name, rating in ratings.items():
        for scope in rating.scopes:
            chosen = [t for t in rating.samples if scope in (None, t)]
            a = np.concatenate([base.samples[t].total for t in chosen])
            b = np.concatenate([rating.samples[t].total for t in chosen])
            matrix = transition_matrix(rating, base, scope)
            tau = np.nan
            if len(a) > 1:
                # Totals that differ by rounding noise are tied.
                tau = float(kendalltau(score_levels(a), score_levels(b)).statistic)
            down = rating.downgrades_in(scope)
            rows.append((
                name, scope or "all", len(a), int(np.trace(matrix)),
                int(np.triu(matrix, 1).sum()), int(np.tril(matrix, -1).sum()),
                weighted_kappa(matrix, "linear"), weighted_kappa(matrix, "quadratic"), tau,
                float(np.abs(b - a).mean()), float(np.abs(b - a).max()), down,
            ))  # fmt: skip
    table = pd.DataFrame(
        rows,
        columns=["set", "scope", "n", "same", "up", "down", "kappa_linear", "kappa_quadratic",
                 "kendall_tau", "mean_abs_change", "max_abs_change", "downgraded"],
    )  # fmt: skip
    return table if base.framework.rule.holds_back else table.drop(columns="downgraded")


def enterprise_table(ratings: Mapping[str, Rating]) -> pd.DataFrame:
    """Return every enterprise under every set: total, stars, causes, scores; see ``Rating``."""
    import pandas as pd

    parts = []
    for name, rating in ratings.items():
        table = rating.enterprises()
        table.insert(0, "set", name)
        parts.append(table)
    return pd.concat(parts, ignore_index=True)


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
    κ = 1 - Σ d_ij p_ij / Σ d_ij p_i+ p_+j with d_ij = |i-j| or (i-j)².

    References
    ----------
    Cohen, J. (1968). Weighted kappa. Psychological Bulletin 70(4), 213-220.
    """
    if weights not in ("linear", "quadratic"):
        raise InputError(message("outcomes.comparison.no_kappa", weights=repr(weights)))
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
        raise InputError(message("outcomes.comparison.others"))
