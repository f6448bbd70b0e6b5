"""Bootstrap refits: many reweighted prefix tables fitted in one batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import BoolArray, FloatArray, Seed
from calib.ballots.data import Ballots
from calib.ballots.likelihood import worths
from calib.ballots.plackett import fit_ml
from calib.ballots.prefix import PrefixTable, tabulate
from calib.ballots.reweight import Reweighting
from calib.ballots.robust import cluster_index
from calib.ballots.shrinkage import laplace
from calib.errors import ConvergenceError, InputError

__all__ = ["Bootstrap", "bootstrap", "fit_batch"]

_TOLERANCE = 1e-9
_MAX_STEPS = 60
_BATCH_ENTRIES = 4_000_000  # largest (replicates x prefix sets) block worked on at once


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """Worths refitted to resampled ballots.

    Parameters
    ----------
    theta : (B, J) log-worths; -inf for an item that nobody chose in that resample
    """

    theta: FloatArray

    @property
    def worth(self) -> FloatArray:
        """Worths, (B, J), each row summing to 1."""
        return worths(self.theta)

    def interval(self, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
        """Return percentile intervals of the worths, each (J,)."""
        tail = (1.0 - level) / 2.0
        low, high = np.quantile(self.worth, [tail, 1.0 - tail], axis=0)
        return np.asarray(low, dtype=float), np.asarray(high, dtype=float)


def bootstrap(
    ballots: Ballots, replicates: int, *, sigma: float | None = None, rng: Seed = None
) -> Bootstrap:
    """Refit the worths to resampled ballots.

    Parameters
    ----------
    ballots : the ballots; whole enterprises are resampled when ballots have one
    replicates : number of resamples B
    sigma : prior standard deviation of the log-worths for shrunk refits (that of the full fit,
        say), or None for maximum likelihood

    Raises
    ------
    NoMaximumError
        If maximum likelihood fails on some resample; shrunk refits always exist.

    Notes
    -----
    A resample is a multinomial reweighting of the ballots: the prefix sets stay, their counts
    change, and all refits run as one batch of matrix products (see :func:`fit_batch`).

    Examples
    --------
    >>> from calib.ballots import ballots_from_lists
    >>> b = ballots_from_lists([["a", "b"], ["b", "c"], ["c", "a"]] * 10, items="abcd")
    >>> bootstrap(b, 20, sigma=0.5, rng=1).theta.shape
    (20, 4)
    """
    if replicates < 1:
        msg = f"{replicates} bootstrap replicates; at least 1 is needed"
        raise InputError(msg)
    gen = np.random.default_rng(rng)
    table = tabulate(ballots)
    start = fit_ml(table).theta if sigma is None else laplace(table, sigma).theta
    distinct = _Distinct(ballots, table)
    theta = np.zeros((replicates, ballots.J))
    size = max(1, min(replicates, _BATCH_ENTRIES // max(table.cells, distinct.rows)))
    for first in range(0, replicates, size):
        part = slice(first, min(first + size, replicates))
        weight = distinct.resample(part.stop - part.start, gen)
        counts, wins = distinct.sets.statistics(weight)
        theta[part] = fit_batch(distinct.sets, counts, wins, start=start, sigma=sigma)
    return Bootstrap(theta)


class _Distinct:
    """Distinct rankings (or single ballots of clusters) with their prefix sets."""

    def __init__(self, ballots: Ballots, table: PrefixTable) -> None:
        self._clusters = cluster_index(ballots)
        if self._clusters is None and ballots.weight is None:
            picks, count = np.unique(ballots.picks, axis=0, return_counts=True)
            self._share = count / ballots.n
        else:
            picks = ballots.picks
            self._share = np.full(ballots.n, 1.0 / ballots.n)
        self._weight = ballots.weights if self._clusters or ballots.weight is not None else None
        self._n = ballots.n
        self.rows = len(picks)
        self.sets = Reweighting(picks, table)

    def resample(self, size: int, gen: np.random.Generator) -> FloatArray:
        if self._clusters is not None:
            index, groups = self._clusters
            draws = gen.multinomial(groups, np.full(groups, 1.0 / groups), size=size)[:, index]
        else:
            draws = gen.multinomial(self._n, self._share, size=size)
        weight = draws.astype(float)
        return weight if self._weight is None else weight * self._weight


def fit_batch(
    sets: Reweighting,
    counts: FloatArray,
    wins: FloatArray,
    *,
    start: FloatArray,
    sigma: float | None = None,
) -> FloatArray:
    """Fit many reweightings of one prefix table at once.

    Parameters
    ----------
    sets : the prefix sets
    counts : (B, M) weight of each set in each replicate
    wins : (B, J) choices that each item won in each replicate
    start : (J,) log-worths near which the answers lie
    sigma : prior standard deviation of the log-worths, or None for maximum likelihood

    Returns
    -------
    (B, J) log-worths, the finite ones summing to 0

    Notes
    -----
    Newton's method with each replicate's information taken once, at ``start``: the answers lie
    within sampling error of it, so a handful of steps, each two matrix products, reaches
    1e-9. Replicates that have not got there are finished by full Newton steps, one by one.
    """
    precision = 0.0 if sigma is None else 1.0 / sigma**2
    live = np.ones(wins.shape, dtype=bool) if sigma is not None else wins > 0
    base = np.where(np.isfinite(start), start, 0.0)
    free = sets.available()
    inverse = _inverse_information(free, counts, base, live, precision)
    theta = np.where(live, base, -np.inf)
    active = np.arange(len(wins))
    done = np.zeros(len(wins), dtype=bool)
    for _ in range(_MAX_STEPS):
        w = np.where(live[active], np.exp(theta[active]), 0.0)
        pull = (counts[active] / np.maximum(w @ free.T, 1e-300)) @ free
        score = np.where(live[active], wins[active] - w * pull, 0.0)
        if precision:
            score -= precision * theta[active]
        step = np.einsum("bij,bj->bi", inverse[active], score)
        step *= np.minimum(1.0, 2.0 / np.maximum(np.abs(step).max(axis=1), 1e-300))[:, None]
        theta[active] = np.where(live[active], theta[active] + step, -np.inf)
        small = np.abs(step).max(axis=1) < _TOLERANCE
        done[active[small]] = True
        active = active[~small]
        if active.size == 0:
            break
    for b in np.flatnonzero(~done):
        theta[b] = _finish(sets.table(counts[b], wins[b]), sigma)
    finite = np.isfinite(theta)
    mean = np.where(finite, theta, 0.0).sum(axis=1) / finite.sum(axis=1)
    return np.asarray(theta - mean[:, None], dtype=float)


def _inverse_information(
    free: FloatArray, counts: FloatArray, base: FloatArray, live: BoolArray, precision: float
) -> FloatArray:
    """Return the inverse of each replicate's (penalised) information at ``base``, (B, J, J)."""
    J = free.shape[1]
    w = np.exp(base)
    first, second = np.triu_indices(J)
    d = free @ w
    scaled = counts / d**2
    cross = np.zeros((len(counts), J, J))
    block = max(1, _BATCH_ENTRIES // first.size)
    for start in range(0, len(free), block):
        part = free[start : start + block]
        # All products of two availabilities: one matrix product gives every cross term.
        pairs = part[:, first] * part[:, second]
        cross[:, first, second] += scaled[:, start : start + block] @ pairs
    cross[:, second, first] = cross[:, first, second]
    expected = w * ((counts / d) @ free)
    information = -cross * np.outer(w, w)
    diagonal = np.arange(J)
    information[:, diagonal, diagonal] += expected + precision
    both = live[:, :, None] & live[:, None, :]
    information = np.where(both, information, 0.0)
    information[:, diagonal, diagonal] += ~live
    scale = np.trace(information, axis1=1, axis2=2) / J**2
    information += np.where(both, scale[:, None, None], 0.0)
    return np.asarray(np.linalg.inv(information), dtype=float)


def _finish(table: PrefixTable, sigma: float | None) -> FloatArray:
    try:
        return fit_ml(table).theta if sigma is None else laplace(table, sigma).theta
    except np.linalg.LinAlgError as exc:
        msg = "a bootstrap refit has no unique answer; use shrinkage"
        raise ConvergenceError(msg) from exc
