"""Maximum likelihood for top-k Plackett-Luce: Newton on the table of prefix sets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import BoolArray, FloatArray
from calib.ballots.likelihood import derivatives, loglik, pseudo_inverse, worths
from calib.ballots.prefix import PrefixTable
from calib.errors import CalibError, ConvergenceError

__all__ = [
    "NoMaximumError",
    "PlackettLuce",
    "fit_ml",
    "fit_tied",
    "never_chosen",
    "separated",
    "supremum_loglik",
]

_STEP = 1e-5  # Newton is quadratic: after a step this small the error is near 1e-10
_RANGE = 15.0  # log-worths this far apart raise the question whether a maximum exists
_GAIN = 1e-10
_MAX_STEPS = 200


class NoMaximumError(CalibError):
    """The likelihood has no maximum: some items stand above all others on every ballot."""

    def __init__(self, upper: BoolArray, lower: BoolArray) -> None:
        self.upper, self.lower = upper, lower
        super().__init__(
            "maximum-likelihood worths do not exist: no ballot puts an item at positions "
            f"{np.flatnonzero(lower).tolist()} above an item at positions "
            f"{np.flatnonzero(upper).tolist()}; use the shrinkage estimate"
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


def separated(table: PrefixTable, upper: BoolArray) -> bool:
    """Tell whether no choice ever passed over a free item of ``upper`` for one outside it.

    Notes
    -----
    The likelihood then grows without bound in the direction that lifts ``upper``: the choices
    won by ``upper`` are as many as the choices in which one of it was free.
    """
    offered = 0.0
    for rows, free in table.blocks():
        offered += float(table.counts[rows][free[:, upper].any(axis=1)].sum())
    return bool(offered - table.wins[upper].sum() <= 1e-9 * max(table.total, 1.0))


def fit_ml(table: PrefixTable, *, start: FloatArray | None = None) -> PlackettLuce:
    """Fit top-k Plackett-Luce by maximum likelihood.

    Parameters
    ----------
    table : sufficient statistics
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
    :mod:`calib.ballots.likelihood` for the derivatives.

    References
    ----------
    Plackett (1975), *Appl. Statist.* 24, 193-202. Hunter (2004), *Ann. Statist.* 32, 384-406
    (existence). Fahandar, Hüllermeier & Couso (2017), ICML (top-k ballots).
    """
    absent = never_chosen(table)
    theta = np.where(absent, -np.inf, _first_guess(table) if start is None else start)
    theta[~absent] -= theta[~absent].mean()
    if int((~absent).sum()) == 1:
        return PlackettLuce(theta, np.zeros((table.J, table.J)), loglik(table, theta), 0)
    theta, steps = _newton(table, theta, ~absent, check=True)
    d = derivatives(table, theta)
    covariance = np.zeros((table.J, table.J))
    inner = np.ix_(~absent, ~absent)
    covariance[inner] = pseudo_inverse(d.information[inner])
    return PlackettLuce(theta, covariance, d.loglik, steps)


def _first_guess(table: PrefixTable) -> FloatArray:
    """Return log-worths after one minorisation step from equality: wins over chances."""
    chance = table.wins - derivatives(table, np.zeros(table.J)).score
    chance = np.where(chance > 0, chance, 1.0)  # an item that was never free
    return np.asarray(np.log(np.maximum(table.wins, 0.5) / chance), dtype=float)


def supremum_loglik(table: PrefixTable) -> float:
    """Return the supremum of the log-likelihood, which exists even when its maximum does not."""
    absent = never_chosen(table)
    theta = np.where(absent, -np.inf, _first_guess(table))
    if int((~absent).sum()) > 1:
        theta, _ = _newton(table, theta, ~absent, check=False)
    return loglik(table, theta)


def _newton(
    table: PrefixTable, theta: FloatArray, free: BoolArray, *, check: bool
) -> tuple[FloatArray, int]:
    """Climb to the maximum over the free items; return theta and the number of steps."""
    inner = np.ix_(free, free)
    size = int(free.sum())
    theta = theta.copy()
    d = derivatives(table, theta)
    for count in range(1, _MAX_STEPS + 1):
        information = d.information[inner]
        ridge = np.trace(information) / size**2
        step = np.linalg.solve(information + ridge, d.score[free])
        step -= step.mean()
        far = float(np.abs(step).max())
        step *= min(1.0, 3.0 / far) if far > 0 else 1.0
        trial = theta.copy()
        trial[free] += step
        if far < _STEP:
            return trial, count
        new = derivatives(table, trial)
        while new.loglik < d.loglik - 1e-9 * abs(d.loglik):
            step *= 0.5
            trial[free] = theta[free] + step
            new = derivatives(table, trial)
        gain = new.loglik - d.loglik
        theta, d = trial, new
        if np.ptp(theta[free]) > _RANGE:
            if check:
                _raise_if_separated(table, theta, free)
            elif abs(gain) < _GAIN * max(1.0, abs(d.loglik)):
                return theta, count
    msg = f"Plackett-Luce did not converge in {_MAX_STEPS} Newton steps"
    raise ConvergenceError(msg)


def _raise_if_separated(table: PrefixTable, theta: FloatArray, free: BoolArray) -> None:
    order = np.flatnonzero(free)[np.argsort(-theta[free], kind="stable")]
    gaps = -np.diff(theta[order])
    for cut in np.argsort(-gaps)[:5]:
        if gaps[cut] < 1.0:
            return
        upper = np.zeros(table.J, dtype=bool)
        upper[order[: cut + 1]] = True
        if separated(table, upper):
            raise NoMaximumError(upper, free & ~upper)


def fit_tied(table: PrefixTable, groups: np.ndarray[tuple[int], np.dtype[np.int64]]) -> float:
    """Return the supremum of the log-likelihood when items of one group share a log-worth.

    Parameters
    ----------
    table : sufficient statistics
    groups : (J,) group number of each item, 0 to G - 1

    Notes
    -----
    With it, twice the gain of the free fit tests "equal within every group" (df = J - G).
    """
    design = np.zeros((table.J, int(groups.max()) + 1))
    design[np.arange(table.J), groups] = 1.0
    wins = design.T @ table.wins
    live = wins > 0
    theta = np.where(live[groups], 0.0, -np.inf)
    if int(live.sum()) < 2:
        return loglik(table, theta)
    Z = design[:, live]
    d = derivatives(table, theta)
    for _ in range(_MAX_STEPS):
        information = Z.T @ d.information @ Z
        ridge = np.trace(information) / Z.shape[1] ** 2
        step = np.linalg.solve(information + ridge, Z.T @ d.score)
        far = float(np.abs(step).max())
        step *= min(1.0, 3.0 / far) if far > 0 else 1.0
        new = derivatives(table, theta + Z @ step)
        while new.loglik < d.loglik - 1e-9 * abs(d.loglik):
            step *= 0.5
            new = derivatives(table, theta + Z @ step)
        gain, theta, d = new.loglik - d.loglik, theta + Z @ step, new
        if far < _STEP or (far > 0.5 and abs(gain) < _GAIN * max(1.0, abs(d.loglik))):
            return d.loglik
    msg = f"Plackett-Luce with tied worths did not converge in {_MAX_STEPS} Newton steps"
    raise ConvergenceError(msg)
