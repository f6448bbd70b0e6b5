"""Draws of worths that carry the uncertainty of any estimator."""

from __future__ import annotations

import numpy as np

from calib._types import FloatArray, Seed
from calib.ballots.bootstrap import bootstrap
from calib.ballots.data import Ballots
from calib.ballots.robust import cluster_index, effective_table
from calib.ballots.scores import SCORES, score_rows
from calib.ballots.shrinkage import fit_shrunk
from calib.errors import InputError

__all__ = ["worth_draws"]

_ENTRIES = 5_000_000


def worth_draws(
    ballots: Ballots, k: int, *, method: str = "shrinkage", rng: Seed = None
) -> FloatArray:
    """Draw k sets of worths, (k, J), each summing to 1.

    Parameters
    ----------
    ballots : the ballots
    k : number of draws
    method : ``shrinkage`` (draws of the fitted model, sigma's uncertainty included),
        ``maximum_likelihood`` or a positional score (bootstrap over ballots, or over
        enterprises when these sent several)

    Raises
    ------
    InputError
        For Kemeny, which gives an order and no worths.
    """
    if method == "kemeny":
        raise InputError("a Kemeny order has no worths; choose another estimator for weights")
    if method == "shrinkage":
        return fit_shrunk(effective_table(ballots).table).draws(k, rng=rng)
    if method == "maximum_likelihood":
        return bootstrap(ballots, k, rng=rng).worth
    scores = score_rows(ballots, SCORES[method], slice(None))
    gen = np.random.default_rng(rng)
    clusters = cluster_index(ballots)
    out = np.zeros((k, ballots.J))
    step = max(1, _ENTRIES // ballots.n)
    for start in range(0, k, step):
        count = min(step, k - start)
        if clusters is None:
            share = np.full(ballots.n, 1.0 / ballots.n)
            times = gen.multinomial(ballots.n, share, size=count)
        else:
            index, groups = clusters
            times = gen.multinomial(groups, np.full(groups, 1.0 / groups), size=count)[:, index]
        total = (times * ballots.weights) @ scores
        out[start : start + count] = total / total.sum(axis=1, keepdims=True)
    return out
