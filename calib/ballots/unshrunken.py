"""Worths as the ballots alone say them: simultaneous intervals without shrinkage.

Shrinkage towards equal worth makes items look equal, so that no verdict on equality may rest on it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import FloatArray
from calib.ballots.data import Ballots
from calib.ballots.likelihood import worths
from calib.ballots.plackett import NoMaximumError, PlackettLuce, fit_ml
from calib.ballots.robust import cluster_index, effective_table, sandwich
from calib.ballots.shares import few_totals, first_shares, simultaneous_z
from calib.errors import ConvergenceError
from calib.rating.kernel import single_threaded_blas

__all__ = ["WorthIntervals", "worth_intervals"]


@dataclass(frozen=True, slots=True)
class WorthIntervals:
    """Unshrunken worths with intervals that hold for all items at once.

    Parameters
    ----------
    items : (J,) codes
    worth : (J,) worths, summing to 1: maximum likelihood, or the shares of first choices where
        the likelihood has no finite maximum
    lower, upper : (J,) simultaneous intervals
    level : their coverage
    finite : whether the likelihood has a finite maximum
    never : codes of the items that nobody chose, in whose way a finite maximum does not exist
    above, below : codes of items that stand above, and below, each other on every ballot, in
        whose way it does not exist
    size : effective number of ballots
    n : number of ballots
    """

    items: tuple[str, ...]
    worth: FloatArray
    lower: FloatArray
    upper: FloatArray
    level: float
    finite: bool
    never: tuple[str, ...]
    above: tuple[str, ...]
    below: tuple[str, ...]
    size: float
    n: int


@single_threaded_blas()
def worth_intervals(ballots: Ballots, *, level: float = 0.95) -> WorthIntervals:
    """Estimate worths without shrinkage, with simultaneous intervals.

    Parameters
    ----------
    ballots : the ballots
    level : simultaneous coverage, in (0, 1)

    Notes
    -----
    Intervals about the maximum-likelihood worths at the point ``z(1 - alpha/2J)``, on the scale
    of ``log w_j / (1 - w_j)``, where they stay within (0, 1). The variance there is the larger
    of two: the model's at the effective number of ballots (Kish's for respondent weights), and
    the sandwich's, which also holds if Plackett-Luce does not. A sandwich of G enterprises is
    widened by the squared ratio of the t quantile (G - 1 df) to the normal one.

    Without a finite maximum (an item that nobody chose, items that stand above others on every
    ballot) there is no such interval. The share of first choices estimates the same worth without
    a fit, and has an exact interval always; it is wider, and an item that is never first has 0
    as its lower end, so that it cannot be shown to be equal.
    """
    from scipy.special import expit

    effective = effective_table(ballots)
    never: tuple[str, ...] = ()
    above: tuple[str, ...] = ()
    below: tuple[str, ...] = ()
    fit: PlackettLuce | None = None
    try:
        fit = fit_ml(effective.table)
    except NoMaximumError as exc:
        above, below = _codes(ballots, exc.upper), _codes(ballots, exc.lower)
    except (ConvergenceError, np.linalg.LinAlgError):
        pass  # as good as no maximum: the likelihood is flat as far as Newton's steps went
    if fit is not None:
        never = _codes(ballots, ~fit.chosen)
    if fit is None or never:
        first = first_shares(ballots, level=level)
        worth, lower, upper = first.share, first.lower, first.upper
    else:
        worth = worths(fit.theta)
        logit = np.log(worth) - np.log1p(-worth)
        half = simultaneous_z(ballots.J, level) * _errors(ballots, fit, effective.size, level)
        lower, upper = expit(logit - half), expit(logit + half)
    return WorthIntervals(
        ballots.items,
        worth,
        lower,
        upper,
        level,
        fit is not None and not never,
        never,
        above,
        below,
        effective.size,
        ballots.n,
    )


def _codes(ballots: Ballots, which: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> tuple[str, ...]:
    return tuple(ballots.items[j] for j in np.flatnonzero(which))


def _errors(ballots: Ballots, fit: PlackettLuce, size: float, level: float) -> FloatArray:
    """Return standard errors of the worths' logits, (J,), from a fit at the effective size."""
    w = worths(fit.theta)
    contrast = (np.eye(ballots.J) - w) / (1.0 - w)[:, None]  # d logit w_j / d theta_l

    def variances(covariance: FloatArray) -> FloatArray:
        return np.asarray(np.einsum("ij,jk,ik->i", contrast, covariance, contrast), dtype=float)

    whole = PlackettLuce(
        fit.theta, fit.covariance * (size / float(ballots.weights.sum())), fit.loglik, 0
    )
    robust = variances(sandwich(ballots, whole))
    clusters = cluster_index(ballots)
    if clusters is not None:
        robust = robust / few_totals(clusters[1], (1.0 - level) / (2.0 * ballots.J))
    return np.sqrt(np.maximum(np.maximum(variances(fit.covariance), robust), 0.0))
