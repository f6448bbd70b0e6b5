"""Groups of opinion, and ballots that fit the common worths badly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import BoolArray, FloatArray, Seed
from calib.ballots.equality import holm
from calib.ballots.likelihood import ballot_loglik, worths
from calib.ballots.prefix import tabulate
from calib.ballots.resampling import Reweighting
from calib.ballots.robust import effective_size
from calib.ballots.shrinkage import laplace
from calib.ballots.simulation import simulate_ballots
from calib.ballots.survey import Ballots
from calib.errors import InputError
from calib.words import message

__all__ = [
    "Mixture",
    "MixtureChoice",
    "Outliers",
    "choose_mixture",
    "fit_mixture",
    "outlying_ballots",
]

_SIGMA = 2.0
_SHORT = 10  # EM steps of each start, before the best one goes on
_MOST = 100  # further EM steps of that one


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
    converged : whether it converged within the steps allowed; surveys without groups have flat
        likelihoods in which EM creeps. If not, log-likelihood and BIC are those reached
    """

    share: FloatArray
    theta: FloatArray
    membership: FloatArray
    loglik: float
    bic: float
    icl: float
    iterations: int
    converged: bool

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
    ballots : the ballots; respondent weights are scaled to sum to Kish's effective number
    groups : number of groups G
    starts : random starts of 10 EM steps each; the best goes on, for 100 steps at most
    tolerance : stop when a step gains less penalised log-likelihood than this; BIC differences
        that matter are a thousand times larger

    Notes
    -----
    E step: posterior group probabilities; M step: each group's penalised Newton fit of the
    reweighted prefix table with ``theta ~ N(0, 2^2)``, weak enough to leave groups alone
    and strong enough to keep a group that never picks an item finite. Short runs from several
    starts, of which the best goes on, find as good a maximum as long runs of all
    (Biernacki, Celeux & Govaert 2003), and bound the work.

    References
    ----------
    Gormley & Murphy (2006), *JRSS A* 169, 361-379; Mollica & Tardella (2017), *Psychometrika* 82.
    Biernacki, Celeux & Govaert (2003), *Comput. Stat. Data Anal.* 41, 561-575.
    """
    if not 1 <= groups <= ballots.n:
        raise InputError(message("ballots.input.groups", groups=groups, ballots=ballots.n))
    if starts < 1:
        raise InputError(message("ballots.input.starts"))
    gen = np.random.default_rng(rng)
    distinct, where, count = _distinct(ballots)
    em = _EM(distinct, count, groups, tolerance)
    first = [em.run(em.start(gen), _SHORT) for _ in range(1 if groups == 1 else starts)]
    best = max(first, key=lambda state: state.value)
    if not best.converged:
        best = em.run(best, _MOST)
    order = np.argsort(-best.share, kind="stable")
    share, theta, posterior = best.share[order], best.theta[order], best.posterior[:, order]
    bic = -2.0 * best.loglik + (groups * ballots.J - 1) * np.log(count.sum())
    logs = np.log(np.where(posterior > 0, posterior, 1.0))
    entropy = -float(count @ (posterior * logs).sum(axis=1))
    return Mixture(
        share, theta, posterior[where], best.loglik, bic, bic + 2 * entropy, best.steps,
        best.converged,
    )  # fmt: skip


def _distinct(
    ballots: Ballots,
) -> tuple[Ballots, np.ndarray[tuple[int], np.dtype[np.intp]], FloatArray]:
    picks, where = np.unique(ballots.picks, axis=0, return_inverse=True)
    weight = ballots.weights * effective_size(ballots.weights) / ballots.weights.sum()
    count = np.bincount(where.ravel(), weight)
    return Ballots(ballots.items, picks), where.ravel(), np.asarray(count, dtype=float)


@dataclass(frozen=True, slots=True)
class _State:
    """Where EM stands: parameters, posterior of the distinct ballots, penalised value."""

    share: FloatArray
    theta: FloatArray
    posterior: FloatArray
    loglik: float
    value: float
    steps: int
    converged: bool


class _EM:
    """EM for the distinct ballots of a survey and how often each was cast."""

    def __init__(self, distinct: Ballots, count: FloatArray, groups: int, tolerance: float) -> None:
        self._distinct, self._count = distinct, count
        self._groups, self._tolerance = groups, tolerance
        self._sets = Reweighting(distinct.picks, tabulate(distinct))

    def start(self, gen: np.random.Generator) -> _State:
        """Return a start: every ballot belongs to the groups by a random posterior."""
        posterior = gen.dirichlet(np.full(self._groups, 0.3), size=self._distinct.n)
        theta = np.zeros((self._groups, self._distinct.J))
        share = np.full(self._groups, 1.0 / self._groups)
        return _State(share, theta, posterior, -np.inf, -np.inf, 0, converged=False)

    def run(self, state: _State, most: int) -> _State:
        """Take up to ``most`` steps, fewer if one gains less than the tolerance."""
        for _ in range(most):
            state = self._step(state)
            if state.converged:
                break
        return state

    def _step(self, state: _State) -> _State:
        weight = state.posterior * self._count[:, None]
        share = weight.sum(axis=0) / weight.sum()
        counts, wins = self._sets.statistics(weight.T)
        theta = np.array(
            [
                laplace(self._sets.table(counts[g], wins[g]), _SIGMA, start=before).theta
                for g, before in enumerate(state.theta)
            ]
        )
        with np.errstate(divide="ignore"):  # an emptied group has share 0
            log_share = np.log(share)
        each_group = np.stack([ballot_loglik(self._distinct, row) for row in theta], axis=1)
        joint = each_group + log_share
        top = joint.max(axis=1, keepdims=True)
        each = (top + np.log(np.exp(joint - top).sum(axis=1, keepdims=True)))[:, 0]
        loglik = float(self._count @ each)
        value = loglik - 0.5 * float((theta**2).sum()) / _SIGMA**2
        return _State(
            share, theta, np.exp(joint - each[:, None]), loglik, value, state.steps + 1,
            value - state.value < self._tolerance,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outliers:
    """How surprising each ballot is under the fitted worths.

    Parameters
    ----------
    loglik : (n,) log-likelihood of the ballot
    z : (n,) the same, standardised by simulated ballots of the same length; low is surprising
    p : (n,) share of simulated ballots at least as surprising
    p_holm : (n,) corrected for n comparisons
    """

    loglik: FloatArray
    z: FloatArray
    p: FloatArray
    p_holm: FloatArray

    def flagged(self, alpha: float = 0.05) -> BoolArray:
        """Return the ballots that stand out after Holm's correction, (n,)."""
        return self.p_holm < alpha


def outlying_ballots(
    ballots: Ballots, theta: FloatArray, *, draws: int = 20_000, rng: Seed = None
) -> Outliers:
    """Compare every ballot's log-likelihood with that of simulated ballots.

    Parameters
    ----------
    ballots : the ballots
    theta : (J,) finite log-worths, those of the shrunk fit
    draws : simulated ballots for each ballot length

    Notes
    -----
    ``p = (1 + #{simulated <= observed}) / (1 + draws)``; it cannot fall under ``1 / (1 + draws)``,
    so that Holm's correction can flag a ballot only while n is under ``alpha (1 + draws)``.
    """
    gen = np.random.default_rng(rng)
    values = ballot_loglik(ballots, theta)
    z, p = np.zeros(ballots.n), np.ones(ballots.n)
    lengths = ballots.lengths
    for k in np.unique(lengths):
        null = ballot_loglik(simulate_ballots(theta, draws, int(k), rng=gen), theta)
        rows = lengths == k
        spread = float(null.std())
        if spread <= 1e-12:
            continue
        z[rows] = (values[rows] - float(null.mean())) / spread
        null.sort()
        below = np.searchsorted(null, values[rows] + 1e-9, side="right")
        p[rows] = (1 + below) / (1 + draws)
    return Outliers(values, z, p, holm(p))
