"""Bootstrap refits: many reweighted prefix tables fitted in one batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray, Seed
from calib.ballots.data import Ballots
from calib.ballots.likelihood import worths
from calib.ballots.plackett import fit_ml
from calib.ballots.prefix import PrefixTable, tabulate
from calib.ballots.reweight import Reweighting
from calib.ballots.robust import cluster_index, effective_table
from calib.ballots.shrinkage import laplace
from calib.errors import ConvergenceError, InputError
from calib.words import message

__all__ = ["BatchFit", "Bootstrap", "bootstrap"]

_TOLERANCE = 1e-6  # each step shrinks the error about tenfold: it is then near 1e-7
_MAX_STEPS = 60
_BATCH = 64
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
    change, and all refits run as one batch of matrix products (see :class:`BatchFit`).

    Examples
    --------
    >>> from calib.ballots import ballots_from_lists
    >>> b = ballots_from_lists([["a", "b"], ["b", "c"], ["c", "a"]] * 10, items="abcd")
    >>> bootstrap(b, 20, sigma=0.5, rng=1).theta.shape
    (20, 4)
    """
    if replicates < 1:
        raise InputError(message("ballots.input.replicates", n=replicates))
    gen = np.random.default_rng(rng)
    table = tabulate(ballots)
    # A prior weighs as much against the ballots here as in the fit to all of them.
    scale = 1.0 if sigma is None else effective_table(ballots).size / table.total
    start = fit_ml(table).theta if sigma is None else laplace(table.scaled(scale), sigma).theta
    distinct = _Distinct(ballots, table)
    refit = BatchFit(distinct.sets, start, sigma)
    theta = np.zeros((replicates, ballots.J))
    # Small batches stay in the processor's cache.
    size = max(1, min(_BATCH, _BATCH_ENTRIES // max(table.cells, distinct.rows)))
    for first in range(0, replicates, size):
        part = slice(first, min(first + size, replicates))
        counts, wins = distinct.sets.statistics(distinct.resample(part.stop - part.start, gen))
        theta[part] = refit.fit(scale * counts, scale * wins)
    return Bootstrap(theta)


class _Distinct:
    """Distinct rankings (or single ballots, when they have weights or clusters)."""

    def __init__(self, ballots: Ballots, table: PrefixTable) -> None:
        self._clusters = cluster_index(ballots)
        self._n = ballots.n
        self._weight = ballots.weight
        if self._clusters is None and ballots.weight is None:
            picks, row_of = np.unique(ballots.picks, axis=0, return_inverse=True)
            self._row_of = row_of.ravel()
        else:
            picks, self._row_of = ballots.picks, np.arange(ballots.n)
        self.rows = len(picks)
        self.sets = Reweighting(picks, table)

    def resample(self, size: int, gen: np.random.Generator) -> FloatArray:
        """Return how often each row is drawn in each of ``size`` resamples, times its weight."""
        if self._clusters is not None:
            index, groups = self._clusters
            times = _counts(gen.integers(0, groups, (size, groups)), groups)[:, index]
        else:
            drawn = gen.integers(0, self._n, (size, self._n))
            times = _counts(self._row_of[drawn], self.rows)
        return times if self._weight is None else times * self._weight


def _counts(drawn: IntArray, rows: int) -> FloatArray:
    cell = drawn + rows * np.arange(len(drawn))[:, None]
    counts = np.bincount(cell.ravel(), minlength=rows * len(drawn))
    return np.asarray(counts, dtype=float).reshape(len(drawn), rows)


class BatchFit:
    """Fits many reweightings of one prefix table.

    Parameters
    ----------
    sets : the prefix sets
    start : (J,) log-worths near which the answers lie
    sigma : prior standard deviation of the log-worths, or None for maximum likelihood

    Notes
    -----
    Newton's method with each replicate's information taken once, at ``start``: the answers lie
    within sampling error of it, so a handful of steps, each two matrix products, reaches
    1e-7. Replicates that have not got there are finished by full Newton steps, one by one.
    """

    def __init__(self, sets: Reweighting, start: FloatArray, sigma: float | None) -> None:
        self._sets, self._sigma = sets, sigma
        self._precision = 0.0 if sigma is None else 1.0 / sigma**2
        self._base = np.where(np.isfinite(start), start, 0.0)
        self._free = sets.available()
        self._turned = np.ascontiguousarray(self._free.T)
        self._d = self._free @ np.exp(self._base)

    def fit(self, counts: FloatArray, wins: FloatArray) -> FloatArray:
        """Return log-worths (B, J), the finite ones summing to 0.

        Parameters
        ----------
        counts : (B, M) weight of each set in each replicate
        wins : (B, J) choices that each item won in each replicate
        """
        live = wins > 0 if self._sigma is None else np.ones(wins.shape, dtype=bool)
        inverse = self._inverse_information(counts, live)
        theta = np.where(live, self._base, -np.inf)
        active = np.arange(len(wins))
        for _ in range(_MAX_STEPS):
            on, here = live[active], theta[active]
            w = np.where(on, np.exp(here), 0.0)
            d = w @ self._turned
            np.divide(counts[active], d, out=d)
            score = np.where(on, wins[active] - w * (d @ self._free), 0.0)
            if self._precision:
                score -= self._precision * here
            step = (inverse[active] @ score[:, :, None])[:, :, 0]
            far = np.abs(step).max(axis=1)
            step *= np.minimum(1.0, 2.0 / np.maximum(far, 1e-300))[:, None]
            theta[active] = np.where(on, here + step, -np.inf)
            active = active[far >= _TOLERANCE]
            if active.size == 0:
                break
        for b in active:
            theta[b] = _finish(self._sets.table(counts[b], wins[b]), self._sigma)
        finite = np.isfinite(theta)
        mean = np.where(finite, theta, 0.0).sum(axis=1) / finite.sum(axis=1)
        return np.asarray(theta - mean[:, None], dtype=float)

    def _inverse_information(self, counts: FloatArray, live: BoolArray) -> FloatArray:
        """Return the inverse of each replicate's (penalised) information, (B, J, J)."""
        J = live.shape[1]
        w = np.exp(self._base)
        cross = self._sets.free_products(counts / self._d**2)
        expected = w * ((counts / self._d) @ self._free)
        information = -cross * np.outer(w, w)
        diagonal = np.arange(J)
        information[:, diagonal, diagonal] += expected + self._precision
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
        raise ConvergenceError(message("ballots.input.no_refit")) from exc
