"""Ballots that fit the common worths badly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import BoolArray, FloatArray, Seed
from calib.ballots.data import Ballots
from calib.ballots.equality import holm
from calib.ballots.likelihood import ballot_loglik
from calib.ballots.simulate import simulate_ballots

__all__ = ["Outliers", "outlying_ballots"]


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
