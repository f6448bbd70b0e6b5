"""Dominance measures that need only weights and moments.

All functions take the weights ``g (L,)`` of one level (indicators, capabilities or pillars) and
the moments of the scores at that level. A node without variance has share 0 and correlation 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import FloatArray
from calib.outcomes.dominance.moments import Moments

__all__ = [
    "Concentration",
    "VarianceShare",
    "concentration",
    "contribution_share",
    "correlation_with_total",
    "dominated_enterprises",
    "item_rest_correlation",
    "variance_share",
]


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
