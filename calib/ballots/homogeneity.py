"""Do first, second, ... choices follow the same worths? A score test with a simulated null."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import FloatArray, IntArray, Seed
from calib.ballots.equality import chi2_sf
from calib.ballots.prefix import PrefixCounter, PrefixTable
from calib.ballots.shrinkage import Shrinkage, fit_shrunk, laplace
from calib.ballots.simulate import simulate_picks

__all__ = ["StageTest", "stage_test"]

SIMULATE_BELOW = 2000
_MOST = 299
_ENOUGH = 15  # simulated statistics beyond the observed one that settle the p-value
_NULL = 1e-9  # eigenvalues of the information below this share of the largest are directions unseen


@dataclass(frozen=True, slots=True)
class StageTest:
    """Score test that first, second, ... choices follow the same worths.

    Parameters
    ----------
    stages : number of ranks compared
    statistic : sum over the ranks of the squared standardised score at the common worths
    df : degrees of freedom, ``(stages - 1)(J - 1)`` less the contrasts that some rank does not
        show; 0 when nothing can be compared, and then p is NaN: the test does not exist
    p_chi2 : p-value by chi-square
    p_monte_carlo : p-value from simulated surveys that follow the common worths, or None
    replicates : simulated surveys behind it
    """

    stages: int
    statistic: float
    df: int
    p_chi2: float
    p_monte_carlo: float | None
    replicates: int

    @property
    def p(self) -> float:
        """The p-value to use: by simulation where it was computed; NaN without a test."""
        return self.p_chi2 if self.p_monte_carlo is None else self.p_monte_carlo


def stage_test(
    table: PrefixTable,
    *,
    scale: float | None = None,
    monte_carlo: bool | None = None,
    rng: Seed = None,
) -> StageTest:
    """Test whether the choices at all ranks follow the same worths, as Plackett-Luce says.

    Parameters
    ----------
    table : sufficient statistics
    scale : factor that makes the weights sum to the effective number of ballots, for weights and
        clusters; by default for weights
    monte_carlo : whether to simulate the null; by default below 2,000 effective ballots
    rng : seed of the simulated surveys

    Notes
    -----
    With score u_s and information I_s of the choices at rank s, both at the shrunken worths of
    all ranks, ``sum_s u_s' I_s^- u_s - u' I^- u`` for ``u = sum u_s, I = sum I_s``: Neyman's
    C(alpha) form of the score test, which needs no estimate of any single rank, so that it
    exists for separated surveys and for indicators that nobody chose at some rank. Few choices
    at the later ranks make chi-square wrong; the statistic is then compared with that of surveys
    simulated from the shrunken worths, with as many (effective) ballots of each length, refitted
    alike. Simulation stops once 15 of them lie beyond the observed one, at 299 at the latest
    (Besag & Clifford 1991), so that a p-value near the level is known to about 0.01 and the
    smallest is 1/300.

    A small p says that respondents do not choose by one scale of worth rank after rank; the
    worths then summarise all ranks on average.

    References
    ----------
    Neyman (1959), in *Probability and Statistics (Cramér volume)*, 213-234; Besag & Clifford
    (1991), *Biometrika* 78, 301-304.
    """
    scale = table.total / float(table.lengths2.sum()) if scale is None else scale
    scaled = table.scaled(scale)
    shrunk = fit_shrunk(scaled)
    statistic, df, stages = _score_statistic(scaled, shrunk.theta)
    if df == 0:
        return StageTest(stages, 0.0, 0, float("nan"), None, 0)
    p_chi2 = chi2_sf(statistic, df)
    simulate = scaled.total < SIMULATE_BELOW if monte_carlo is None else monte_carlo
    if not simulate:
        return StageTest(stages, statistic, df, p_chi2, None, 0)
    p, replicates = _simulated(scaled, shrunk, statistic, np.random.default_rng(rng))
    return StageTest(stages, statistic, df, p_chi2, p, replicates)


def _score_statistic(table: PrefixTable, theta: FloatArray) -> tuple[float, int, int]:
    """Return the statistic at theta, its degrees of freedom, and the number of ranks used."""
    w = np.exp(theta - theta.max())
    last = int(table.stages.max()) + 1 if table.cells else 0
    scores = table.picks[:last].copy()
    informations = np.zeros((last, table.J, table.J))
    for rows, free in table.blocks():
        p = free * w
        p /= p.sum(axis=1, keepdims=True)
        counts = table.counts[rows]
        for s in np.unique(table.stages[rows]):
            here = table.stages[rows] == s
            part = p[here]
            expected = counts[here] @ part
            scores[s] -= expected
            informations[s] += np.diag(expected) - (part * counts[here, None]).T @ part
    value, df = 0.0, 0
    for score, information in zip(scores, informations, strict=True):
        squared, rank = _standardised(score, information)
        value, df = value + squared, df + rank
    squared, rank = _standardised(scores.sum(axis=0), informations.sum(axis=0))
    return max(value - squared, 0.0), max(df - rank, 0), last


def _standardised(score: FloatArray, information: FloatArray) -> tuple[float, int]:
    """Return ``u' I^- u`` and the rank of I."""
    values, vectors = np.linalg.eigh(information)
    seen = values > _NULL * max(float(values[-1]), 1e-300)
    along = vectors[:, seen].T @ score
    return float((along**2 / values[seen]).sum()), int(seen.sum())


def _simulated(
    table: PrefixTable,
    shrunk: Shrinkage,
    observed: float,
    gen: np.random.Generator,
) -> tuple[float, int]:
    """Return the Monte-Carlo p-value and the number of simulated surveys."""
    sigma, theta = shrunk.sigma, shrunk.theta
    lengths = _lengths(table)
    beyond = 0
    for count in range(1, _MOST + 1):
        picks = simulate_picks(theta, lengths.size, int(lengths.max()), rng=gen)
        picks[np.arange(picks.shape[1]) >= lengths[:, None]] = -1
        counter = PrefixCounter(table.J, picks.shape[1])
        counter.add(picks)
        drawn = counter.table()
        refit = laplace(drawn, sigma, start=theta).theta if sigma > 0 else theta
        beyond += _score_statistic(drawn, refit)[0] >= observed * (1 - 1e-9)
        if beyond == _ENOUGH:
            return beyond / count, count
    return (1 + beyond) / (1 + _MOST), _MOST


def _lengths(table: PrefixTable) -> IntArray:
    """Return the lengths of whole ballots that hold as much as the table's, (n,)."""
    counts = np.round(table.lengths).astype(np.int64)
    counts[(table.lengths > 0) & (counts == 0)] = 1
    return np.repeat(np.arange(counts.size), counts)
