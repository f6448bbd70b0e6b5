"""Empirical-Bayes shrinkage of log-worths towards equal worth."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from calib._types import FloatArray
from calib.ballots.likelihood import (
    Point,
    climb,
    derivatives,
    equal_loglik,
    worth_covariance,
    worths,
)
from calib.ballots.prefix import PrefixTable
from calib.errors import ConvergenceError
from calib.words import message

__all__ = ["SIGMA_MAX", "Marginal", "Shrinkage", "fit_shrunk", "laplace"]

SIGMA_MAX = 5.0  # worths e^5 = 148 times apart at one sd: beyond any survey of importance
_GRID = np.concatenate([[0.0], np.geomspace(0.01, SIGMA_MAX, 32)])
_STEP = 1e-8
_NEGLIGIBLE = 25.0  # a marginal likelihood e^-25 times the largest has no weight
_CHI2_95 = 3.841458820694124  # 95% point of chi-square with one degree of freedom


@dataclass(frozen=True, slots=True)
class Marginal:
    """The penalised mode at one sigma, with Laplace's marginal log-likelihood.

    Parameters
    ----------
    sigma : prior standard deviation of the log-worths
    theta : (J,) mode, summing to 0
    covariance : (J, J) inverse of the penalised information, on the contrasts
    loglik : log-likelihood at the mode, without the prior
    marginal : Laplace's approximation of the log marginal likelihood of sigma
    """

    sigma: float
    theta: FloatArray
    covariance: FloatArray
    loglik: float
    marginal: float


@dataclass(frozen=True, slots=True)
class Shrinkage:
    """Shrunk log-worths with the uncertainty of the shrinkage itself.

    Parameters
    ----------
    theta : (J,) log-worths at ``sigma``, summing to 0; always finite
    covariance : (J, J) covariance of theta, over theta given sigma and over sigma
    loglik : log-likelihood at theta
    sigma : standard deviation of the log-worths that maximises the marginal likelihood
    sigma_interval : values of sigma within 1.92 of the largest log marginal likelihood (95%)
    at_bound : whether sigma stands at its largest allowed value (ballots that nearly all agree)
    grid : marginal fits over a grid of sigma, the first at 0, fine where the likelihood is
    posterior : (len(grid),) weight of each under a uniform prior of sigma on [0, SIGMA_MAX]
    """

    theta: FloatArray
    covariance: FloatArray
    loglik: float
    sigma: float
    sigma_interval: tuple[float, float]
    at_bound: bool
    grid: tuple[Marginal, ...]
    posterior: FloatArray

    @property
    def worth(self) -> FloatArray:
        """Worths, summing to 1, (J,)."""
        return worths(self.theta)

    @property
    def se(self) -> FloatArray:
        """Standard deviations of theta, (J,)."""
        return np.sqrt(np.maximum(np.diag(self.covariance), 0.0))

    @property
    def worth_covariance(self) -> FloatArray:
        """Covariance of the worths by the delta method, (J, J)."""
        return worth_covariance(self.theta, self.covariance)

    def draws_at(self, level: FloatArray, noise: FloatArray) -> FloatArray:
        """Return the draws of worths (k, J) that given randomness leads to.

        Parameters
        ----------
        level : (k,) uniform on [0, 1): which sigma
        noise : (k, J) standard normal: where about the mode of that sigma
        """
        theta = np.zeros(noise.shape)
        which = np.searchsorted(np.cumsum(self.posterior), level, side="right")
        which = np.minimum(which, len(self.grid) - 1)
        for g in np.unique(which):
            rows = which == g
            values, vectors = np.linalg.eigh(self.grid[g].covariance)
            root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
            theta[rows] = self.grid[g].theta + noise[rows] @ root
        return worths(theta)


def fit_shrunk(table: PrefixTable) -> Shrinkage:
    """Fit top-k Plackett-Luce with ``theta_j ~ N(0, sigma^2)``, sigma by marginal likelihood.

    Parameters
    ----------
    table : sufficient statistics; respondent weights of any scale count as Kish's effective number
        of ballots

    Returns
    -------
    Shrinkage
        Defined for every set of ballots, items that nobody chose among them.

    Notes
    -----
    The marginal likelihood of sigma is Laplace's approximation at the penalised mode,
    ``l(theta) - theta'theta / (2 sigma^2) - J log sigma - log det(H + I / sigma^2) / 2``;
    at sigma = 0 it is the likelihood of equal worths; importance sampling gives the same number
    without the approximation. The point estimate is the mode at the best sigma; the
    covariance and the draws also average over sigma, with weights proportional to its marginal
    likelihood, because a survey that says little about sigma must not look sure of it (with
    sigma = 0 all worths are estimated equal, their uncertainty is not 0).

    References
    ----------
    Efron (2010), *Large-Scale Inference*, ch. 1. Kass & Steffey (1989), *JASA* 84, 717-726
    (uncertainty of the second-level parameter).
    """
    table = table.effective()
    fits = _scan(table)
    values = np.full(len(_GRID), -np.inf)
    for g, fit in fits.items():
        values[g] = fit.marginal
    best = _refine(table, fits, int(values.argmax()))
    grid = [fits[g] for g in sorted(fits)]
    posterior = _posterior(values)[sorted(fits)]
    modes = np.array([fit.theta for fit in grid])
    mean = posterior @ modes
    spread = np.einsum("g,gi,gj->ij", posterior, modes - mean, modes - mean)
    within = np.einsum("g,gij->ij", posterior, np.array([fit.covariance for fit in grid]))
    return Shrinkage(
        best.theta,
        within + spread,
        best.loglik,
        best.sigma,
        _interval(table, values, best),
        best.sigma >= 0.99 * SIGMA_MAX,
        tuple(grid),
        posterior,
    )


def laplace(table: PrefixTable, sigma: float, *, start: FloatArray | None = None) -> Marginal:
    """Return the penalised mode and Laplace's log marginal likelihood at one sigma > 0."""
    start = np.zeros(table.J) if start is None else start
    precision = 1.0 / sigma**2
    eye = precision * np.eye(table.J)

    def penalised(theta: FloatArray) -> Point:
        d = derivatives(table, theta)
        value = d.loglik - 0.5 * precision * float(theta @ theta)
        return Point(value, d.score - precision * theta, d.information + eye)

    # A start with a mean of its own would keep it: the steps are contrasts.
    ascent = climb(penalised, start - start.mean(), close=_STEP**0.5)
    if not ascent.converged:
        raise ConvergenceError(message("ballots.input.sigma_not_converged", sigma=sigma))
    theta, hessian = ascent.x, ascent.point.curvature
    _, logdet = np.linalg.slogdet(hessian)
    marginal = ascent.point.value - table.J * np.log(sigma) - 0.5 * float(logdet)
    fitted = ascent.point.value + 0.5 * precision * float(theta @ theta)
    # The mean of theta is not identified: its prior variance is no uncertainty of the worths.
    covariance = np.asarray(np.linalg.inv(hessian) - 1.0 / (precision * table.J), dtype=float)
    return Marginal(sigma, theta, covariance, fitted, float(marginal))


def _at_zero(table: PrefixTable) -> Marginal:
    value = equal_loglik(table)
    zero = np.zeros(table.J)
    return Marginal(0.0, zero, np.zeros((table.J, table.J)), value, value)


def _scan(table: PrefixTable) -> dict[int, Marginal]:
    """Fit over the grid: coarsely everywhere, finely where the marginal likelihood is."""
    fits = {0: _at_zero(table)}
    for g in range(4, len(_GRID), 4):
        fits[g] = laplace(table, float(_GRID[g]), start=fits[g - 4].theta)
    top = max(fit.marginal for fit in fits.values())
    coarse = sorted(fits)
    for left, right in pairwise(coarse):
        if max(fits[left].marginal, fits[right].marginal) > top - _NEGLIGIBLE:
            for g in range(left + 1, right):
                fits[g] = laplace(table, float(_GRID[g]), start=fits[g - 1].theta)
    return fits


def _refine(table: PrefixTable, fits: dict[int, Marginal], best: int) -> Marginal:
    """Sharpen the best sigma of the grid by parabolas through its logarithm."""
    if best in (0, len(_GRID) - 1):
        return fits[best]
    below = fits.get(best - 1) if best > 1 else laplace(table, _GRID[1] / 10)
    above = fits.get(best + 1)
    if below is None or above is None:  # pragma: no cover - the scan is fine about its best
        return fits[best]
    three = [below, fits[best], above]
    for _ in range(20):
        x = np.log([fit.sigma for fit in three])
        y = np.array([fit.marginal for fit in three])
        curve = (x[1] - x[0]) * (y[1] - y[2]) + (x[2] - x[1]) * (y[1] - y[0])
        lean = (x[1] - x[0]) ** 2 * (y[1] - y[2]) - (x[1] - x[2]) ** 2 * (y[1] - y[0])
        if curve <= 0 or abs(lean / curve) < 2e-6:
            break
        vertex = float(x[1] - 0.5 * lean / curve)
        fit = laplace(table, float(np.exp(vertex)), start=three[1].theta)
        left = vertex < x[1]
        if fit.marginal >= three[1].marginal:
            three = [three[0], fit, three[1]] if left else [three[1], fit, three[2]]
        else:
            three = [fit, three[1], three[2]] if left else [three[0], three[1], fit]
    return three[1]


def _posterior(values: FloatArray) -> FloatArray:
    width = np.zeros(len(_GRID))  # trapezium rule for the uniform prior of sigma
    width[1:-1] = (_GRID[2:] - _GRID[:-2]) / 2
    width[0], width[-1] = (_GRID[1] - _GRID[0]) / 2, (_GRID[-1] - _GRID[-2]) / 2
    weight = np.exp(values - values.max()) * width
    return np.asarray(weight / weight.sum(), dtype=float)


def _interval(table: PrefixTable, values: FloatArray, best: Marginal) -> tuple[float, float]:
    """Return the sigmas at which twice the log marginal likelihood falls by 3.84."""
    inside = np.flatnonzero(2.0 * (best.marginal - values) <= _CHI2_95)
    low, high = best.sigma, best.sigma
    below = [g for g in range(len(_GRID)) if _GRID[g] < best.sigma and g not in inside]
    above = [g for g in range(len(_GRID)) if _GRID[g] > best.sigma and g not in inside]
    if best.sigma > 0:
        low = _crossing(table, best, float(_GRID[max(below)])) if below else 0.0
    high = _crossing(table, best, float(_GRID[min(above)])) if above else SIGMA_MAX
    return low, high


def _crossing(table: PrefixTable, best: Marginal, outside: float) -> float:
    """Find by bisection where the interval ends, between the best sigma and one outside it."""
    inside, theta = best.sigma, best.theta
    for _ in range(14):
        middle = (inside + outside) / 2
        fit = laplace(table, middle, start=theta)
        if 2.0 * (best.marginal - fit.marginal) <= _CHI2_95:
            inside = middle
        else:
            outside = middle
    return (inside + outside) / 2
