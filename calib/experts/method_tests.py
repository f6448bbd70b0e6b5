"""Whether experts differ by how they were asked.

Two ways of asking can give one opinion different weights (Best-Worst stretches, ratings flatten).
Groups of experts that are really methods are no groups of opinion, so both are tested at a node:
whether weights differ between methods, and whether a division of the panel follows the methods.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from calib._types import FloatArray, IntArray, Seed
from calib.experts.diagnostics import ZERO_SUBSTITUTE, aitchison_distances
from calib.experts.panel import same_method

__all__ = ["Association", "MethodDifference", "method_association", "method_difference"]

DRAWS = 9999  # the smallest p is then 0.0001, below 0.05 after Holm's correction over 500 nodes
MOST_TABLES = 20_000


def _groups(methods: Sequence[str]) -> tuple[tuple[str, ...], IntArray]:
    merged = [same_method(method) for method in methods]
    names = tuple(sorted(set(merged)))
    return names, np.array([names.index(method) for method in merged], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class MethodDifference:
    """Whether the weights at a node differ between elicitation methods.

    Parameters
    ----------
    methods : names of the methods, complete and incomplete comparisons being one
    group : (k,) position of each expert's method
    f : pseudo-F, variation between methods over variation within; NaN where undefined
    r2 : share of the squared log-ratio distances that lies between methods
    p : p-value of "no difference", NaN where undefined
    floor : smallest p that this test can give
    permutations : arrangements of the methods that were tried
    exact : whether these are all arrangements
    """

    methods: tuple[str, ...]
    group: IntArray
    f: float
    r2: float
    p: float
    floor: float
    permutations: int
    exact: bool


def method_difference(
    weights: FloatArray,
    methods: Sequence[str],
    *,
    draws: int = DRAWS,
    substitute: float = ZERO_SUBSTITUTE,
    rng: Seed = None,
) -> MethodDifference:
    """Test whether experts asked in different ways give different weights (PERMANOVA).

    Parameters
    ----------
    weights : (k, n) rows sum to 1
    methods
        (k,) elicitation method of each expert.
    draws
        Random arrangements; all are tried if there are no more than these.
    substitute
        As in :func:`calib.experts.diagnostics.centred_log_ratios`.
    rng
        Generator or seed.

    Notes
    -----
    pseudo-F = (SS_between/(g − 1)) / (SS_within/(k − g)) of squared Aitchison distances, against
    its values when the methods are dealt out to the experts at random; drawn arrangements give
    p = (b + 1)/(B + 1). A larger spread within one method can also make it significant. Undefined
    for one method, and when every expert has a method of their own.

    References
    ----------
    Anderson (2001), Austral Ecology 26, 32-46; Phipson and Smyth (2010), for (b + 1)/(B + 1).
    """
    names, group = _groups(methods)
    k, g = len(group), len(names)
    nan = float("nan")
    if g < 2 or k <= g:
        return MethodDifference(names, group, nan, nan, nan, nan, 0, False)
    squared = aitchison_distances(weights, substitute=substitute) ** 2
    total = squared.sum() / (2 * k)
    within = float(_within(squared, group[None], g)[0])
    labels, exact = _arrangements(group, draws, rng)
    drawn = np.concatenate([_within(squared, part, g) for part in np.array_split(labels, 20)])
    slack = 1e-9 * max(total, 1e-300)  # arrangements that only rename experts tie
    p = _p_value(int((drawn <= within + slack).sum()), len(drawn), exact)
    least = float((drawn <= drawn.min() + slack).mean()) if exact else 1 / (len(drawn) + 1)
    if total <= 1e-18:
        return MethodDifference(names, group, nan, 0.0, 1.0, least, len(drawn), exact)
    between = (total - within) / (g - 1)
    f = between / (within / (k - g)) if within > slack else math.inf
    return MethodDifference(names, group, f, 1 - within / total, p, least, len(drawn), exact)


def _p_value(as_extreme: int, tried: int, exact: bool) -> float:
    # All arrangements contain the observed one; random ones have to be joined by it.
    return as_extreme / tried if exact else (as_extreme + 1) / (tried + 1)


def _within(squared: FloatArray, labels: IntArray, g: int) -> FloatArray:
    """Compute the within-group sums of squares for (b, k) labels."""
    out = np.zeros(len(labels))
    for which in range(g):
        member = (labels == which).astype(float)
        size = member.sum(axis=1)
        pairs = ((member @ squared) * member).sum(axis=1)
        out += np.divide(pairs, 2 * size, out=np.zeros(len(labels)), where=size > 0)
    return out


def _arrangements(group: IntArray, draws: int, rng: Seed) -> tuple[IntArray, bool]:
    sizes = np.bincount(group)
    count = math.factorial(len(group)) // math.prod(math.factorial(int(s)) for s in sizes)
    if count <= draws:
        return np.array(list(_all_labels(sizes.tolist())), dtype=np.int64), True
    generator = np.random.default_rng(rng)
    return generator.permuted(np.tile(group, (draws, 1)), axis=1), False


def _all_labels(sizes: list[int]) -> Iterator[list[int]]:
    """List every way to deal out labels 0, 1, … with given counts."""

    def deal(which: int, free: tuple[int, ...], label: list[int]) -> Iterator[list[int]]:
        if which == len(sizes) - 1:
            yield [which if i in free else own for i, own in enumerate(label)]
            return
        for chosen in itertools.combinations(free, sizes[which]):
            rest = tuple(i for i in free if i not in chosen)
            yield from deal(
                which + 1, rest, [which if i in chosen else own for i, own in enumerate(label)]
            )

    yield from deal(0, tuple(range(sum(sizes))), [0] * sum(sizes))


@dataclass(frozen=True, slots=True)
class Association:
    """Whether a division of the panel follows the elicitation methods.

    Parameters
    ----------
    table : (groups, methods) experts
    methods : names of the methods
    cramers_v : strength, 0 (none) to 1 (group tells method or the reverse); NaN where undefined
    p : p-value of "no association", NaN where undefined
    floor : smallest p that this test can give with so many experts in groups and methods
    permutations : tables that were tried
    exact : whether these are all tables with the same totals
    """

    table: IntArray
    methods: tuple[str, ...]
    cramers_v: float
    p: float
    floor: float
    permutations: int
    exact: bool


def method_association(
    labels: IntArray, methods: Sequence[str], *, draws: int = DRAWS, rng: Seed = None
) -> Association:
    """Test whether groups of experts go with how they were asked (Fisher's exact test).

    Parameters
    ----------
    labels : (k,) group of each expert, from 0
    methods
        (k,) elicitation method of each expert.
    draws
        Random tables with the same totals, where there are too many to list.
    rng
        Generator or seed.

    Notes
    -----
    p is the probability, given the totals, of a table at most as likely as the one found. With few
    experts even a perfect association may not reach 0.05: then ``floor`` is above it, and the test
    can tell nothing. Undefined for one group or one method.
    """
    names, group = _groups(methods)
    labels = np.asarray(labels, dtype=np.int64)
    table = np.zeros((int(labels.max()) + 1, len(names)), dtype=np.int64)
    np.add.at(table, (labels, group), 1)
    nan = float("nan")
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    if min(table.shape) < 2:
        return Association(table, names, nan, nan, nan, 0, False)
    expected = np.outer(rows, columns) / table.sum()
    chi2 = float(((table - expected) ** 2 / expected).sum())
    v = math.sqrt(chi2 / (table.sum() * (min(table.shape) - 1)))
    listed = np.array(list(itertools.islice(_tables(rows, columns), MOST_TABLES + 1)))
    exact = len(listed) <= MOST_TABLES
    if not exact:
        from scipy.stats import random_table

        generator = np.random.default_rng(rng)
        listed = random_table(rows, columns).rvs(draws, random_state=generator)
    found, logs = _log_chance(table[None])[0], _log_chance(listed)
    unlikely = logs <= found + 1e-9
    if exact:
        chance = np.exp(logs - logs.max())
        chance /= chance.sum()
        p, floor = float(chance[unlikely].sum()), float(chance[logs <= logs.min() + 1e-9].sum())
    else:
        p, floor = _p_value(int(unlikely.sum()), draws, exact=False), 1 / (draws + 1)
    return Association(table, names, v, min(p, 1.0), floor, len(listed), exact)


def _log_chance(tables: IntArray) -> FloatArray:
    """Compute the log probability of (b, r, c) tables given their totals, up to a constant."""
    from scipy.special import gammaln

    return np.asarray(-gammaln(tables + 1.0).sum(axis=(1, 2)), dtype=float)


def _tables(rows: IntArray, columns: IntArray) -> Iterator[IntArray]:
    """List every table of counts with given totals, column by column."""

    def fill(left: tuple[int, ...], at: int) -> Iterator[list[tuple[int, ...]]]:
        if at == len(columns) - 1:
            yield [left]
            return
        for column in _shares(int(columns[at]), left):
            rest = tuple(a - b for a, b in zip(left, column, strict=True))
            for further in fill(rest, at + 1):
                yield [column, *further]

    for found in fill(tuple(int(r) for r in rows), 0):
        yield np.array(found, dtype=np.int64).T


def _shares(total: int, most: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """List every way to spread a total over cells with upper limits."""
    if len(most) == 1:
        if total <= most[0]:
            yield (total,)
        return
    for first in range(min(total, most[0]) + 1):
        for rest in _shares(total - first, most[1:]):
            yield (first, *rest)
