"""Quasi-variances: one number an item from which every comparison's error follows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import BoolArray, FloatArray

__all__ = ["QuasiVariances", "quasi_variances"]

_NONE = 1e-12  # a variance below this share of the largest is rounding


@dataclass(frozen=True, slots=True)
class QuasiVariances:
    """Quasi-variances of a set of estimates.

    Parameters
    ----------
    variances : (J,) quasi-variances q with ``q_i + q_j`` close to the variance of the difference
        of estimates i and j; inf for items left out; NaN where there are none: a
        difference shows no variance at all (robust errors of few enterprises), or no numbers
        come closest. One of them can be
        negative (a known property), though no sum of two is
    worst_error : largest relative error of a comparison's standard error computed from them
    """

    variances: FloatArray
    worst_error: float


def quasi_variances(covariance: FloatArray, keep: BoolArray | None = None) -> QuasiVariances:
    """Return quasi-variances of log-worths.

    Parameters
    ----------
    covariance : (J, J) covariance of the log-worths, under any constraint
    keep : (J,) items to include, those with a finite log-worth; all by default

    Notes
    -----
    Minimises ``sum_{i<j} (log(q_i + q_j) - log V_ij)^2`` over q by Gauss-Newton, where ``V_ij`` is
    the variance of the difference.

    References
    ----------
    Firth & de Menezes (2004), *Biometrika* 91, 65-80.
    """
    J = len(covariance)
    items = np.arange(J) if keep is None else np.flatnonzero(keep)
    out = np.full(J, np.inf)
    if items.size < 2:
        return QuasiVariances(out, 0.0)
    v = np.diag(covariance)
    first, second = np.triu_indices(items.size, 1)
    a, b = items[first], items[second]
    target = v[a] + v[b] - 2.0 * covariance[a, b]
    if float(target.min()) <= _NONE * float(target.max()):
        out[items] = np.nan
        return QuasiVariances(out, float("nan"))
    if items.size == 2:
        out[items] = target[0] / 2.0
        return QuasiVariances(out, 0.0)
    q = _gauss_newton(first, second, target, items.size)
    if q is None:
        out[items] = np.nan
        return QuasiVariances(out, float("nan"))
    out[items] = q
    ratio = np.sqrt((q[first] + q[second]) / target)
    return QuasiVariances(out, float(np.abs(ratio - 1.0).max()))


def _gauss_newton(
    first: np.ndarray[tuple[int], np.dtype[np.intp]],
    second: np.ndarray[tuple[int], np.dtype[np.intp]],
    target: FloatArray,
    size: int,
) -> FloatArray | None:
    """Return the least-squares quasi-variances; None where the misfit has no minimum in reach."""
    design = np.zeros((first.size, size))
    rows = np.arange(first.size)
    design[rows, first] = design[rows, second] = 1.0
    q: FloatArray = np.full(size, float(np.median(target)) / 2.0)
    log_target = np.log(target)

    def misfit(q: FloatArray) -> float:
        total = design @ q
        return float(((np.log(total) - log_target) ** 2).sum()) if (total > 0).all() else np.inf

    value = misfit(q)
    for _ in range(500):
        total = design @ q
        step = np.linalg.lstsq(design / total[:, None], log_target - np.log(total), rcond=None)[0]
        length = 1.0
        while misfit(q + length * step) > value * (1 + 1e-12) + 1e-300 and length > 1e-10:
            length *= 0.5
        q = np.asarray(q + length * step, dtype=float)
        value = misfit(q)
        if float(np.abs(length * step).max()) < 1e-10 * float(np.abs(q).max()):
            return q
        if length <= 1e-10:  # no descent left: the minimum within rounding
            return q
    return None
