"""Draws of worths that carry the uncertainty of any estimator, all under the same resamples.

Replicate ``i`` of a survey is one resample of its ballots (of whole enterprises, where these sent
several). Maximum likelihood and the positional scores are computed again from it; a draw of the
shrunken worths is taken from their posterior, in the direction in which the resample moves the
score. So the draws of two estimators under one seed belong together row by row.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from calib._types import FloatArray, IntArray, Seed
from calib.ballots.data import Ballots
from calib.ballots.likelihood import ballot_scores
from calib.ballots.resampling import bootstrap
from calib.ballots.robust import cluster_index, effective_table
from calib.ballots.shrinkage import fit_shrunk
from calib.ballots.voting import SCORES, score_rows
from calib.errors import InputError
from calib.words import message

__all__ = ["seed_of", "worth_draws"]

_ENTRIES = 5_000_000
_UNSEEN = 1e-10  # share of the largest variance below which the ballots say nothing of a direction


def seed_of(rng: Seed) -> tuple[int, ...]:
    """Return numbers that name a sequence of replicates; a generator gives one, once."""
    if isinstance(rng, int):
        return (rng,)
    return (int(np.random.default_rng(rng).integers(2**63)),)


def worth_draws(
    ballots: Ballots, k: int, *, method: str = "shrinkage", rng: Seed | tuple[int, ...] = None
) -> FloatArray:
    """Draw k sets of worths, (k, J), each summing to 1.

    Parameters
    ----------
    ballots : the ballots
    k : number of draws
    method : ``shrinkage`` (draws of the fitted model, sigma's uncertainty included),
        ``maximum_likelihood`` or a positional score (bootstrap over ballots, or over
        enterprises when these sent several)
    rng : seed; row i of two methods under one seed rests on the same resample of the ballots, and
        does not depend on k

    Raises
    ------
    InputError
        For Kemeny, which gives an order and no worths.
    """
    if method == "kemeny":
        raise InputError(message("ballots.no_worths"))
    seed = rng if isinstance(rng, tuple) else seed_of(rng)
    if method == "maximum_likelihood":
        return bootstrap(ballots, k, rng=np.random.default_rng(seed)).worth
    if method == "shrinkage":
        return _posterior(ballots, k, seed)
    points = _by_unit(ballots, ballots.weights[:, None] * score_rows(ballots, SCORES[method],
                                                                     slice(None)))  # fmt: skip
    out = np.concatenate([times @ points for times in _resamples(len(points), k, seed)])
    return np.asarray(out / out.sum(axis=1, keepdims=True), dtype=float)


def _posterior(ballots: Ballots, k: int, seed: tuple[int, ...]) -> FloatArray:
    """Draw from the posterior of the shrunken worths, moved as the resamples move the score.

    Notes
    -----
    A resample changes the score at the estimate by ``u``; over resamples u has mean 0 and the
    covariance C of the ballots' (enterprises') scores, so that ``C^(-1/2) u`` is standard normal
    but for the number of ballots. Directions in C's kernel, of which the ballots say nothing, get
    independent normal noise.
    """
    fit = fit_shrunk(effective_table(ballots).table)
    scores = _by_unit(ballots, ballots.weights[:, None] * ballot_scores(ballots, fit.theta))
    scores = scores - scores.mean(axis=0)
    values, vectors = np.linalg.eigh(scores.T @ scores)
    seen = values > _UNSEEN * max(float(values[-1]), 1e-300)
    whiten = (vectors[:, seen] / np.sqrt(values[seen])) @ vectors[:, seen].T
    unseen = vectors[:, ~seen] @ vectors[:, ~seen].T
    moved = [times @ scores @ whiten for times in _resamples(len(scores), k, seed)]
    spare = np.random.default_rng((*seed, 1)).standard_normal((k, ballots.J)) @ unseen
    level = np.random.default_rng((*seed, 2)).random(k)
    return fit.draws_at(level, np.concatenate(moved) + spare)


def _by_unit(ballots: Ballots, values: FloatArray) -> FloatArray:
    """Return sums of values (n, p) over what is resampled: ballots, or enterprises."""
    clusters = cluster_index(ballots)
    if clusters is None:
        return values
    index, groups = clusters
    out = np.zeros((groups, values.shape[1]))
    np.add.at(out, index, values)
    return out


def _resamples(units: int, k: int, seed: tuple[int, ...]) -> Iterator[FloatArray]:
    """Yield how often each unit is drawn, (rows, units), for the k resamples in blocks."""
    gen = np.random.default_rng(seed)
    step = max(1, _ENTRIES // units)
    for start in range(0, k, step):
        rows = min(step, k - start)
        drawn: IntArray = gen.integers(0, units, (rows, units))
        cells = drawn + units * np.arange(rows)[:, None]
        counts = np.bincount(cells.ravel(), minlength=units * rows)
        yield counts.reshape(rows, units).astype(float)
