"""Maximum likelihood for top-k Plackett-Luce, and the layers of separated surveys.

Where some items were taken whenever one of them was free, the likelihood grows without bound as
they are lifted above the others. In the limit every choice is made within the highest layer that
still has a free item, so that the supremum is the sum of the maxima within the layers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray
from calib.ballots.likelihood import (
    Ascent,
    Point,
    climb,
    derivatives,
    equal_loglik,
    loglik,
    pseudo_inverse,
    worth_covariance,
    worths,
)
from calib.ballots.prefix import PrefixTable
from calib.errors import CalibError, ConvergenceError
from calib.words import message

__all__ = [
    "RANGE",
    "STEP",
    "Contest",
    "Layers",
    "NoMaximumError",
    "PlackettLuce",
    "fit_ml",
    "fit_tied",
    "layers",
    "leading",
    "never_chosen",
    "supremum_loglik",
]

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
        return float(np.ptp(theta)) > RANGE and _leading_candidates(contest, theta) > 0

    ascent = climb(contest.point, np.zeros(contest.wins.size), close=STEP, halt=halt)
    return ascent.point.value if ascent.converged else None


def _leading_candidates(contest: Contest, theta: FloatArray) -> int:
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
    m = _leading_candidates(contest, theta)
    if m == 0:
        raise ConvergenceError(message("ballots.input.not_converged"))
    upper = np.zeros(theta.size, dtype=bool)
    upper[np.argsort(-theta, kind="stable")[:m]] = True
    return upper


class NoMaximumError(CalibError):
    """The likelihood has no maximum: some items stand above all others on every ballot."""

    def __init__(self, upper: BoolArray, lower: BoolArray) -> None:
        self.upper, self.lower = upper, lower
        super().__init__(
            message(
                "ballots.input.no_maximum",
                lower=np.flatnonzero(lower).tolist(),
                upper=np.flatnonzero(upper).tolist(),
            )
        )


@dataclass(frozen=True, slots=True)
class PlackettLuce:
    """A fitted top-k Plackett-Luce model.

    Parameters
    ----------
    theta : (J,) log-worths; the finite ones sum to 0; -inf for an item that was never chosen
    covariance : (J, J) covariance of theta under that constraint; rows of items that were never
        chosen are 0 (see ``se``, which is inf there)
    loglik : log-likelihood at theta
    iterations : Newton steps taken
    """

    theta: FloatArray
    covariance: FloatArray
    loglik: float
    iterations: int

    @property
    def worth(self) -> FloatArray:
        """Worths, summing to 1, (J,)."""
        return worths(self.theta)

    @property
    def chosen(self) -> BoolArray:
        """Which items have a finite log-worth, (J,)."""
        return np.isfinite(self.theta)

    @property
    def se(self) -> FloatArray:
        """Standard errors of theta (finite ones sum to 0), (J,); inf where theta is -inf."""
        variance = np.maximum(np.diag(self.covariance), 0.0)
        return np.where(self.chosen, np.sqrt(variance), np.inf)

    @property
    def worth_covariance(self) -> FloatArray:
        """Covariance of the worths by the delta method, (J, J)."""
        return worth_covariance(self.theta, self.covariance)


def never_chosen(table: PrefixTable) -> BoolArray:
    """Return which items were never chosen over another one, (J,)."""
    return table.wins <= 0


def fit_ml(table: PrefixTable, *, start: FloatArray | None = None) -> PlackettLuce:
    """Fit top-k Plackett-Luce by maximum likelihood.

    Parameters
    ----------
    table : sufficient statistics; respondent weights of any scale
    start : (J,) log-worths to start from; equal by default

    Returns
    -------
    PlackettLuce
        Items that were never chosen get ``theta = -inf``, worth 0, which is where the likelihood
        has its supremum; they do not disturb the others.

    Raises
    ------
    NoMaximumError
        If some chosen items stand above other chosen ones wherever they meet.
    ConvergenceError
        If Newton's method fails otherwise.

    Notes
    -----
    Newton-Raphson with step halving on the concave log-likelihood; see
    :mod:`calib.ballots.likelihood` for the derivatives. Log-likelihood and covariance are those
    of weights that sum to Kish's effective number of ballots, whatever scale they came in.

    References
    ----------
    Plackett (1975), *Appl. Statist.* 24, 193-202. Hunter (2004), *Ann. Statist.* 32, 384-406
    (existence). Fahandar, Hüllermeier & Couso (2017), ICML (top-k ballots).
    """
    table = table.effective()
    absent = never_chosen(table)
    theta = np.where(absent, -np.inf, _first_guess(table) if start is None else start)
    theta[~absent] -= theta[~absent].mean()
    covariance = np.zeros((table.J, table.J))
    if int((~absent).sum()) == 1:
        return PlackettLuce(theta, covariance, loglik(table, theta), 0)
    ascent = _newton(table, theta, ~absent)
    theta[~absent] = ascent.x
    if not ascent.converged:
        _raise_where_separated(table, theta, ~absent)
    inner = np.ix_(~absent, ~absent)
    covariance[inner] = pseudo_inverse(ascent.point.curvature)
    return PlackettLuce(theta, covariance, ascent.point.value, ascent.steps)


def _first_guess(table: PrefixTable) -> FloatArray:
    """Return log-worths after one minorisation step from equality: wins over chances."""
    chance = table.wins - derivatives(table, np.zeros(table.J)).score
    chance = np.where(chance > 0, chance, 1.0)  # an item that was never free
    return np.asarray(np.log(np.maximum(table.wins, 0.5) / chance), dtype=float)


def supremum_loglik(table: PrefixTable) -> float:
    """Return the supremum of the log-likelihood, which exists even when its maximum does not."""
    scaled = table.effective()
    factor = scaled.total / table.total
    absent = never_chosen(scaled)
    theta = np.where(absent, -np.inf, _first_guess(scaled))
    if int((~absent).sum()) < 2:
        return loglik(scaled, theta) / factor
    ascent = _newton(scaled, theta, ~absent)
    if ascent.converged:
        return ascent.point.value / factor
    return _layers(scaled, np.arange(table.J)).supremum / factor


def _newton(table: PrefixTable, theta: FloatArray, free: BoolArray) -> Ascent:
    """Climb to the maximum over the free items; stop where they are found to be separated."""
    inner = np.ix_(free, free)
    whole = theta.copy()

    def objective(x: FloatArray) -> Point:
        whole[free] = x
        d = derivatives(table, whole)
        return Point(d.loglik, d.score[free], d.information[inner])

    def halt(x: FloatArray, point: Point, gain: float) -> bool:
        return float(np.ptp(x)) > RANGE and _leading(table, x, free) > 0

    return climb(objective, theta[free], close=STEP, halt=halt)


def _leading(table: PrefixTable, x: FloatArray, items: BoolArray) -> int:
    free = table.available()[:, items] > 0
    return leading(table.counts, free, table.wins[items], x)


def _layers(table: PrefixTable, groups: IntArray) -> Layers:
    design = np.zeros((table.J, int(groups.max()) + 1))
    design[np.arange(table.J), groups] = 1.0
    return layers(Contest(table.counts, table.available() @ design, design.T @ table.wins))


def _raise_where_separated(table: PrefixTable, theta: FloatArray, free: BoolArray) -> None:
    m = _leading(table, theta[free], free)
    order = np.flatnonzero(free)[np.argsort(-theta[free], kind="stable")]
    upper = np.zeros(table.J, dtype=bool)
    upper[order[:m]] = True
    if m == 0:
        upper[_layers(table, np.arange(table.J)).members[0]] = True
    raise NoMaximumError(upper, free & ~upper)


def fit_tied(table: PrefixTable, groups: IntArray) -> float:
    """Return the supremum of the log-likelihood when items of one group share a log-worth.

    Parameters
    ----------
    table : sufficient statistics
    groups : (J,) group number of each item, 0 to G - 1

    Notes
    -----
    With it, twice the gain of the free fit tests "equal within every group" (df = J - G).
    """
    G = int(groups.max()) + 1
    if G == 1:
        return equal_loglik(table)
    scaled = table.effective()
    factor = scaled.total / table.total
    design = np.zeros((table.J, G))
    design[np.arange(table.J), groups] = 1.0
    if (design.T @ scaled.wins <= 0).any():  # a group that nobody chose
        return _layers(scaled, groups).supremum / factor

    def objective(x: FloatArray) -> Point:
        d = derivatives(scaled, design @ x)
        return Point(d.loglik, design.T @ d.score, design.T @ d.information @ design)

    def halt(x: FloatArray, point: Point, gain: float) -> bool:
        return float(np.ptp(x)) > RANGE

    ascent = climb(objective, np.zeros(G), close=STEP, halt=halt)
    if ascent.converged:
        return ascent.point.value / factor
    return _layers(scaled, groups).supremum / factor
