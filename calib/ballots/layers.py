"""Separated surveys: the layers of items in which a maximum exists, and the supremum they give.

Where some items were taken whenever one of them was free, the likelihood grows without bound as
they are lifted above the others. In the limit every choice is made within the highest layer that
still has a free item, so that the supremum is the sum of the maxima within the layers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray
from calib.ballots.newton import Point, climb
from calib.errors import ConvergenceError
from calib.words import message

__all__ = ["RANGE", "STEP", "Contest", "Layers", "layers", "leading"]

STEP = 1e-5  # Newton is quadratic: after a step this small the error is near 1e-10
RANGE = 15.0  # log-worths this far apart raise the question whether a maximum exists
_TIGHT = 1e-9  # of the total weight: offers and wins that differ by less are the same
_WEAK = 1e-4  # precision of a prior that only keeps the order of separated items findable


@dataclass(frozen=True, slots=True)
class Contest:
    """Choices between candidates: items, or groups of items that share one worth.

    Parameters
    ----------
    counts : (M,) weight of the choices made from each set
    free : (M, G) how many items of each candidate are free in the set
    wins : (G,) weight of the choices that each candidate won
    """

    counts: FloatArray
    free: FloatArray
    wins: FloatArray

    def point(self, theta: FloatArray) -> Point:
        """Return the log-likelihood and its derivatives."""
        shift = float(theta.max())
        w = np.exp(theta - shift)
        d = self.free @ w
        value = float(self.wins @ (theta - shift)) - float(self.counts @ np.log(d))
        p = self.free * w / d[:, None]
        expected = self.counts @ p
        information = np.diag(expected) - (p * self.counts[:, None]).T @ p
        return Point(value, self.wins - expected, information)


@dataclass(frozen=True, slots=True)
class Layers:
    """The supremum of a log-likelihood, and the candidates by layer.

    Parameters
    ----------
    supremum : supremum of the log-likelihood
    members : positions of the candidates of each layer, higher ones before those that they
        beat; one layer means that the maximum exists
    """

    supremum: float
    members: tuple[IntArray, ...]


def leading(counts: FloatArray, free: BoolArray, wins: FloatArray, theta: FloatArray) -> int:
    """Return how many of the best candidates were never passed over; 0 if there is no such cut.

    Parameters
    ----------
    counts, free, wins : the choices, as in :class:`Contest`
    theta : (G,) log-worths, whose order proposes the cuts

    Notes
    -----
    The first m candidates stand above the rest exactly when they won every choice in which one
    of them was free.
    """
    order = np.argsort(-theta, kind="stable")
    first = np.where(free.any(axis=1), free[:, order].argmax(axis=1), order.size)
    offered = np.cumsum(np.bincount(first, counts, minlength=order.size + 1))[: order.size - 1]
    tight = offered - np.cumsum(wins[order])[:-1] <= _TIGHT * float(counts.sum())
    return int(np.flatnonzero(tight)[0]) + 1 if tight.any() else 0


def layers(contest: Contest) -> Layers:
    """Split the candidates into layers and add up the maxima within them."""
    value, members = _split(contest, np.arange(contest.wins.size))
    return Layers(value, tuple(members))


def _split(contest: Contest, items: IntArray) -> tuple[float, list[IntArray]]:
    """Return supremum and layers of the contest among ``items``, its candidates' positions."""
    real = (contest.free > 0).sum(axis=1) > 1
    sole = contest.free[~real]
    value = -float(contest.counts[~real] @ np.log(np.maximum(sole.sum(axis=1), 1.0)))
    certain = contest.counts[~real] @ (sole > 0)
    total = float(contest.counts.sum())
    contest = Contest(contest.counts[real], contest.free[real], contest.wins - certain)
    if items.size < 2 or not real.any():
        return value, [items[j : j + 1] for j in range(items.size)]
    live = contest.wins > _TIGHT * total
    upper = live if not live.all() else _component(contest)
    if upper.all():
        ascent = _climb(contest)
        if ascent is not None:
            return value + ascent, [items]
        upper = _cut(contest)
    members: list[IntArray] = []
    above = (contest.free[:, upper] > 0).any(axis=1)
    for part, rows in ((upper, above), (~upper, ~above)):
        inner = Contest(contest.counts[rows], contest.free[rows][:, part], contest.wins[part])
        more, found = _split(inner, items[part])
        value += more
        members += found
    return value, members


def _component(contest: Contest) -> BoolArray:
    """Return the candidates that the first one was weighed against, directly or through others."""
    free = (contest.free > 0).astype(float)
    together = free.T @ free > 0
    found = np.zeros(together.shape[0], dtype=bool)
    found[0] = True
    while True:
        wider = found | together[found].any(axis=0)
        if (wider == found).all():
            return found
        found = wider


def _climb(contest: Contest) -> float | None:
    """Return the maximum of the log-likelihood, or None where the candidates are separated."""

    def halt(theta: FloatArray, point: Point, gain: float) -> bool:
        return float(np.ptp(theta)) > RANGE and _leading(contest, theta) > 0

    ascent = climb(contest.point, np.zeros(contest.wins.size), close=STEP, halt=halt)
    return ascent.point.value if ascent.converged else None


def _leading(contest: Contest, theta: FloatArray) -> int:
    return leading(contest.counts, contest.free > 0, contest.wins, theta)


def _cut(contest: Contest) -> BoolArray:
    """Return the candidates that stand above the rest, by the order of a weakly shrunken fit.

    Under a prior that weak the worth of a candidate below a cut is a small fraction of any
    above it, so that the order shows every cut there is.
    """
    eye = _WEAK * np.eye(contest.wins.size)

    def shrunken(theta: FloatArray) -> Point:
        point = contest.point(theta)
        value = point.value - 0.5 * _WEAK * float(theta @ theta)
        return Point(value, point.gradient - _WEAK * theta, point.curvature + eye)

    theta = climb(shrunken, np.zeros(contest.wins.size), close=STEP, most=500).x
    m = _leading(contest, theta)
    if m == 0:
        raise ConvergenceError(message("ballots.input.not_converged"))
    upper = np.zeros(theta.size, dtype=bool)
    upper[np.argsort(-theta, kind="stable")[:m]] = True
    return upper
