"""Shapley shares of the variance of the total (LMG): exact by subsets, or by sampled orders.

R²(S) is the share of the total's variance that the indicators of S explain linearly; the Shapley
share of an indicator is what it adds to R² averaged over all orders of entering (Lindeman,
Merenda and Gold 1980). The shares are non-negative and sum to 1. Indicators that are linear
combinations of those already entered add nothing, so a singular covariance needs no inverse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import numpy as np

from calib._types import FloatArray, IntArray, Seed
from calib.errors import InputError
from calib.outcomes.dominance.moments import Moments
from calib.words import message

__all__ = ["ShapleyShare", "entering_gains", "shapley_exact", "shapley_sampled", "subset_r2"]

EXACT_LIMIT = 14
_SINGULAR = 1e-10
_PAIRS = 64  # orders swept together: their tables stay in the processor's cache


@dataclass(frozen=True, slots=True)
class ShapleyShare:
    """Shapley shares of variance.

    Parameters
    ----------
    share : (L,) non-negative, sums to 1 (all 0 when the total does not vary)
    error : (L,) standard error of the sampling of orders; 0 when exact
    orders : int
        Number of sampled orders; 0 when exact.
    """

    share: FloatArray
    error: FloatArray
    orders: int


def shapley_exact(g: FloatArray, m: Moments) -> ShapleyShare:
    """Compute LMG shares from R² of all 2^L subsets.

    Parameters
    ----------
    g : (L,) weights, L up to 14
    m : moments of the scores

    Returns
    -------
    ShapleyShare

    Raises
    ------
    InputError
        More than 14 indicators: use :func:`shapley_sampled`.

    Notes
    -----
    phi_l = Σ_{S∌l} |S|!(L-|S|-1)!/L! · (R²(S∪l) - R²(S)).
    """
    L = len(g)
    if L > EXACT_LIMIT:
        raise InputError(message("dominance.fault.too_many", n=L))
    value = subset_r2(g, m)
    sets = np.arange(2**L)
    size = np.bitwise_count(sets).astype(int)
    coefficient = np.array([1.0 / (L * comb(L - 1, s)) if s < L else 0.0 for s in range(L + 1)])
    share = np.empty(L)
    for i in range(L):
        without = sets[(sets >> i) & 1 == 0]
        share[i] = coefficient[size[without]] @ (value[without | (1 << i)] - value[without])
    return ShapleyShare(np.maximum(share, 0.0), np.zeros(L), 0)


def subset_r2(g: FloatArray, m: Moments) -> FloatArray:
    """Return R² of the total on every subset of indicators.

    Parameters
    ----------
    g : (L,) weights
    m : moments

    Returns
    -------
    (2^L,) R², subset coded in bits (bit l set: indicator l is in)

    Notes
    -----
    Subsets are built by entering indicators in the order of their number, so that each subset
    extends one already swept; the whole is L batched sweeps instead of 2^L inversions.
    """
    L = len(g)
    work, variance = _standardise(g, m)
    value = np.zeros(2**L)
    if variance <= 0:
        return value
    # tables[s]: covariance of (x, T) given subset s, kept for indicators not yet decided on.
    tables = work[None]
    for i in range(L):
        swept, gain = _sweep(tables)
        count = 2**i
        value[count : 2 * count] = value[:count] + gain
        tables = np.concatenate([tables[:, 1:, 1:], swept])
    return value


def shapley_sampled(
    g: FloatArray,
    m: Moments,
    *,
    orders: int = 2000,
    nests: Sequence[IntArray] = (),
    rng: Seed = None,
) -> ShapleyShare:
    """Estimate LMG shares, or Owen values, from sampled orders of entering.

    Parameters
    ----------
    g : (L,) weights
    m : moments of the scores
    orders : int
        Number of orders, even: each is used forwards and backwards (antithetic pairs).
    nests : group number of each indicator, outermost first, e.g. pillar then capability. With
        nests, groups enter as blocks, and the result is the (nested) Owen value.
    rng : seed or generator

    Returns
    -------
    ShapleyShare
        With the standard error from the spread between pairs.
    """
    if orders < 4:
        raise InputError(message("dominance.fault.few_orders"))
    generator = np.random.default_rng(rng)
    L, pairs = len(g), (orders + 1) // 2
    total, square = np.zeros(L), np.zeros(L)
    for start in range(0, pairs, _PAIRS):
        k = min(_PAIRS, pairs - start)
        keys = generator.random((k, L))
        forward = _nested_orders(keys, nests, generator)
        both = np.concatenate([forward, forward[:, ::-1]])
        gain = entering_gains(g, m, both)
        mean = 0.5 * (gain[:k] + gain[k:])
        total += mean.sum(axis=0)
        square += (mean**2).sum(axis=0)
    share = total / pairs
    spread = np.maximum(square / pairs - share**2, 0.0) * pairs / max(pairs - 1, 1)
    return ShapleyShare(share, np.sqrt(spread / pairs), 2 * pairs)


def _nested_orders(
    keys: FloatArray, nests: Sequence[IntArray], rng: np.random.Generator
) -> IntArray:
    """Turn uniform keys into orders in which the members of each group stay together."""
    columns = [keys]
    for group in reversed(nests):
        _, number = np.unique(np.asarray(group), return_inverse=True)
        columns.append(rng.random((keys.shape[0], int(number.max()) + 1))[:, number])
    return np.asarray(np.lexsort(np.stack(columns), axis=-1), dtype=np.int64)


def entering_gains(g: FloatArray, m: Moments, orders: IntArray) -> FloatArray:
    """Return what each indicator adds to R² when indicators enter in the given orders.

    Parameters
    ----------
    g : (L,) weights
    m : moments
    orders : (k, L) permutations

    Returns
    -------
    (k, L) gains, by indicator; each row sums to 1
    """
    k, L = orders.shape
    work, variance = _standardise(g, m)
    if variance <= 0:
        return np.zeros((k, L))
    full = np.concatenate([orders, np.full((k, 1), L)], axis=1)
    tables = work[full[:, :, None], full[:, None, :]]
    out = np.empty((k, L))
    rows = np.arange(k)
    for step in range(L):
        tables, gain = _sweep(tables)
        out[rows, orders[:, step]] = gain
    return out


def _standardise(g: FloatArray, m: Moments) -> tuple[FloatArray, float]:
    """Return the correlation matrix of indicators bordered by the total (last), and V(T)."""
    cov = m.cov @ g
    variance = float(g @ cov)
    s = np.sqrt(np.maximum(np.diag(m.cov), 0.0))
    if variance <= 1e-14 * max(float(np.sum(g**2 * s**2)), 1e-300) or not s.any():
        return np.zeros((len(g) + 1, len(g) + 1)), 0.0
    inverse = np.divide(1.0, s, out=np.zeros_like(s), where=s > 0)
    L = len(g)
    work = np.empty((L + 1, L + 1))
    work[:L, :L] = m.cov * np.outer(inverse, inverse)
    work[:L, L] = work[L, :L] = cov * inverse / np.sqrt(variance)
    work[L, L] = 1.0
    return work, variance


def _sweep(tables: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Condition every table on its first variable and drop it; return also the gain in R²."""
    pivot = tables[:, 0, 0]
    inverse = np.divide(1.0, pivot, out=np.zeros_like(pivot), where=pivot > _SINGULAR)
    column = tables[:, 0, 1:]
    gain = column[:, -1] ** 2 * inverse
    rest = tables[:, 1:, 1:] - column[:, :, None] * (column * inverse[:, None])[:, None, :]
    return rest, gain
