"""Main effect of an indicator on the total: V(E[T | x]) / V(T), by group means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import FloatArray, IntArray, Seed
from calib.errors import InputError

__all__ = [
    "Groups",
    "MainEffect",
    "bootstrap_counts",
    "counted_effects",
    "group_scores",
    "main_effect",
]

MAX_LEVELS = 12


@dataclass(frozen=True, slots=True)
class Groups:
    """Enterprises grouped by the score of each indicator.

    Parameters
    ----------
    code : (n, L) group number of each enterprise for each indicator
    count : (L,) number of groups
    binned : (L,) whether scores had too many levels and were cut into equal-frequency groups
    """

    code: IntArray
    count: IntArray
    binned: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class MainEffect:
    """Main effects, first-order sensitivity indices of the total.

    Parameters
    ----------
    effect : (L,) V(E[T|x_l]) / V(T), 0-1
    adjusted : (L,) effect corrected for the number of groups (as adjusted R²), at least 0
    low, high : (L,) bootstrap interval of ``effect``, NaN without bootstrap
    groups : (L,) number of groups
    """

    effect: FloatArray
    adjusted: FloatArray
    low: FloatArray
    high: FloatArray
    groups: IntArray


def group_scores(X: FloatArray, max_levels: int = MAX_LEVELS) -> Groups:
    """Group enterprises by score: one group a level, or equal-frequency groups of many levels.

    Parameters
    ----------
    X : (n, L) scores
    max_levels : int
        With more distinct scores than this, or more than half as many as enterprises (beyond
        five), as capabilities and pillars have, cut into ``min(max_levels, floor(sqrt(n)))``
        groups of about equal size; equal scores stay together.

    Returns
    -------
    Groups
    """
    n, L = X.shape
    code = np.empty((n, L), dtype=np.int64)
    count = np.empty(L, dtype=np.int64)
    binned = []
    for i in range(L):
        levels, number = np.unique(X[:, i], return_inverse=True)
        many = len(levels) > min(max_levels, max(5, n // 2))
        if many:
            bins = max(2, min(max_levels, int(np.sqrt(n))))
            edges = np.quantile(X[:, i], np.arange(1, bins) / bins)
            _, number = np.unique(np.searchsorted(edges, X[:, i], side="left"), return_inverse=True)
        code[:, i] = number
        count[i] = int(number.max()) + 1
        binned.append(many)
    return Groups(code, count, tuple(binned))


def main_effect(
    X: FloatArray,
    total: FloatArray,
    *,
    draws: int = 0,
    level: float = 0.95,
    rng: Seed = None,
) -> MainEffect:
    """Compute main effects by group means, with a bootstrap interval over enterprises.

    Parameters
    ----------
    X : (n, L) scores
    total : (n,) totals
    draws : int
        Bootstrap draws; 0 for none.
    level : float
        Level of the percentile interval.
    rng : seed or generator

    Returns
    -------
    MainEffect

    Notes
    -----
    S_l = Σ_v n_v (T̄_v - T̄)² / Σ_n (T_n - T̄)² over the groups v of equal score (Paruolo,
    Saisana and Saltelli 2013). With G groups of n enterprises chance alone gives about
    (G-1)/(n-1), hence ``adjusted`` = 1 - (1-S)(n-1)/(n-G).
    """
    if X.shape[0] != len(total):
        raise InputError("scores and totals have different numbers of enterprises")
    groups = group_scores(X)
    n, L = X.shape
    centred = total - total.mean()
    effect = _effects(groups, centred, np.ones((1, n)))[0]
    # With as many groups as enterprises nothing is left to tell an effect from chance.
    spare = np.maximum(n - groups.count, 1)
    adjusted = np.maximum(1.0 - (1.0 - effect) * (n - 1) / spare, 0.0)
    adjusted = np.where((effect > 0) & (n > groups.count), adjusted, 0.0)
    low = high = np.full(L, np.nan)
    if draws:
        generator = np.random.default_rng(rng)
        sample = np.concatenate(
            [
                _effects(groups, centred, bootstrap_counts(n, k, generator))
                for k in _blocks(draws, max(1, 2_000_000 // n))
            ]
        )
        tail = (1.0 - level) / 2.0
        low, high = np.quantile(sample, [tail, 1.0 - tail], axis=0)
    return MainEffect(effect, adjusted, low, high, groups.count)


def bootstrap_counts(n: int, draws: int, rng: np.random.Generator) -> FloatArray:
    """Draw how often each of n enterprises is in a bootstrap sample of size n: (draws, n)."""
    out = np.empty((draws, n))
    for k in range(draws):
        out[k] = np.bincount(rng.integers(0, n, size=n), minlength=n)
    return out


def counted_effects(X: FloatArray, total: FloatArray, counts: FloatArray) -> FloatArray:
    """Return main effects (draws, L) with every enterprise counted as in ``counts (draws, n)``."""
    return _effects(group_scores(X), total - total.mean(), counts)


def _blocks(total: int, size: int) -> list[int]:
    return [min(size, total - start) for start in range(0, total, size)]


def _effects(groups: Groups, total: FloatArray, counts: FloatArray) -> FloatArray:
    """Return (draws, L) main effects for enterprises counted ``counts (draws, n)`` times."""
    draws, n = counts.shape
    size = counts.sum(axis=1)
    first = counts @ total / size
    variance = counts @ total**2 / size - first**2
    # A spread of rounding size is no spread.
    live = variance > 1e-12 * max(float(np.mean(total**2)), 1e-300)
    out = np.zeros((draws, groups.code.shape[1]))
    if not live.any():
        return out
    for i, many in enumerate(groups.count):
        if many < 2:
            continue
        between = np.zeros(draws)
        if draws == 1:
            member = np.bincount(groups.code[:, i], weights=counts[0], minlength=many)
            summed = np.bincount(groups.code[:, i], weights=counts[0] * total, minlength=many)
            between[0] = _squares(member[None].astype(float), summed[None].astype(float))[0]
        else:
            onehot = np.zeros((n, 2 * many))
            onehot[np.arange(n), groups.code[:, i]] = 1.0
            onehot[np.arange(n), many + groups.code[:, i]] = total
            both = counts @ onehot
            between = _squares(both[:, :many], both[:, many:])
        out[live, i] = (between[live] / size[live] - first[live] ** 2) / variance[live]
    return np.clip(out, 0.0, 1.0)


def _squares(member: FloatArray, summed: FloatArray) -> FloatArray:
    square = np.divide(summed**2, member, out=np.zeros_like(summed), where=member > 0)
    return np.asarray(square.sum(axis=1), dtype=float)
