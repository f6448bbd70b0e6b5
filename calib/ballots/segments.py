"""Tests whether segments of respondents, or items of one group, differ in their worths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calib._types import FloatArray, IntArray, Seed
from calib.ballots.data import Ballots
from calib.ballots.equality import chi2_sf, holm
from calib.ballots.plackett import fit_tied, supremum_loglik
from calib.ballots.prefix import PrefixTable, tabulate
from calib.ballots.robust import cluster_index, effective_table, likelihood_scale
from calib.ballots.shrinkage import Shrinkage, fit_shrunk
from calib.errors import InputError
from calib.words import message

__all__ = [
    "GroupEquality",
    "SegmentTest",
    "group_equality",
    "segment_test",
]

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
    scale = table.total / float(table.lengths2.sum()) if scale is None else scale
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
