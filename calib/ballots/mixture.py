"""Groups of opinion: mixtures of a few Plackett-Luce models, with the choice of their number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import FloatArray, Seed
from calib.ballots.data import Ballots
from calib.ballots.likelihood import ballot_loglik, worths
from calib.ballots.prefix import tabulate
from calib.ballots.reweight import Reweighting
from calib.ballots.shrinkage import laplace
from calib.errors import ConvergenceError, InputError

__all__ = ["Mixture", "MixtureChoice", "choose_mixture", "fit_mixture"]

_SIGMA = 2.0
_MAX_STEPS = 2000


@dataclass(frozen=True, slots=True)
class Mixture:
    """A mixture of G Plackett-Luce models.

    Parameters
    ----------
    share : (G,) share of each group, largest first
    theta : (G, J) log-worths of each group, rows summing to 0
    membership : (n, G) posterior probability of each ballot's group
    loglik : log-likelihood, without the prior
    bic : ``-2 loglik + p log(n)``, p = G J - 1 free numbers
    icl : BIC plus twice the entropy of the memberships: prefers groups that are told apart
    iterations : EM steps of the best start
    """

    share: FloatArray
    theta: FloatArray
    membership: FloatArray
    loglik: float
    bic: float
    icl: float
    iterations: int

    @property
    def worth(self) -> FloatArray:
        """Worths of each group, (G, J)."""
        return worths(self.theta)


@dataclass(frozen=True, slots=True)
class MixtureChoice:
    """Mixtures of 1, 2, ... groups, and which of them BIC prefers."""

    fits: tuple[Mixture, ...]

    @property
    def best(self) -> Mixture:
        """The fit with the smallest BIC."""
        return min(self.fits, key=lambda fit: fit.bic)

    def table(self) -> dict[str, list[float]]:
        """Return number of groups, log-likelihood, BIC and ICL side by side."""
        return {
            "groups": [float(fit.share.size) for fit in self.fits],
            "loglik": [fit.loglik for fit in self.fits],
            "bic": [fit.bic for fit in self.fits],
            "icl": [fit.icl for fit in self.fits],
        }


def choose_mixture(
    ballots: Ballots, largest: int = 4, *, starts: int = 8, rng: Seed = None
) -> MixtureChoice:
    """Fit mixtures of 1 to ``largest`` groups, so that the choice of their number is shown."""
    gen = np.random.default_rng(rng)
    return MixtureChoice(
        tuple(fit_mixture(ballots, G, starts=starts, rng=gen) for G in range(1, largest + 1))
    )


def fit_mixture(
    ballots: Ballots, groups: int, *, starts: int = 8, tolerance: float = 1e-3, rng: Seed = None
) -> Mixture:
    """Fit a mixture of Plackett-Luce models by EM, from several random starts.

    Parameters
    ----------
    ballots : the ballots; weights count as repeated ballots, scaled to sum to n
    groups : number of groups G
    starts : random starts; the one with the highest likelihood is kept
    tolerance : stop when a step gains less penalised log-likelihood than this; BIC differences
        that matter are a thousand times larger

    Notes
    -----
    E step: posterior group probabilities; M step: each group's penalised Newton fit of the
    reweighted prefix table with ``theta ~ N(0, 2^2)``, weak enough to leave groups alone
    and strong enough to keep a group that never picks an item finite.

    References
    ----------
    Gormley & Murphy (2006), *JRSS A* 169, 361-379; Mollica & Tardella (2017), *Psychometrika* 82.
    """
    if not 1 <= groups <= ballots.n:
        msg = f"{groups} groups for {ballots.n} ballots; expected 1 to {ballots.n}"
        raise InputError(msg)
    gen = np.random.default_rng(rng)
    distinct, where, count = _distinct(ballots)
    best: tuple[float, FloatArray, FloatArray, FloatArray, float, int] | None = None
    for _ in range(1 if groups == 1 else starts):
        fit = _em(distinct, count, groups, tolerance, gen)
        if best is None or fit[0] > best[0]:
            best = fit
    if best is None:
        msg = "a mixture needs at least one start"
        raise InputError(msg)
    _, share, theta, posterior, loglik, steps = best
    order = np.argsort(-share, kind="stable")
    share, theta, posterior = share[order], theta[order], posterior[:, order]
    bic = -2.0 * loglik + (groups * ballots.J - 1) * np.log(ballots.n)
    logs = np.log(np.where(posterior > 0, posterior, 1.0))
    entropy = -float(count @ (posterior * logs).sum(axis=1))
    return Mixture(share, theta, posterior[where], loglik, bic, bic + 2 * entropy, steps)


def _distinct(
    ballots: Ballots,
) -> tuple[Ballots, np.ndarray[tuple[int], np.dtype[np.intp]], FloatArray]:
    picks, where = np.unique(ballots.picks, axis=0, return_inverse=True)
    weight = ballots.weights * ballots.n / ballots.weights.sum()
    count = np.bincount(where.ravel(), weight)
    return Ballots(ballots.items, picks), where.ravel(), np.asarray(count, dtype=float)


def _em(
    distinct: Ballots, count: FloatArray, groups: int, tolerance: float, gen: np.random.Generator
) -> tuple[float, FloatArray, FloatArray, FloatArray, float, int]:
    sets = Reweighting(distinct.picks, tabulate(distinct))
    theta = np.zeros((groups, distinct.J))
    posterior = gen.dirichlet(np.full(groups, 0.3), size=distinct.n)
    before = -np.inf
    for step in range(1, _MAX_STEPS + 1):
        weight = posterior * count[:, None]
        share = weight.sum(axis=0) / weight.sum()
        counts, wins = sets.statistics(weight.T)
        for g in range(groups):
            theta[g] = laplace(sets.table(counts[g], wins[g]), _SIGMA, start=theta[g]).theta
        with np.errstate(divide="ignore"):  # an emptied group has share 0
            log_share = np.log(share)
        joint = np.stack([ballot_loglik(distinct, row) for row in theta], axis=1) + log_share
        top = joint.max(axis=1, keepdims=True)
        each = (top + np.log(np.exp(joint - top).sum(axis=1, keepdims=True)))[:, 0]
        posterior = np.exp(joint - each[:, None])
        loglik = float(count @ each)
        value = loglik - 0.5 * float((theta**2).sum()) / _SIGMA**2
        if value - before < tolerance:
            return value, share, theta.copy(), posterior, loglik, step
        before = value
    msg = f"a mixture of {groups} groups did not converge in {_MAX_STEPS} EM steps"
    raise ConvergenceError(msg)
