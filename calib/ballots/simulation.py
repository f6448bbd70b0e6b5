"""Simulated ballots: of given worths, and of equally important items, as tests of equality need.

The null distribution of the tests comes from random ballots of the same lengths and weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calib._types import FloatArray, IntArray, Seed
from calib.ballots.likelihood import savage_points
from calib.ballots.survey import Ballots

__all__ = [
    "NullStatistics",
    "null_statistics",
    "penalised_ratio",
    "simulate_ballots",
    "simulate_picks",
]

_CHUNK = 20_000
_ENTRIES = 3_000_000
_SIGMA = 100.0  # a prior this weak only keeps the fits of small samples finite


def simulate_picks(theta: FloatArray, n: int, K: int, *, rng: Seed = None) -> NDArray[np.int16]:
    """Draw ordered picks from log-worths, (n, K).

    Notes
    -----
    The K largest of ``theta_j + Gumbel noise``, in order, are a Plackett-Luce top-K (Yellott 1977).
    """
    gen = np.random.default_rng(rng)
    picks = np.empty((n, K), dtype=np.int16)
    for start in range(0, n, _CHUNK):
        count = min(_CHUNK, n - start)
        noisy = gen.gumbel(size=(count, theta.size)) + theta
        picks[start : start + count] = np.argsort(-noisy, axis=1)[:, :K]
    return picks


def simulate_ballots(
    theta: FloatArray,
    n: int,
    K: int,
    *,
    items: Sequence[str] | None = None,
    lengths: IntArray | None = None,
    rng: Seed = None,
) -> Ballots:
    """Draw synthetic ballots of respondents who follow Plackett-Luce.

    Parameters
    ----------
    theta : (J,) log-worths
    n : number of ballots
    K : ranks on a ballot
    items : (J,) codes; ``item01``, ... by default
    lengths : (n,) items listed on each ballot; K by default

    Examples
    --------
    >>> import numpy as np
    >>> simulate_ballots(np.zeros(4), 3, 2, rng=0).picks.shape
    (3, 2)
    """
    picks = simulate_picks(theta, n, K, rng=rng)
    if lengths is not None:
        picks[np.arange(K) >= np.asarray(lengths)[:, None]] = -1
    names = tuple(items or (f"item{j + 1:02d}" for j in range(theta.size)))
    return Ballots(names, picks)


@dataclass(frozen=True, slots=True)
class NullStatistics:
    """Test statistics of simulated ballots of equally important items."""

    picks: FloatArray
    score: FloatArray
    likelihood_ratio: FloatArray


def null_statistics(
    ballots: Ballots, replicates: int, fits: int, *, rng: Seed = None
) -> NullStatistics:
    """Simulate the test statistics under equal importance.

    Parameters
    ----------
    ballots : ballots whose lengths and weights are kept; the picks are replaced at random
    replicates : simulated sets of ballots for Q and the score
    fits : how many of them (from the first on) also get the likelihood ratio

    Notes
    -----
    Under equality every ranking is equally likely given lengths and weights, so that the
    Monte-Carlo p-value ``(1 + #) / (1 + R)`` is exact at any n.
    """
    gen = np.random.default_rng(rng)
    J, n, K = ballots.J, ballots.n, ballots.K
    size = max(1, _ENTRIES // (n * J))
    out_q, out_s, out_l = np.zeros(replicates), np.zeros(replicates), np.zeros(fits)
    lengths = ballots.lengths
    points = savage_points(J, K)
    weight = _relative(ballots)
    scale_q = float((weight**2 * lengths * (J - lengths)).sum()) / (J * (J - 1))
    scale_s = float((weight**2) @ points.variance[lengths])
    blank = np.arange(K) >= lengths[:, None]
    for start in range(0, replicates, size):
        count = min(size, replicates - start)
        picks = _random_picks(count * n, J, K, gen).reshape(count, n, K)
        listed = np.where(blank, 0.0, weight[:, None])
        X = _totals(picks, listed, J)
        expected = float((weight * lengths).sum()) / J
        if scale_q > 0:
            out_q[start : start + count] = ((X - expected) ** 2).sum(axis=1) / scale_q
        gains = np.where(blank, 0.0, points.listed[lengths] * weight[:, None])
        u = _totals(picks, gains, J) + float(weight @ points.unlisted[lengths])
        out_s[start : start + count] = (u**2).sum(axis=1) / scale_s
    step = max(1, _ENTRIES // (n * K * J))
    for start in range(0, fits, step):
        count = min(step, fits - start)
        picks = _random_picks(count * n, J, K, gen).reshape(count, n, K)
        picks = np.where(blank, -1, picks).astype(np.int16)
        out_l[start : start + count] = _ratios(picks, weight, J)
    return NullStatistics(out_q, out_s, out_l)


def penalised_ratio(ballots: Ballots) -> float:
    """Return the likelihood-ratio statistic as the simulation computes it."""
    return float(_ratios(ballots.picks[None], _relative(ballots), ballots.J)[0])


def _relative(ballots: Ballots) -> FloatArray:
    """Return weights that sum to Kish's effective number of ballots, whatever their scale was."""
    weight = ballots.weights
    return np.asarray(weight * (weight.sum() / (weight**2).sum()), dtype=float)


def _random_picks(rows: int, J: int, K: int, gen: np.random.Generator) -> NDArray[np.int16]:
    deck = np.repeat(np.arange(J, dtype=np.int16)[None], rows, axis=0)
    index = np.arange(rows)
    for s in range(K):  # the first K steps of a shuffle
        other = gen.integers(s, J, size=rows)
        held = deck[index, other]
        deck[index, other] = deck[:, s]
        deck[:, s] = held
    return deck[:, :K]


def _totals(picks: NDArray[np.int16], values: FloatArray, J: int) -> FloatArray:
    count = len(picks)
    cell = picks.astype(np.int64) + J * np.arange(count)[:, None, None]
    weights = np.broadcast_to(values, picks.shape).ravel()
    totals = np.bincount(cell.ravel(), weights, minlength=count * J)
    return np.asarray(totals, dtype=float).reshape(count, J)


def _ratios(picks: NDArray[np.int16], weight: FloatArray, J: int) -> FloatArray:
    """Return the likelihood ratio of each replicate, (R,), fitted in one batch."""
    R, n, K = picks.shape
    stages = min(K, J - 1)
    free = np.ones((R, n, stages, J))
    wins = np.zeros((R, J))
    for s in range(stages):
        on = picks[:, :, s] >= 0
        rep, row = np.nonzero(on)
        chosen = picks[rep, row, s].astype(np.int64)
        wins += np.bincount(rep * J + chosen, weight[row], minlength=R * J).reshape(R, J)
        for later in range(s + 1, stages):
            free[rep, row, later, chosen] = 0.0
    on = picks[:, :, :stages] >= 0
    count = np.where(on, weight[:, None], 0.0).reshape(R, -1)
    free = free.reshape(R, n * stages, J)
    theta = np.zeros((R, J))
    precision = 1.0 / _SIGMA**2
    for _ in range(60):
        w = np.exp(theta)
        d = (free @ w[:, :, None])[:, :, 0]
        expected = w * ((count / d)[:, None, :] @ free)[:, 0]
        scaled = free * (np.sqrt(count) / d)[:, :, None] * w[:, None, :]
        information = -scaled.transpose(0, 2, 1) @ scaled
        diagonal = np.arange(J)
        information[:, diagonal, diagonal] += expected + precision
        score = wins - expected - precision * theta
        step = np.linalg.solve(information, score[:, :, None])[:, :, 0]
        far = np.abs(step).max(axis=1)
        theta += step * np.minimum(1.0, 2.0 / np.maximum(far, 1e-300))[:, None]
        if float(far.max()) < 1e-4:
            break
    d = (free @ np.exp(theta)[:, :, None])[:, :, 0]
    fitted = (wins * theta).sum(axis=1) - (count * np.log(d)).sum(axis=1)
    equal = -(count * np.log(free.sum(axis=2))).sum(axis=1)
    return np.asarray(np.maximum(2.0 * (fitted - equal), 0.0), dtype=float)
