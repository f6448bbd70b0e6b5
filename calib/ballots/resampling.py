"""Resamples of a survey: bootstrap refits in one batch, and draws of worths under any estimator.

Replicate ``i`` of a survey is one resample of its ballots (of whole enterprises, where these sent
several). Maximum likelihood and the positional scores are computed again from it; a draw of the
shrunken worths is taken from their posterior, in the direction in which the resample moves the
score. So the draws of two estimators under one seed belong together row by row.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calib._types import BoolArray, FloatArray, IntArray, Seed
from calib.ballots.likelihood import ballot_scores, worths
from calib.ballots.plackett import fit_ml
from calib.ballots.prefix import PrefixTable, tabulate
from calib.ballots.robust import cluster_index, effective_table
from calib.ballots.shrinkage import fit_shrunk
from calib.ballots.survey import Ballots
from calib.ballots.voting import SCORES, score_rows
from calib.errors import ConvergenceError, InputError
from calib.words import message

__all__ = ["BatchFit", "Reweighting", "bootstrap", "seed_of", "worth_draws"]


class Reweighting:
    """Turns weights of ballots into weights of prefix sets by one sparse product.

    Parameters
    ----------
    picks : (n, K) ballots
    table : prefix table that holds at least every set these ballots pass through
    """

    def __init__(self, picks: NDArray[np.int16], table: PrefixTable) -> None:
        from scipy.sparse import csr_matrix

        self._table = table
        cells = _cells_of(picks, table)
        row, stage = np.nonzero(cells >= 0)
        ones = np.ones(row.size)
        self._cells: Any = csr_matrix((ones, (cells[row, stage], row)), (table.cells, len(picks)))
        won = picks[:, : min(picks.shape[1], table.J - 1)]
        row, stage = np.nonzero(won >= 0)
        items = won[row, stage].astype(np.int64)
        inside = table.available() == 0
        item, cell = np.nonzero(inside.T)
        J = table.J
        self._members: Any = csr_matrix((np.ones(item.size), (item, cell)), (J, table.cells))
        first, second = np.triu_indices(J, 1)
        self._pair_items = (first, second)
        pair, cell = _pairs_of(inside, first, second)
        shape = (first.size, table.cells)
        self._pairs: Any = csr_matrix((np.ones(pair.size), (pair, cell)), shape)
        self._wins: Any = csr_matrix((np.ones(row.size), (items, row)), (table.J, len(picks)))

    def available(self) -> FloatArray:
        """Return 1 where an item is not in the set, (M, J)."""
        return self._table.available()

    def free_products(self, values: FloatArray) -> FloatArray:
        """Return sums of values (B, M) over the sets in which both of two items are free.

        Returns
        -------
        (B, J, J); see :meth:`calib.ballots.prefix.PrefixIndex.free_products`
        """
        J = self._table.J
        total = values.sum(axis=1)
        inside = (self._members @ values.T).T
        first, second = self._pair_items
        cross = np.zeros((len(values), J, J))
        cross[:, first, second] = (self._pairs @ values.T).T
        cross += cross.transpose(0, 2, 1)
        diagonal = np.arange(J)
        cross[:, diagonal, diagonal] = inside
        cross -= inside[:, :, None] + inside[:, None, :]
        return np.asarray(cross + total[:, None, None], dtype=float)

    def statistics(self, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the counts of the sets (B, M) and the wins (B, J) under weights (B, n)."""
        counts = np.ascontiguousarray(np.asarray((self._cells @ weight.T).T, dtype=float))
        return counts, np.asarray((self._wins @ weight.T).T, dtype=float)

    def table(self, counts: FloatArray, wins: FloatArray) -> PrefixTable:
        """Return the prefix table of one weighting; its wins stand at the first rank."""
        whole = self._table
        seen = counts > 0
        picks = np.zeros_like(whole.picks)
        picks[0] = wins
        return PrefixTable(
            whole.J,
            whole.keys[seen],
            counts[seen],
            whole.stages[seen],
            picks,
            whole.lengths,
            whole.lengths2,
            whole.n,
        )


def _pairs_of(inside: BoolArray, first: IntArray, second: IntArray) -> tuple[IntArray, IntArray]:
    """Return pair and cell of every two members of every set."""
    pairs, cells = [], []
    for start in range(0, len(inside), 4096):  # in pieces: there are J (J - 1) / 2 pairs
        part = inside[start : start + 4096]
        cell, pair = np.nonzero(part[:, first] & part[:, second])
        pairs.append(pair)
        cells.append(cell + start)
    return np.concatenate(pairs), np.concatenate(cells)


def _cells_of(picks: NDArray[np.int16], table: PrefixTable) -> IntArray:
    """Return the row of the table for the prefix set before each choice, -1 for none, (n, K)."""
    lookup = {key.tobytes(): row for row, key in enumerate(table.keys)}
    out = np.full(picks.shape, -1, dtype=np.int64)
    keys = np.zeros((len(picks), table.keys.shape[1]), dtype=np.uint64)
    for s in range(min(picks.shape[1], table.J - 1)):
        on = np.flatnonzero(picks[:, s] >= 0)
        found, where = np.unique(keys[on], axis=0, return_inverse=True)
        rows = np.array([lookup[key.tobytes()] for key in found], dtype=np.int64)
        out[on, s] = rows[where.ravel()] if on.size else -1
        j = picks[on, s].astype(np.int64)
        keys[on, j >> 6] |= np.uint64(1) << (j & 63).astype(np.uint64)
    return out


_TOLERANCE = 1e-6  # each step shrinks the error about tenfold: it is then near 1e-7
_MAX_STEPS = 60
_BATCH = 64
_BATCH_ENTRIES = 4_000_000  # largest (replicates x prefix sets) block worked on at once


def bootstrap(ballots: Ballots, replicates: int, *, rng: Seed = None) -> FloatArray:
    """Refit the worths to resampled ballots, by maximum likelihood.

    Parameters
    ----------
    ballots : the ballots; whole enterprises are resampled when ballots have one
    replicates : number of resamples B
    rng : seed or Generator

    Returns
    -------
    (B, J) log-worths; -inf for an item that nobody chose in that resample

    Raises
    ------
    NoMaximumError
        If some resample has no maximum.

    Notes
    -----
    A resample is a multinomial reweighting of the ballots: the prefix sets stay, their counts
    change, and all refits run as one batch of matrix products (see :class:`BatchFit`).

    Examples
    --------
    >>> from calib.ballots import ballots_from_lists
    >>> b = ballots_from_lists([["a", "b"], ["b", "c"], ["c", "a"]] * 10, items="abcd")
    >>> bootstrap(b, 20, rng=1).shape
    (20, 4)
    """
    if replicates < 1:
        raise InputError(message("ballots.input.replicates", n=replicates))
    gen = np.random.default_rng(rng)
    table = tabulate(ballots)
    distinct = _Distinct(ballots, table)
    refit = BatchFit(distinct.sets, fit_ml(table).theta)
    theta = np.zeros((replicates, ballots.J))
    # Small batches stay in the processor's cache.
    size = max(1, min(_BATCH, _BATCH_ENTRIES // max(table.cells, distinct.rows)))
    for first in range(0, replicates, size):
        part = slice(first, min(first + size, replicates))
        counts, wins = distinct.sets.statistics(distinct.resample(part.stop - part.start, gen))
        theta[part] = refit.fit(counts, wins)
    return theta


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
    """Return how often each of so many rows is drawn in each resample (B, n), (B, rows)."""
    cell = drawn + rows * np.arange(len(drawn))[:, None]
    counts = np.bincount(cell.ravel(), minlength=rows * len(drawn))
    return np.asarray(counts, dtype=float).reshape(len(drawn), rows)


class BatchFit:
    """Fits many reweightings of one prefix table.

    Parameters
    ----------
    sets : the prefix sets
    start : (J,) log-worths near which the answers lie

    Notes
    -----
    Newton's method with each replicate's information taken once, at ``start``: the answers lie
    within sampling error of it, so a handful of steps, each two matrix products, reaches
    1e-7. Replicates that have not got there are finished by full Newton steps, one by one.
    """

    def __init__(self, sets: Reweighting, start: FloatArray) -> None:
        self._sets = sets
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
        live = wins > 0
        inverse = self._inverse_information(counts, live)
        theta = np.where(live, self._base, -np.inf)
        active = np.arange(len(wins))
        for _ in range(_MAX_STEPS):
            on, here = live[active], theta[active]
            w = np.where(on, np.exp(here), 0.0)
            d = w @ self._turned
            np.divide(counts[active], d, out=d)
            score = np.where(on, wins[active] - w * (d @ self._free), 0.0)
            step = (inverse[active] @ score[:, :, None])[:, :, 0]
            far = np.abs(step).max(axis=1)
            step *= np.minimum(1.0, 2.0 / np.maximum(far, 1e-300))[:, None]
            theta[active] = np.where(on, here + step, -np.inf)
            active = active[far >= _TOLERANCE]
            if active.size == 0:
                break
        for b in active:
            theta[b] = _finish(self._sets.table(counts[b], wins[b]))
        finite = np.isfinite(theta)
        mean = np.where(finite, theta, 0.0).sum(axis=1) / finite.sum(axis=1)
        return np.asarray(theta - mean[:, None], dtype=float)

    def _inverse_information(self, counts: FloatArray, live: BoolArray) -> FloatArray:
        """Return the inverse of each replicate's information, (B, J, J)."""
        J = live.shape[1]
        w = np.exp(self._base)
        cross = self._sets.free_products(counts / self._d**2)
        expected = w * ((counts / self._d) @ self._free)
        information = -cross * np.outer(w, w)
        diagonal = np.arange(J)
        information[:, diagonal, diagonal] += expected
        both = live[:, :, None] & live[:, None, :]
        information = np.where(both, information, 0.0)
        information[:, diagonal, diagonal] += ~live
        scale = np.trace(information, axis1=1, axis2=2) / J**2
        information += np.where(both, scale[:, None, None], 0.0)
        return np.asarray(np.linalg.inv(information), dtype=float)


def _finish(table: PrefixTable) -> FloatArray:
    try:
        return fit_ml(table).theta
    except np.linalg.LinAlgError as exc:
        raise ConvergenceError(message("ballots.input.no_refit")) from exc


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
        return worths(bootstrap(ballots, k, rng=np.random.default_rng(seed)))
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
        yield _counts(gen.integers(0, units, (rows, units)), units)
