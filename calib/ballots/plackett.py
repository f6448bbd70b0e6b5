"""Maximum likelihood for top-k Plackett-Luce: Newton on the table of prefix sets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray
from calib.ballots.layers import RANGE, STEP, Contest, Layers, layers, leading
from calib.ballots.likelihood import derivatives, equal_loglik, loglik, pseudo_inverse, worths
from calib.ballots.newton import Ascent, Point, climb
from calib.ballots.prefix import PrefixTable
from calib.errors import CalibError
from calib.words import message

__all__ = [
    "NoMaximumError",
    "PlackettLuce",
    "fit_ml",
    "fit_tied",
    "never_chosen",
    "supremum_loglik",
]


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
        w = self.worth
        jacobian = np.diag(w) - np.outer(w, w)
        return np.asarray(jacobian @ self.covariance @ jacobian, dtype=float)

    def se_against(self, item: int) -> FloatArray:
        """Return standard errors of ``theta_j - theta_item``, (J,)."""
        v = np.diag(self.covariance)
        difference = np.maximum(v + v[item] - 2 * self.covariance[item], 0.0)
        known = self.chosen & self.chosen[item]
        known[item] = True
        return np.where(known, np.sqrt(difference), np.inf)


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
