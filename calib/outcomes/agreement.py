"""How far two ratings of the same enterprises agree, with tests and intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from calib._quantiles import tails
from calib._types import FloatArray, IntArray, Seed
from calib.errors import InputError
from calib.words import message

__all__ = [
    "Agreement",
    "MatrixTest",
    "bootstrap_agreement",
    "bowker_symmetry",
    "stuart_maxwell",
    "wilson_interval",
]


MOST_STATES = 8_000
"""Exact null distributions are worked out up to this many different outcomes."""


@dataclass(frozen=True, slots=True)
class MatrixTest:
    """A test on a transition matrix; p is NaN where nothing could have differed (df 0).

    ``p_by`` says where p comes from: ``exact`` (all ways in which the moves could have gone),
    ``chi-square`` (the approximation for many moves), or ``none`` where nobody moved.
    """

    statistic: float
    df: int
    p: float
    p_by: Literal["exact", "chi-square", "none"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """A measure of agreement with its interval; NaN ends where no interval can be had.

    ``by`` says how the interval was made: ``wilson``, ``bootstrap``, or ``none`` where nobody
    moved: every resample is then the sample itself, which says nothing about other enterprises.
    """

    measure: str
    value: float
    low: float
    high: float
    by: Literal["wilson", "bootstrap", "none"]


def wilson_interval(
    count: IntArray | int, total: int, confidence: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Return Wilson's score interval of a share; NaN where ``total`` is 0.

    Parameters
    ----------
    count : how many of ``total``; scalar or array
    confidence : confidence level, between 0 and 1

    Notes
    -----
    (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n). Wilson, JASA 22 (1927), 209-212; as
    :func:`statsmodels.stats.proportion.proportion_confint` has it.

    Examples
    --------
    >>> low, high = wilson_interval(9, 22)
    >>> round(float(low), 4), round(float(high), 4)
    (0.2326, 0.6127)
    """
    from statsmodels.stats.proportion import proportion_confint

    if not 0 < confidence < 1:
        raise InputError(message("outcomes.comparison.confidence", value=confidence))
    if total <= 0:
        none = np.full(np.shape(count), np.nan)
        return none, none.copy()
    low, high = proportion_confint(np.asarray(count), total, alpha=1 - confidence, method="wilson")
    return np.asarray(low, dtype=float), np.asarray(high, dtype=float)


def bowker_symmetry(matrix: IntArray) -> MatrixTest:
    """Test whether moves up and moves down balance, star by star.

    Parameters
    ----------
    matrix : (K, K) transitions

    Notes
    -----
    Σ_{i<j} (n_ij - n_ji)² / (n_ij + n_ji) over the pairs with a move, as many df. Bowker, JASA 43
    (1948), 572-574. Under symmetry each of the n_ij + n_ji moves goes either way with chance ½,
    so the null distribution given these sums is a product of binomials: it is worked out in full
    (for one pair of stars this is McNemar's exact test), and χ² serves only where that grows
    past ``MOST_STATES`` outcomes.
    """
    from statsmodels.stats.contingency_tables import SquareTable

    moves, _ = _moves(matrix)
    df = len(moves)
    if not df:
        return MatrixTest(0.0, 0, float("nan"), "none")
    statistic = float(SquareTable(np.asarray(matrix), shift_zeros=False).symmetry().statistic)
    # (2k - m)² / m of every pair: a sum of independent terms.
    steps = [((2 * np.arange(m + 1) - m) ** 2 / m)[:, None] for m in moves.tolist()]
    return _tested(statistic, df, moves, steps, lambda states: states[:, 0])


def stuart_maxwell(matrix: IntArray) -> MatrixTest:
    """Test whether the star distributions before and after are the same.

    Parameters
    ----------
    matrix : (K, K) transitions

    Notes
    -----
    d' V⁻¹ d with d_i = n_i+ - n_+i, V_ii = n_i+ + n_+i - 2 n_ii, V_ij = -(n_ij + n_ji). V is
    regular but for one row within each group of stars that moves connect; the groups are
    independent, their statistics and df add up. Stuart, Biometrika 42 (1955), 412-416; Maxwell,
    Br. J. Psychiatry 116 (1970), 651-655. The exact p is that of the permutation test in which
    every enterprise's two stars may be swapped; V does not change by that.
    """
    from scipy.sparse.csgraph import connected_components
    from statsmodels.stats.contingency_tables import SquareTable

    table = np.asarray(matrix, dtype=float)
    moves, pairs = _moves(table)
    off = table + table.T
    np.fill_diagonal(off, 0.0)
    _, group = connected_components(off > 0, directed=False)
    statistic, df = 0.0, 0
    for members in (np.flatnonzero(group == g) for g in range(group.max() + 1)):
        if len(members) > 1:
            part = SquareTable(table[np.ix_(members, members)], shift_zeros=False)
            statistic += float(part.homogeneity().statistic)
            df += len(members) - 1
    if not df:
        return MatrixTest(0.0, 0, float("nan"), "none")
    inverse = np.linalg.pinv(np.diag(off.sum(axis=1)) - off, hermitian=True)
    steps = []
    for m, (i, j) in zip(moves.tolist(), pairs.tolist(), strict=True):
        step = np.zeros((m + 1, len(table)))
        step[:, i] = 2 * np.arange(m + 1) - m
        step[:, j] = -step[:, i]
        steps.append(step)
    return _tested(
        statistic, df, moves, steps,
        lambda states: np.einsum("si,ij,sj->s", states, inverse, states),
    )  # fmt: skip


def _moves(matrix: IntArray | FloatArray) -> tuple[IntArray, IntArray]:
    """Return how many move between each pair of stars, either way (q,), and the pairs (q, 2)."""
    pairs = np.stack(np.triu_indices(len(matrix), 1), axis=1)
    a, b = pairs.T
    moves = np.asarray(matrix[a, b] + matrix[b, a], dtype=np.int64)
    return moves[moves > 0], pairs[moves > 0]


def _tested(
    statistic: float,
    df: int,
    moves: IntArray,
    steps: Sequence[FloatArray],
    measure: Callable[[FloatArray], FloatArray],
) -> MatrixTest:
    """Return a test whose p is exact where the null distribution can be worked out.

    Parameters
    ----------
    moves : (q,) moves between each pair of stars
    steps : what each pair adds to the state when 0, 1 … of its moves go up, (m + 1, s) each
    measure : the statistic of states (k, s)
    """
    from scipy.special import chdtrc
    from scipy.stats import binom

    approximate = MatrixTest(statistic, df, float(chdtrc(df, statistic)), "chi-square")
    states: FloatArray = np.zeros((1, steps[0].shape[1]))
    chance: FloatArray = np.ones(1)
    for m, step in zip(moves.tolist(), steps, strict=True):
        if len(states) * len(step) > 10 * MOST_STATES:
            return approximate
        both = (states[:, None] + step[None]).reshape(-1, step.shape[1])
        weight = np.outer(chance, binom.pmf(np.arange(m + 1), m, 0.5)).ravel()
        states, where = np.unique(both.round(9), axis=0, return_inverse=True)
        chance = np.asarray(np.bincount(where.ravel(), weights=weight), dtype=float)
        if len(states) > MOST_STATES:
            return approximate
    as_far = measure(states) >= statistic - 1e-6
    return MatrixTest(statistic, df, float(min(1.0, chance[as_far].sum())), "exact")


def bootstrap_agreement(
    matrices: Sequence[IntArray],
    *,
    size: int = 2000,
    confidence: float = 0.95,
    rng: Seed = None,
) -> tuple[Agreement, ...]:
    """Return measures of agreement with intervals.

    Parameters
    ----------
    matrices : (K, K) transitions, one a stratum (a track); each stratum keeps its size
    size : bootstrap samples
    confidence : of the intervals

    Returns
    -------
    Shares moved, up and down, mean change of star, and linear and quadratic weighted κ

    Notes
    -----
    Shares have Wilson's interval, which stays honest where nobody moved (0 to 15 % for 0 of 22).
    Mean change and κ have percentile intervals over enterprises drawn again within their
    stratum: all that a resampled enterprise brings is its cell of the matrix, so this is drawing
    cells from a multinomial. Where nobody moved, or all moved alike, resampling cannot give an
    interval.
    """
    generator = np.random.default_rng(rng)
    K = len(matrices[0])
    drawn = np.zeros((size, K, K), dtype=np.int64)
    for matrix in matrices:
        total = int(matrix.sum())
        if total:
            cells = generator.multinomial(total, matrix.ravel() / total, size=size)
            drawn += cells.reshape(size, K, K)
    whole = np.sum(np.stack([np.asarray(m, dtype=np.int64) for m in matrices]), axis=0)
    total, still = int(whole.sum()), int(np.trace(whole))
    out = []
    for name in ("moved", "up", "down"):
        value = float(_measure(name, whole[None])[0]) if total else float("nan")
        low, high = wilson_interval(round(value * total) if total else 0, total, confidence)
        by: Literal["wilson", "none"] = "wilson" if total else "none"
        out.append(Agreement(name, value, float(low), float(high), by))
    for name in ("mean_change", "kappa_linear", "kappa_quadratic"):
        samples = _measure(name, drawn)
        samples = samples[np.isfinite(samples)]
        value = float(_measure(name, whole[None])[0])
        # All moved alike (or nobody): every resample is the sample, which is no certainty.
        if total == still or not len(samples) or np.ptp(samples) < 1e-12:
            out.append(Agreement(name, value, float("nan"), float("nan"), "none"))
            continue
        ends = np.quantile(samples, tails(confidence))
        out.append(Agreement(name, value, float(ends[0]), float(ends[1]), "bootstrap"))
    return tuple(out)


def _measure(name: str, matrices: IntArray) -> FloatArray:
    """Return a measure of each of many transition matrices (b, K, K)."""
    index = np.arange(matrices.shape[1])
    step = index[None, :] - index[:, None]
    weight = {
        "moved": step != 0, "up": step > 0, "down": step < 0, "mean_change": step,
        "kappa_linear": np.abs(step), "kappa_quadratic": step**2,
    }[name].astype(float)  # fmt: skip
    total = matrices.sum(axis=(1, 2)).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (matrices * weight).sum(axis=(1, 2)) / total
        if not name.startswith("kappa"):
            return np.asarray(mean, dtype=float)
        # Weighted κ as in :func:`calib.outcomes.star_differences.weighted_kappa`, many at once.
        before, after = matrices.sum(axis=2) / total[:, None], matrices.sum(axis=1) / total[:, None]
        chance = np.einsum("bi,ij,bj->b", before, weight, after)
        return np.where(chance > 0, 1 - mean / chance, np.nan)
