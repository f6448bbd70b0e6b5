"""Shares of a variance: first-order, total and Shapley, from what each group of inputs explains.

Groups of ``d`` inputs are numbered by their bits: bit ``i`` of a number says whether input ``i``
is in the group. ``closed[u]`` is the variance that group ``u`` explains alone, Var(E[Y | u]).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import factorial

import numpy as np

from calib._types import FloatArray

__all__ = [
    "VarianceShares",
    "explained_by_pair",
    "factorial_variances",
    "shapley_errors",
    "shares_of",
]


@dataclass(frozen=True, eq=False)
class VarianceShares:
    """Shares of the variance of ``T`` quantities that come from each of ``d`` inputs.

    Attributes
    ----------
    variance : (T,) of the quantities
    first : (d, T) what an input explains by itself, Var(E[Y | i]) / V
    total : (d, T) what would be left if everything else were known, 1 - Var(E[Y | not i]) / V
    shapley : (d, T) Shapley share: what an input adds to a group, over all orders; sums to 1
    """

    variance: FloatArray
    first: FloatArray
    total: FloatArray
    shapley: FloatArray


def shares_of(closed: FloatArray) -> VarianceShares:
    """Return the shares that follow from the variances explained by groups.

    Parameters
    ----------
    closed : (2^d, T) by group; row 0 is 0, the last row the variance itself

    Notes
    -----
    Where nothing varies, shares are 0.

    References
    ----------
    Sobol', I. M. (1993), Mathematical Modelling and Computational Experiments 1, 407-414.
    Owen, A. B. (2014). Sobol' indices and Shapley value. SIAM/ASA J. Uncertainty Quantification 2.
    """
    groups, targets = closed.shape
    d = groups.bit_length() - 1
    variance = np.asarray(closed[-1], dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(variance > 0, closed / variance, 0.0)
    first, total, shapley = (np.zeros((d, targets)) for _ in range(3))
    for i in range(d):
        others = [j for j in range(d) if j != i]
        first[i] = share[1 << i]
        total[i] = share[-1] - share[(groups - 1) ^ (1 << i)]
        for size in range(d):
            weight = factorial(size) * factorial(d - size - 1) / factorial(d)
            for chosen in combinations(others, size):
                group = sum(1 << j for j in chosen)
                shapley[i] += weight * (share[group | 1 << i] - share[group])
    return VarianceShares(variance, first, total, shapley)


def explained_by_pair(values: FloatArray) -> FloatArray:
    """Estimate the variances explained by groups of independent inputs, by pick and freeze.

    Parameters
    ----------
    values : (2^d, N, T) the quantities at the corners between two independent draws A and B of
        all inputs, N times: in corner ``v`` the inputs whose bit is set are A's, the others B's.
        Or (2^d, N, S, T), under each of the S values that one further input takes, as likely

    Returns
    -------
    (2^d, N, T) by group, or (2^(d+1), N, T) with the further input as the last one: what each
    pair (A, B) tells. Their mean over pairs is unbiased

    Notes
    -----
    Two corners that agree on just the inputs of ``u`` differ by a quantity whose half mean square
    is V - Var(E[Y | u]) (Jansen's estimator); it is averaged over all such pairs of corners. For
    a sum of functions of one input each, the cross products cancel within every pair (A, B), so
    that first-order shares sum to 1 exactly. The further input is not sampled: pairs of its values
    are averaged over, all S of the same value, or all S x S.

    References
    ----------
    Jansen, M. J. W. (1999). Analysis of variance designs for model output. Computer Physics
    Communications 117, 35-43.
    """
    crossed = values.ndim == 4
    if not crossed:
        values = values[:, :, None]
    number = np.arange(len(values))
    mean, square = values.mean(axis=2), (values**2).mean(axis=2)
    same, other = [], []
    for group in range(len(values)):
        rest = number ^ (len(values) - 1) ^ group
        same.append(((values - values[rest]) ** 2).mean(axis=(0, 2)) / 2)
        other.append((square - mean * mean[rest]).mean(axis=0))
    half = np.stack([*other, *same] if crossed else same)
    return np.asarray(half[0] - half, dtype=float)


def shapley_errors(by_pair: FloatArray) -> FloatArray:
    """Return the standard errors (d, T) of Shapley shares from :func:`explained_by_pair`.

    Notes
    -----
    Jackknife over the N pairs of draws: the errors are those of a simulation of this length, not
    of what is known of experts, ballots or enterprises.
    """
    groups, pairs, targets = by_pair.shape
    without = (by_pair.sum(axis=1, keepdims=True) - by_pair) / (pairs - 1)
    shapley = shares_of(without.reshape(groups, -1)).shapley.reshape(-1, pairs, targets)
    return np.asarray(np.sqrt((pairs - 1) * shapley.var(axis=1)), dtype=float)


def factorial_variances(values: FloatArray, factors: int) -> FloatArray:
    """Return the variances explained by groups of factors in a full factorial, exactly.

    Parameters
    ----------
    values : (c_1, …, c_d, T) the quantities at every combination of choices, each as likely
    factors : d

    Returns
    -------
    (2^d, T) by group
    """
    out = []
    for group in range(1 << factors):
        rest = tuple(i for i in range(factors) if not group >> i & 1)
        means = values.mean(axis=rest) if rest else values
        out.append(means.reshape(-1, values.shape[-1]).var(axis=0))
    return np.asarray(out, dtype=float)
