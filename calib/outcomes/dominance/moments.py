"""What the measures see: complete scores, their moments, and the measures that need only those.

Means and covariances of indicator scores are gathered in one pass over the enterprises. Every
measure and every adjustment that is linear or quadratic in the weights needs only these moments,
so that its cost does not depend on the number of enterprises. Measures take the weights ``g (L,)``
of one level (indicators, capabilities or pillars) and the moments of the scores at that level; a
node without variance has share 0 and correlation 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from calib._types import FloatArray
from calib.errors import InputError
from calib.framework import RuleOptions
from calib.population import Population
from calib.rating import Scored
from calib.rating.stars import by_answered, effective_local, node_scores, nodes_with_score
from calib.rating.subject import check_framework, scored_enterprises
from calib.weights import WeightSet
from calib.words import Text, message

__all__ = [
    "Concentration",
    "Moments",
    "VarianceShare",
    "complete_scores",
    "concentration",
    "contribution_share",
    "correlation_with_total",
    "dominated_enterprises",
    "item_rest_correlation",
    "moments_of",
    "pool_moments",
    "scored_for",
    "shrink",
    "shrinkage_intensity",
    "variance_share",
]


def scored_for(
    population: Population | Scored,
    weights: WeightSet,
    rule_options: RuleOptions | Mapping[str, str] | None,
) -> Scored:
    """Score a population under rule options, and check that it fits the weights."""
    scored = scored_enterprises(population, rule_options)
    check_framework([weights], scored)
    if len(scored) == 0:
        raise InputError(message("dominance.fault.empty"))
    return scored


def complete_scores(
    scored: Scored, weights: WeightSet
) -> tuple[dict[str, FloatArray], tuple[Text, ...]]:
    """Return scores (n, L) by track without gaps, and notes on what was filled in.

    Notes
    -----
    Under ``missing = renormalise`` an unanswered item hands its weight to its answered siblings,
    which is the same as scoring it with their weighted mean. That mean is filled in, under
    the given weights, so that moments and stars agree with the rating at those weights.
    """
    out: dict[str, FloatArray] = {}
    notes: list[Text] = []
    for t, sample in scored.samples.items():
        X = sample.X
        gaps = np.isnan(X)
        if gaps.any():
            X = _filled(X, weights, t)
            notes.append(message("dominance.note.gaps", track=sample.track.name, n=int(gaps.sum()),
                                 weights=weights.called))  # fmt: skip
        out[t] = X
    return out, tuple(notes)


def _filled(X: FloatArray, weights: WeightSet, t: str) -> FloatArray:
    track, local = weights.framework.tracks[t], weights.local[t]
    out = np.array(X)
    for rows, answered in by_answered(X):
        if answered.all():
            continue
        known = nodes_with_score(track, local, answered)
        top = track.families[0].members
        if not (known[top] & (local[top] > 0)).any():
            raise InputError(message("dominance.fault.no_answer", track=t, n=len(rows)))
        own = effective_local(track, local, answered)
        scores = node_scores(track, np.nan_to_num(X[rows]), own)
        total = scores[:, top] @ own[top]
        for column in np.flatnonzero(~answered):
            up = int(track.parent[track.leaves[column]])
            while up >= 0 and not known[up]:
                up = int(track.parent[up])
            out[rows, column] = total if up < 0 else scores[:, up]
    return out


_CHUNK = 8192


@dataclass(frozen=True, slots=True)
class Moments:
    """First and second moments of the scores of L indicators (or nodes).

    Parameters
    ----------
    n : float
        Number of enterprises (or the sum of their counts).
    mean : (L,) points
    cov : (L, L) points squared, divided by ``n``
    centred : (n, L) scores less their means, or None; only shrinkage needs them
    counts : (n,) how often each enterprise counts, or None for once
    """

    n: float
    mean: FloatArray
    cov: FloatArray
    centred: FloatArray | None = None
    counts: FloatArray | None = None

    def through(self, mix: FloatArray) -> Moments:
        """Return the moments of mixed scores ``X @ mix``.

        Parameters
        ----------
        mix : (L, q) weight of each indicator in each of q nodes

        Returns
        -------
        Moments of the q node scores
        """
        cov = mix.T @ self.cov @ mix
        centred = None if self.centred is None else self.centred @ mix
        return Moments(self.n, self.mean @ mix, 0.5 * (cov + cov.T), centred, self.counts)


def moments_of(
    X: FloatArray, counts: FloatArray | None = None, *, centred: bool = False
) -> Moments:
    """Gather mean and covariance of the scores in one pass over blocks of enterprises.

    Scores are shifted by the first enterprise's, so that cancellation cannot spoil the
    covariance, and blocks are added up; memory does not grow with ``n``.

    Parameters
    ----------
    X : (n, L) scores, 0-100, no missing values
    counts : (n,) how often each enterprise counts (bootstrap, survey weights); 1 by default
    centred : bool
        Keep the centred scores, which :func:`shrinkage_intensity` needs.

    Returns
    -------
    Moments

    Raises
    ------
    InputError
        No enterprise, or a score that is not a finite number.
    """
    X = np.asarray(X, dtype=float)
    if X.ndim != 2 or X.shape[0] == 0:
        raise InputError(message("dominance.fault.no_scores"))
    L = X.shape[1]
    shift = X[0]
    total, first, second = 0.0, np.zeros(L), np.zeros((L, L))
    for start in range(0, X.shape[0], _CHUNK):
        block = X[start : start + _CHUNK] - shift
        if counts is None:
            total += block.shape[0]
            first += block.sum(axis=0)
            second += block.T @ block
        else:
            c = counts[start : start + _CHUNK]
            total += float(c.sum())
            first += c @ block
            second += block.T @ (block * c[:, None])
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise InputError(message("dominance.fault.not_finite"))
    if total <= 0:
        raise InputError(message("dominance.fault.no_counts"))
    centre = first / total
    cov = second / total - np.outer(centre, centre)
    cov = 0.5 * (cov + cov.T)
    # A column that never moves has exactly zero variance: no rounding noise may pass for spread.
    flat = np.diag(cov) <= 1e-13 * np.maximum(np.diag(second) / total, 1e-300)
    cov[flat, :] = 0.0
    cov[:, flat] = 0.0
    mean = shift + centre
    return Moments(total, mean, cov, X - mean, counts) if centred else Moments(total, mean, cov)


def pool_moments(parts: Sequence[Moments]) -> Moments:
    """Pool moments of groups *within* groups: differences between group means add no variance.

    Parameters
    ----------
    parts : moments of each group (track) over the same q nodes

    Returns
    -------
    Moments
        Means and covariances averaged with the groups' sizes.
    """
    n = sum(p.n for p in parts)
    mean = sum((p.n * p.mean for p in parts), np.zeros_like(parts[0].mean)) / n
    cov = sum((p.n * p.cov for p in parts), np.zeros_like(parts[0].cov)) / n
    if any(p.centred is None for p in parts):
        return Moments(n, mean, cov)
    centred = np.vstack([p.centred for p in parts if p.centred is not None])
    once = [np.ones(0 if p.centred is None else len(p.centred)) for p in parts]
    counts = [one if p.counts is None else p.counts for p, one in zip(parts, once, strict=True)]
    return Moments(n, mean, cov, centred, np.concatenate(counts))


def shrinkage_intensity(m: Moments) -> float:
    """Return the shrinkage towards the diagonal that minimises expected squared error.

    Parameters
    ----------
    m : moments with centred scores

    Returns
    -------
    float in 0..1

    Notes
    -----
    lambda = sum_{i≠j} Var(s_ij) / sum_{i≠j} s_ij²; Schäfer and Strimmer (2005), target D.
    """
    if m.centred is None:
        raise InputError(message("dominance.fault.not_centred"))
    square = m.centred**2
    weighted = square if m.counts is None else square * m.counts[:, None]
    off = ~np.eye(m.cov.shape[0], dtype=bool)
    noise = (square.T @ weighted / m.n - m.cov**2)[off].sum() / max(m.n - 1.0, 1.0)
    signal = float((m.cov[off] ** 2).sum())
    return 1.0 if signal <= 0 else float(min(1.0, max(0.0, noise / signal)))


def shrink(m: Moments, intensity: float) -> Moments:
    """Scale all covariances by ``1 - intensity``; variances stay."""
    cov = (1.0 - intensity) * m.cov
    np.fill_diagonal(cov, np.diag(m.cov))
    return Moments(m.n, m.mean, cov, m.centred, m.counts)


@dataclass(frozen=True, slots=True)
class Concentration:
    """How concentrated weights are.

    Parameters
    ----------
    hhi : float
        Herfindahl-Hirschman index, sum of squared weights, from 1/L to 1.
    effective : float
        Effective number of indicators, 1/hhi.
    largest : float
        Largest weight.
    """

    hhi: float
    effective: float
    largest: float


@dataclass(frozen=True, slots=True)
class VarianceShare:
    """Shares of the variance of the total; signed, ``share`` sums to 1 (0 without variance).

    Parameters
    ----------
    share : (L,) g_l (Σg)_l / g'Σg
    own : (L,) part through the indicator's own variance, g_l² Σ_ll / g'Σg
    correlated : (L,) part through its covariance with the others
    variance : float
        Variance of the total, g'Σg.
    """

    share: FloatArray
    own: FloatArray
    correlated: FloatArray
    variance: float


def concentration(g: FloatArray) -> Concentration:
    """Measure the concentration of weights.

    Examples
    --------
    >>> concentration(np.full(4, 0.25)).effective
    4.0
    """
    hhi = float(np.sum(np.asarray(g) ** 2))
    return Concentration(hhi, 1.0 / hhi, float(np.max(g)))


def contribution_share(g: FloatArray, m: Moments) -> FloatArray:
    """Return each indicator's share of the mean total, g_l x̄_l / T̄ (0 when all scores are 0)."""
    part = g * m.mean
    total = float(part.sum())
    return part / total if total > 0 else np.zeros_like(part)


def dominated_enterprises(X: FloatArray, g: FloatArray, cap: float) -> FloatArray:
    """Return the share of enterprises in which an indicator gives more than a cap of the total.

    Parameters
    ----------
    X : (n, L) scores
    g : (L,) weights
    cap : float in 0..1

    Returns
    -------
    (L,) shares of enterprises; an enterprise with total 0 is dominated by nothing
    """
    total = X @ g
    limit = cap * total * (1.0 + 1e-12)
    over = np.empty(len(g))
    for i, weight in enumerate(g):  # column by column: no second table of n x L
        over[i] = np.count_nonzero(weight * X[:, i] > limit)
    return np.asarray(over / max(X.shape[0], 1), dtype=float)


def variance_share(g: FloatArray, m: Moments) -> VarianceShare:
    """Split the variance of the total between indicators.

    Parameters
    ----------
    g : (L,) weights
    m : moments of the scores

    Returns
    -------
    VarianceShare

    Notes
    -----
    C_l = g_l (Σg)_l / g'Σg = Cov(g_l x_l, T) / V(T), the covariance decomposition; scaling all
    scores leaves it as it is.
    """
    part = g * (m.cov @ g)
    own = g**2 * np.diag(m.cov)
    variance = float(part.sum())
    if variance <= 1e-14 * max(float(own.sum()), 1e-300) or own.sum() <= 0:
        zero = np.zeros_like(part)
        return VarianceShare(zero, zero, zero, max(variance, 0.0))
    return VarianceShare(part / variance, own / variance, (part - own) / variance, variance)


def correlation_with_total(g: FloatArray, m: Moments) -> FloatArray:
    """Return the correlation of each indicator with the total; 0 where either is constant."""
    cov = m.cov @ g
    return _ratio(cov, np.diag(m.cov) * max(float(g @ cov), 0.0))


def item_rest_correlation(g: FloatArray, m: Moments) -> FloatArray:
    """Return the correlation of each indicator with the rest of the total, T - g_l x_l.

    Notes
    -----
    Cov(x_l, T - g_l x_l) = (Σg)_l - g_l Σ_ll and V(T - g_l x_l) = g'Σg - 2 g_l (Σg)_l + g_l² Σ_ll.
    Whether the rest is rescaled to sum to 1 makes no difference to a correlation.
    """
    s = np.diag(m.cov)
    cov = m.cov @ g
    variance = float(g @ cov)
    rest = variance - 2.0 * g * cov + g**2 * s
    rest = np.where(rest > 1e-12 * max(variance, 0.0), rest, 0.0)
    return _ratio(cov - g * s, s * rest)


def _ratio(cov: FloatArray, product: FloatArray) -> FloatArray:
    ok = product > 0
    out = np.zeros_like(cov)
    out[ok] = cov[ok] / np.sqrt(product[ok])
    return np.asarray(np.clip(out, -1.0, 1.0), dtype=float)
