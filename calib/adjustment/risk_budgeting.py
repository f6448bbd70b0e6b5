"""Weights under which every indicator has a given share of the variance of the total."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import BoolArray, FloatArray
from calib.errors import ConvergenceError, InputError
from calib.outcomes.dominance.moments import Moments, shrink, shrinkage_intensity, variance_share
from calib.words import message

__all__ = ["RiskBudget", "degenerate_direction", "risk_budget"]


@dataclass(frozen=True, slots=True)
class RiskBudget:
    """Weights with given variance shares.

    Parameters
    ----------
    g : (L,) weights, sum 1
    residual : float
        KKT residual: largest |y_l (Σy)_l - b_l| at the barrier solution y, where g = y / Σy.
    steps : int
        Newton steps.
    shrinkage : float
        How much covariances were scaled down to make the problem solvable; 0 for none.
    kept : (L,) indicators without variance, which kept their starting weight
    shares : (L,) variance shares under ``g`` on the sample's own covariance, however it was solved
    miss : largest difference of a share from its target; about 0 unless covariances were shrunk
    """

    g: FloatArray
    residual: float
    steps: int
    shrinkage: float
    kept: BoolArray
    shares: FloatArray
    miss: float


def risk_budget(
    m: Moments,
    budget: FloatArray,
    *,
    start: FloatArray | None = None,
    shrinkage: float | None = None,
) -> RiskBudget:
    """Find the weights whose variance shares equal a budget.

    Parameters
    ----------
    m : moments of the scores
    budget : (L,) target shares, > 0; scaled to sum to 1 over the indicators that vary
    start : (L,) weights that indicators without variance keep (equal weights by default)
    shrinkage : float in 0..1
        How much to scale covariances down. By default none, unless some non-negative
        combination of indicators has no variance at all: then the data-driven intensity
        of :func:`shrinkage_intensity` (0.01 at least, and where the moments hold no centred
        scores to estimate it from), reported in the result.

    Returns
    -------
    RiskBudget

    Raises
    ------
    InputError
        A budget that is not positive, or no indicator that varies.
    ConvergenceError
        Residual above 1e-10.

    Notes
    -----
    min ½ y'Σy - Σ b_l ln y_l, g = y/Σy (Spinu 2013). Stationarity (Σy)_l = b_l/y_l says that
    y_l (Σy)_l is in proportion to b. The problem is strictly convex and unique where no
    direction d >= 0 has d'Σd = 0. It is solved by damped Newton steps in standardised scores;
    the objective is self-concordant, which gives the step length 1/(1+decrement).
    """
    L = len(budget)
    budget = np.asarray(budget, dtype=float)
    if not (np.isfinite(budget).all() and (budget > 0).all()):
        raise InputError(message("adjustment.fault.shares_positive"))
    scale = np.sqrt(np.maximum(np.diag(m.cov), 0.0))
    live = scale > 0
    if not live.any():
        raise InputError(message("adjustment.fault.nothing_varies_shares"))
    start = np.full(L, 1.0 / L) if start is None else np.asarray(start, dtype=float)
    intensity = _needed_shrinkage(m, live) if shrinkage is None else shrinkage
    cov = shrink(m, intensity).cov if intensity else m.cov
    corr = cov[np.ix_(live, live)] / np.outer(scale[live], scale[live])
    share = budget[live] / budget[live].sum()
    y, residual, steps = _newton(corr, share)
    g = np.zeros(L)
    g[~live] = start[~live]
    part = y / scale[live]
    g[live] = part / part.sum() * (1.0 - g[~live].sum())
    if g[live].sum() <= 0:
        raise InputError(message("adjustment.fault.nothing_to_share"))
    shares = variance_share(g, m).share
    miss = float(np.abs(shares[live] - share).max())
    return RiskBudget(g, residual, steps, float(intensity), ~live, shares, miss)


def degenerate_direction(cov: FloatArray) -> FloatArray | None:
    """Return a non-negative combination of indicators without variance, or None.

    Parameters
    ----------
    cov : (L, L) covariance (or correlation)

    Notes
    -----
    The non-negative point nearest to the null space: min ‖R d‖, Σ d = 1, d >= 0, R'R = cov.
    """
    from scipy.optimize import nnls

    values, vectors = np.linalg.eigh(cov)
    top = float(values[-1])
    if values[0] > 1e-9 * top:
        return None
    root = np.sqrt(np.maximum(values, 0.0) / top)[:, None] * vectors.T
    d, _ = nnls(np.vstack([root, np.ones((1, cov.shape[0]))]), np.append(np.zeros(len(root)), 1.0))
    total = d.sum()
    if total <= 0:
        return None
    d = d / total
    return d if float(np.sum((root @ d) ** 2)) < 1e-9 * float(d @ d) else None


def _needed_shrinkage(m: Moments, live: BoolArray) -> float:
    scale = np.sqrt(np.diag(m.cov)[live])
    corr = m.cov[np.ix_(live, live)] / np.outer(scale, scale)
    if degenerate_direction(corr) is None:
        return 0.0
    return max(0.01, shrinkage_intensity(m)) if m.centred is not None else 0.01


def _newton(corr: FloatArray, b: FloatArray) -> tuple[FloatArray, float, int]:
    """Minimise ½ y'Ry - Σ b ln y; return y, the residual and the number of steps."""
    # The optimum has y'Ry = Σ b = 1; a start of that size is within a few steps.
    y = np.sqrt(b)
    y = y / np.sqrt(max(float(y @ corr @ y), 1e-12))
    residual = np.inf
    for step in range(1, 201):
        gradient = corr @ y - b / y
        residual = float(np.abs(y * gradient).max())
        if residual < 1e-15:
            return y, residual, step
        hessian = corr + np.diag(b / y**2)
        move = np.linalg.solve(hessian, -gradient)
        # Self-concordance constant of -b ln y is 1/sqrt(b): scale the decrement by it.
        decrement = float(np.sqrt(max(-(gradient @ move), 0.0) / b.min()))
        t = 1.0 if decrement < 0.25 else 1.0 / (1.0 + decrement)
        t = _longer_step(corr, b, y, move, t)
        new = y + t * move
        if decrement < 1e-7 and np.array_equal(new, y):
            break
        if decrement < 1e-6:
            after = float(np.abs(new * (corr @ new) - b).max())
            if after >= residual:
                break
        y = new
    if residual > 1e-10:
        raise ConvergenceError(message("adjustment.fault.residual", residual=f"{residual:.1e}"))
    return y, residual, step


def _longer_step(
    corr: FloatArray, b: FloatArray, y: FloatArray, move: FloatArray, safe: float
) -> float:
    """Take a longer step than the guaranteed one where it lowers the objective more."""

    def height(t: float) -> float:
        point = y + t * move
        if (point <= 0).any():
            return np.inf
        return float(0.5 * point @ corr @ point - b @ np.log(point))

    best, value = safe, height(safe)
    for t in (1.0, 0.5, 0.25):
        if t > safe and height(t) < value:
            best, value = t, height(t)
    return best
