"""The top-k Plackett-Luce likelihood on prefix tables, and the damped Newton ascent of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from calib._types import BoolArray, FloatArray
from calib.ballots.prefix import PrefixTable
from calib.ballots.survey import Ballots

__all__ = [
    "Ascent",
    "Derivatives",
    "Point",
    "SavagePoints",
    "ballot_loglik",
    "ballot_scores",
    "climb",
    "derivatives",
    "equal_loglik",
    "loglik",
    "pseudo_inverse",
    "savage_points",
    "worth_covariance",
    "worths",
]

_LONGEST = 3.0  # a step in log-worths longer than this leaves the region a parabola describes
_SHORTEST = 1e-12
_SLACK = 1e-9  # a fall of the value within rounding is no fall


@dataclass(frozen=True, slots=True)
class Point:
    """A concave function at one place: value, gradient (p,) and minus its Hessian (p, p)."""

    value: float
    gradient: FloatArray
    curvature: FloatArray


@dataclass(frozen=True, slots=True)
class Ascent:
    """Where an ascent ended.

    Parameters
    ----------
    x : (p,) place
    point : the function there
    steps : Newton steps taken
    converged : whether the last full step was shorter than asked; else ``halt`` stopped it, the
        curvature became singular, or the steps ran out
    """

    x: FloatArray
    point: Point
    steps: int
    converged: bool


def climb(
    objective: Callable[[FloatArray], Point],
    start: FloatArray,
    *,
    close: float,
    most: int = 200,
    halt: Callable[[FloatArray, Point, float], bool] | None = None,
) -> Ascent:
    """Climb to the maximum of a concave function of log-worths, over the contrasts.

    Parameters
    ----------
    objective : returns the function at a place; (1, ..., 1) is an eigenvector of its Hessian
    start : (p,) where to begin; the mean stays what it is here
    close : the largest entry of a full Newton step at which the place is good enough. Newton is
        quadratic: after a step of 1e-5 the error is near 1e-10
    most : steps at most
    halt : called with place, point and the last gain after each step; true ends the ascent

    Notes
    -----
    Steps are cut to a length of 3, and halved while the value falls.
    """
    x, point = start, objective(start)
    size = x.size
    for count in range(1, most + 1):
        ridge = np.trace(point.curvature) / size**2  # gives the direction (1, ..., 1) a curvature
        try:
            move = np.linalg.solve(point.curvature + ridge, point.gradient)
        except np.linalg.LinAlgError:
            return Ascent(x, point, count, converged=False)
        move -= move.mean()
        far = float(np.abs(move).max())
        if not np.isfinite(far):
            return Ascent(x, point, count, converged=False)
        move *= min(1.0, _LONGEST / far) if far > 0 else 1.0
        new = objective(x + move)
        while new.value < point.value - _SLACK * (1.0 + abs(point.value)):
            move *= 0.5
            if float(np.abs(move).max()) < _SHORTEST:
                return Ascent(x, point, count, converged=False)
            new = objective(x + move)
        gain = new.value - point.value
        x, point = x + move, new
        if far < close:
            return Ascent(x, point, count, converged=True)
        if halt is not None and halt(x, point, gain):
            break
    return Ascent(x, point, count, converged=False)


_CHUNK = 50_000


@dataclass(frozen=True, slots=True)
class Derivatives:
    """Log-likelihood with its score (J,) and information (J, J) at one theta."""

    loglik: float
    score: FloatArray
    information: FloatArray


def worths(theta: FloatArray) -> FloatArray:
    """Return worths that sum to 1 from log-worths, (..., J); a log-worth of -inf gives 0."""
    shifted = np.exp(theta - np.max(theta, axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True), dtype=float)


def worth_covariance(theta: FloatArray, covariance: FloatArray) -> FloatArray:
    """Return the covariance of worths (J, J) from that of log-worths, by the delta method."""
    w = worths(theta)
    jacobian = np.diag(w) - np.outer(w, w)
    return np.asarray(jacobian @ covariance @ jacobian, dtype=float)


def loglik(table: PrefixTable, theta: FloatArray) -> float:
    """Return the log-likelihood of top-k Plackett-Luce.

    Parameters
    ----------
    table : sufficient statistics
    theta : (J,) log-worths; -inf is allowed for an item that nobody chose

    Notes
    -----
    ``l = sum_j wins_j theta_j - sum_S count_S log(sum_{j not in S} exp(theta_j))``.
    """
    shift = float(np.max(theta))
    w = np.exp(theta - shift)
    finite = np.isfinite(theta)
    total = float(table.wins[finite] @ (theta[finite] - shift))
    choices = table.choices
    d = None if choices is None else choices.denominators(w, table.cells)
    if d is not None:
        return total - float(table.counts @ np.log(d))
    for rows, free in table.blocks():
        total -= float(table.counts[rows] @ np.log(free @ w))
    return total


def equal_loglik(table: PrefixTable) -> float:
    """Return the log-likelihood when all items have the same worth."""
    return -float(table.counts @ np.log(table.J - table.stages))


def derivatives(table: PrefixTable, theta: FloatArray) -> Derivatives:
    """Return log-likelihood, score and information at finite log-worths.

    Parameters
    ----------
    table : sufficient statistics
    theta : (J,) log-worths; -inf leaves an item out of every choice

    Notes
    -----
    With ``d_S = sum_{j not in S} w_j``: score ``wins_j - w_j sum_S count_S [j not in S] / d_S``;
    information ``diag(w a) - sum_S count_S p_S p_S'`` where ``p_S = w [not in S] / d_S``.
    """
    shift = float(np.max(theta))
    w = np.exp(theta - shift)
    finite = np.isfinite(theta)
    value = float(table.wins[finite] @ (theta[finite] - shift))
    choices = table.choices
    d = None if choices is None else choices.denominators(w, table.cells)
    if choices is not None and d is not None:
        value -= float(table.counts @ np.log(d))
        expected = w * choices.free_sums(table.counts / d)
        cross = choices.free_products(table.counts / d**2)
        information = np.diag(expected) - cross * np.outer(w, w)
        return Derivatives(value, np.where(finite, table.wins - expected, 0.0), information)
    pull = np.zeros(table.J)
    cross = np.zeros((table.J, table.J))
    for rows, free in table.blocks():
        count = table.counts[rows]
        d = free @ w
        value -= float(count @ np.log(d))
        pull += (count / d) @ free
        free *= (np.sqrt(count) / d)[:, None]
        cross += free.T @ free
    expected = w * pull
    information = np.diag(expected) - cross * np.outer(w, w)
    return Derivatives(value, np.where(finite, table.wins - expected, 0.0), information)


def pseudo_inverse(information: FloatArray) -> FloatArray:
    """Invert an information matrix on the contrasts: the covariance of theta with sum zero.

    Parameters
    ----------
    information : (..., J, J) symmetric, rows summing to zero, else positive definite
    """
    J = information.shape[-1]
    scale = np.trace(information, axis1=-2, axis2=-1)[..., None, None] / J**2
    ones = np.ones((J, J))
    # The direction (1, ..., 1) carries no information; give it some, then take it away again.
    inverse = np.linalg.inv(information + scale * ones)
    return np.asarray(inverse - ones / (scale * J**2), dtype=float)


def ballot_loglik(ballots: Ballots, theta: FloatArray) -> FloatArray:
    """Return the log-likelihood of each single ballot, (n,), weights left aside."""
    w = np.exp(theta - np.max(theta))
    out = np.zeros(ballots.n)
    for start in range(0, ballots.n, _CHUNK):
        picks = ballots.picks[start : start + _CHUNK]
        rows = np.arange(len(picks))
        free = np.ones((len(picks), ballots.J), dtype=bool)
        for s in range(min(ballots.K, ballots.J - 1)):
            on = picks[:, s] >= 0
            chosen = np.where(on, picks[:, s], 0)
            choice = np.where(on, w[chosen] / (free @ w), 1.0)
            out[start : start + _CHUNK] += np.log(choice)
            free[rows[on], chosen[on]] = False
    return out


def ballot_scores(ballots: Ballots, theta: FloatArray, keep: BoolArray | None = None) -> FloatArray:
    """Return the score of each single ballot, (n, J), weights left aside.

    Parameters
    ----------
    ballots : the ballots
    theta : (J,) log-worths
    keep : (n,) rows wanted; all by default

    Notes
    -----
    With ``d_s`` the worth still free at rank s, an item listed at rank r scores
    ``1 - w sum_{s<=r} 1/d_s`` and an unlisted one ``-w sum_s 1/d_s``.
    """
    picks = ballots.picks if keep is None else ballots.picks[keep]
    J, stages = ballots.J, min(ballots.K, ballots.J - 1)
    on = picks >= 0
    item = np.where(on, picks, J).astype(np.int64)  # column J takes what is blank
    w = np.append(np.exp(theta - np.max(theta)), 0.0)
    free = np.ones((len(picks), J + 1))
    np.put_along_axis(free, item, 0.0, axis=1)
    own = w[item]
    # Summed from the last rank up: what is left of nearly all worth must not be a difference.
    left = (free @ w)[:, None] + np.cumsum(own[:, ::-1], axis=1)[:, ::-1]
    chosen = on[:, :stages]
    lost = np.cumsum(np.where(chosen, 1.0 / np.where(chosen, left[:, :stages], 1.0), 0.0), axis=1)
    scores = -lost[:, -1:] * w
    rank = np.arange(picks.shape[1])
    won = (rank < stages) - own * lost[:, np.minimum(rank, stages - 1)]
    np.put_along_axis(scores, item, won, axis=1)
    return np.asarray(scores[:, :J], dtype=float)


@dataclass(frozen=True, slots=True)
class SavagePoints:
    """Savage scores of ballots by length k and rank s (0-based).

    Parameters
    ----------
    listed : (K + 1, K) score of the item at rank s of a ballot of k, less that of an unlisted one
    unlisted : (K + 1,) score of an unlisted item
    variance : (K + 1,) scale of the score's covariance ``variance (I - 11'/J)``
    """

    listed: FloatArray
    unlisted: FloatArray
    variance: FloatArray


def savage_points(J: int, K: int) -> SavagePoints:
    """Return Savage scores for ballots of up to K picks from J items."""
    stages = np.arange(min(K, J - 1))
    lost = np.concatenate([[0.0], np.cumsum(1.0 / (J - stages))])
    var = np.concatenate([[0.0], np.cumsum((1.0 - 1.0 / (J - stages)) / (J - 1))])
    upto = np.minimum(np.arange(K + 1), J - 1)  # the choice from one item says nothing
    rank = np.arange(K)
    own = (rank < J - 1).astype(float) - lost[np.minimum(rank + 1, J - 1)]
    listed = np.where(rank < np.arange(K + 1)[:, None], own + lost[upto][:, None], 0.0)
    return SavagePoints(listed, -lost[upto], var[upto])
