"""Do all follow the same worths? Tests across ranks, segments, and within groups of items."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calib._types import FloatArray, IntArray, Seed
from calib.ballots.equality import chi2_sf, holm
from calib.ballots.plackett import fit_tied, supremum_loglik
from calib.ballots.prefix import PrefixCounter, PrefixTable, tabulate
from calib.ballots.robust import (
    cluster_index,
    effective_table,
    likelihood_scale,
    weights_differ,
)
from calib.ballots.shrinkage import Shrinkage, fit_shrunk, laplace
from calib.ballots.simulation import simulate_picks
from calib.ballots.survey import Ballots
from calib.errors import InputError
from calib.words import message

__all__ = [
    "GroupEquality",
    "SegmentTest",
    "StageTest",
    "group_equality",
    "segment_test",
    "stage_test",
]

SIMULATE_BELOW = 2000
_MOST = 299
_MOST_WEIGHTED = 20_000  # ballots; of more the effective number is simulated
_LEAST_EFFECTIVE = 5  # of fewer a ballot or two decide; simulated, such tests reject too often
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
        show; 0 when nothing can be compared, or the ballots are worth fewer than 5, and then p is
        NaN: the test does not exist
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
    ballots: Ballots | None = None,
    monte_carlo: bool | None = None,
    rng: Seed = None,
) -> StageTest:
    """Test whether the choices at all ranks follow the same worths, as Plackett-Luce says.

    Parameters
    ----------
    table : sufficient statistics
    scale : factor that makes the weights sum to the effective number of ballots, for weights and
        clusters; by default for weights
    ballots : the ballots of the table, where respondents have different weights: simulated
        surveys then have the same respondents; without it, as many as their effective number
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
    alike. Few heavy ballots among many light ones spread it otherwise than as many equal ones
    would, hence ``ballots``. Simulation stops once 15 of them lie beyond the observed one, at 299
    at the latest (Besag & Clifford 1991), so that a p-value near the level is known to about 0.01
    and the smallest is 1/300. Where weights make the survey worth fewer than 5 equal ballots, one
    or two of them decide, and nothing is tested.

    A small p says that respondents do not choose by one scale of worth rank after rank; the
    worths then summarise all ranks on average.

    References
    ----------
    Neyman (1959), in *Probability and Statistics (Cramér volume)*, 213-234; Besag & Clifford
    (1991), *Biometrika* 78, 301-304.
    """
    scale = table.kish_factor if scale is None else scale
    scaled = table.scaled(scale)
    shrunk = fit_shrunk(scaled)
    statistic, df, stages = _score_statistic(scaled, shrunk.theta)
    few = ballots is not None and weights_differ(ballots) and scaled.total < _LEAST_EFFECTIVE
    if df == 0 or few:
        return StageTest(stages, 0.0, 0, float("nan"), None, 0)
    p_chi2 = chi2_sf(statistic, df)
    simulate = scaled.total < SIMULATE_BELOW if monte_carlo is None else monte_carlo
    if not simulate:
        return StageTest(stages, statistic, df, p_chi2, None, 0)
    lengths, weight = _lengths(scaled), None
    if ballots is not None and weights_differ(ballots) and ballots.n <= _MOST_WEIGHTED:
        lengths, weight = ballots.lengths, ballots.weights * scale
    gen = np.random.default_rng(rng)
    p, replicates = _simulated(scaled, shrunk, statistic, lengths, weight, gen)
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
    lengths: IntArray,
    weight: FloatArray | None,
    gen: np.random.Generator,
) -> tuple[float, int]:
    """Return the Monte-Carlo p-value and the number of simulated surveys."""
    sigma, theta = shrunk.sigma, shrunk.theta
    beyond = 0
    for count in range(1, _MOST + 1):
        picks = simulate_picks(theta, lengths.size, int(lengths.max()), rng=gen)
        picks[np.arange(picks.shape[1]) >= lengths[:, None]] = -1
        counter = PrefixCounter(table.J, picks.shape[1])
        counter.add(picks, weight)
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


_PERMUTE_BELOW = 100


@dataclass(frozen=True, slots=True)
class SegmentTest:
    """Likelihood-ratio test of different worths in different segments.

    Parameters
    ----------
    segments : names of the segments
    sizes : ballots in each
    statistic, df : likelihood ratio and its degrees of freedom ``(S - 1)(J - 1)``
    p_chi2 : p-value by chi-square
    p_permutation : p-value from shuffled segment labels, or None
    tables : sufficient statistics of each segment, scaled to its effective number of ballots
    """

    segments: tuple[str, ...]
    sizes: tuple[int, ...]
    statistic: float
    df: int
    p_chi2: float
    p_permutation: float | None
    tables: tuple[PrefixTable, ...]

    @property
    def fits(self) -> tuple[Shrinkage, ...]:
        """Shrunk worths of each segment."""
        return tuple(fit_shrunk(table) for table in self.tables)

    @property
    def p(self) -> float:
        """The p-value to use: by permutation where it was computed."""
        return self.p_chi2 if self.p_permutation is None else self.p_permutation


def segment_test(
    ballots: Ballots,
    segment: Sequence[str] | NDArray[np.str_] | None = None,
    *,
    permutations: int | None = None,
    rng: Seed = None,
) -> SegmentTest:
    """Test whether segments of respondents follow different worths.

    Parameters
    ----------
    ballots : the ballots
    segment : (n,) segment of each ballot; those of the ballots by default
    permutations : shuffles of the labels; by default 199 when a segment has under 100 ballots
        (many items then have few picks, and chi-square rejects too often), else 0. Labels
        of whole enterprises are shuffled when these sent several ballots

    Raises
    ------
    InputError
        If there are no segments, or only one.
    """
    labels = ballots.segment if segment is None else np.asarray(segment, dtype=str)
    if labels is None or len(labels) != ballots.n:
        raise InputError(message("ballots.input.segments_length"))
    names, index = np.unique(labels, return_inverse=True)
    if names.size < 2:
        raise InputError(message("ballots.input.one_segment", segment=str(names[0])))
    sizes = np.bincount(index)
    scale = likelihood_scale(ballots)
    pooled = supremum_loglik(tabulate(ballots))

    def statistic(index: NDArray[np.intp]) -> float:
        parts = [tabulate(ballots.take(index == g)) for g in range(names.size)]
        return 2.0 * scale * (sum(supremum_loglik(part) for part in parts) - pooled)

    observed = max(statistic(index), 0.0)
    df = (names.size - 1) * (ballots.J - 1)
    shuffles = permutations
    if shuffles is None:
        shuffles = 199 if sizes.min() < _PERMUTE_BELOW else 0
    p_permutation: float | None = None
    shuffle = _shuffler(ballots, index)
    if shuffles and shuffle is not None:
        gen = np.random.default_rng(rng)
        beyond = sum(statistic(shuffle(gen)) >= observed - 1e-9 for _ in range(shuffles))
        p_permutation = (1 + beyond) / (1 + shuffles)
    return SegmentTest(
        tuple(names.tolist()),
        tuple(sizes.tolist()),
        observed,
        df,
        chi2_sf(observed, df),
        p_permutation,
        tuple(_effective(ballots.take(index == g)) for g in range(names.size)),
    )


def _effective(part: Ballots) -> PrefixTable:
    clusters = cluster_index(part)
    if clusters is not None and clusters[1] == 1:  # one enterprise is one opinion
        table = tabulate(part).effective()
        return table.scaled(1.0 / table.total)
    return effective_table(part).table


def _shuffler(
    ballots: Ballots, index: NDArray[np.intp]
) -> Callable[[np.random.Generator], NDArray[np.intp]] | None:
    """Return what shuffles the labels: over ballots, or over enterprises that sent several.

    None when an enterprise's ballots are in different segments: neither shuffle is then fair.
    """
    clusters = cluster_index(ballots)
    if clusters is None:
        return lambda gen: gen.permutation(index)
    of_ballot, count = clusters
    label = np.zeros(count, dtype=np.intp)
    label[of_ballot] = index
    if (label[of_ballot] != index).any():
        return None
    return lambda gen: gen.permutation(label)[of_ballot]


@dataclass(frozen=True, slots=True)
class GroupEquality:
    """Tests that items of one group (the siblings under a capability) have equal worth.

    Parameters
    ----------
    statistic, df, p : all groups at once: equal within every group, free between groups
    group_statistic, group_df, group_p, group_p_holm : (G,) one group at a time
    """

    statistic: float
    df: int
    p: float
    group_statistic: FloatArray
    group_df: IntArray
    group_p: FloatArray
    group_p_holm: FloatArray


def group_equality(
    table: PrefixTable, groups: IntArray, *, scale: float | None = None
) -> GroupEquality:
    """Test equality within groups of items, leaving the groups free to differ.

    Parameters
    ----------
    table : sufficient statistics
    groups : (J,) group number of each item, 0 to G - 1
    scale : factor of the likelihood ratio for weights and clusters; by default for weights

    Notes
    -----
    This is the published claim proper: indicator weights are equal *within a capability*.
    """
    groups = np.asarray(groups, dtype=np.int64)
    G = int(groups.max()) + 1
    free = supremum_loglik(table)
    scale = table.kish_factor if scale is None else scale
    together = max(2.0 * scale * (free - fit_tied(table, groups)), 0.0)
    sizes = np.bincount(groups, minlength=G)
    single, p = np.zeros(G), np.ones(G)
    for g in np.flatnonzero(sizes > 1):
        apart = np.arange(table.J)
        apart[groups == g] = np.flatnonzero(groups == g)[0]
        _, relabelled = np.unique(apart, return_inverse=True)
        single[g] = max(2.0 * scale * (free - fit_tied(table, relabelled)), 0.0)
        p[g] = chi2_sf(float(single[g]), int(sizes[g]) - 1)
    adjusted = np.ones(G)
    several = sizes > 1
    adjusted[several] = holm(p[several])
    df = int((sizes - 1).sum())
    return GroupEquality(together, df, chi2_sf(together, df), single, sizes - 1, p, adjusted)
