"""Shares of the uncertainty of stars by sampled root: pick and freeze over replicates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from calib._types import FloatArray, IntArray
from calib.errors import InputError
from calib.outcomes.driver_quantities import IMPUTATION, SAMPLE, Quantities
from calib.outcomes.variance_shares import (
    VarianceShares,
    explained_by_pair,
    shapley_errors,
    shares_of,
)
from calib.weights import DECIDED, Plan, Root, WeightSet
from calib.words import message

__all__ = ["over_roots"]

_MOST_VALUES = 2_000_000
"""Values that are held at once; of large ensembles, fewer pairs of draws at a time."""


def over_roots(
    weights: WeightSet,
    quantities: Quantities,
    *,
    size: int,
    together: Sequence[Sequence[str]],
    rng: np.random.Generator,
) -> tuple[VarianceShares, FloatArray, FloatArray]:
    """Return the shares of all roots, their errors, and the variance that each has alone.

    Parameters
    ----------
    size : pairs of draws
    together : groups of roots, by key or kind, that are drawn by the same number
    """
    roots = quantities.roots(weights)
    sizes = _sizes(weights, roots, quantities)
    groups = _groups(roots, together)
    pair: list[dict[str, IntArray]] = [{}, {}]
    for draw in pair:
        for group in groups:
            same = _balanced(min(sizes[r.key] for r in group), size, rng)
            draw |= {root.key: same for root in group}
    alone = np.stack([_alone(weights, root, roots, quantities, pair[0]) for root in roots])
    if any(len(group) > 1 for group in groups):
        depend = [i for i, r in enumerate(roots) if any(r in g and len(g) > 1 for g in groups)]
        shares = _of_dependent(weights, roots, quantities, pair[0], depend)
        return shares, np.full(alone.shape, np.nan), alone
    by_pair = _by_pair(weights, roots, quantities, pair)
    return shares_of(by_pair.mean(axis=1)), shapley_errors(by_pair), alone


def _alone(
    weights: WeightSet,
    root: Root,
    roots: Sequence[Root],
    quantities: Quantities,
    drawn: Mapping[str, IntArray],
) -> FloatArray:
    """Return the variances (T,) when one root varies and the others are as observed."""
    free = drawn[root.key]
    if root.key == SAMPLE:
        free = np.arange(len(quantities.scored()))
    observed = np.full(len(free), DECIDED)
    plan = {r.key: free if r.key == root.key else observed for r in roots}
    return np.asarray(quantities.values(weights, plan).var(axis=0), dtype=float)


def _of_dependent(
    weights: WeightSet,
    roots: Sequence[Root],
    quantities: Quantities,
    drawn: Mapping[str, IntArray],
    depend: Sequence[int],
) -> VarianceShares:
    """Return shares in the game of groups that vary together, the others as observed.

    For a sum of effects the Shapley share of a root is its covariance with the whole. First-order
    and total shares are not defined for the roots ``depend``.
    """
    observed = np.full(len(next(iter(drawn.values()))), DECIDED)
    closed = [np.zeros(len(quantities.targets))]
    for group in range(1, 1 << len(roots)):
        plan = {r.key: drawn[r.key] if group >> i & 1 else observed for i, r in enumerate(roots)}
        closed.append(quantities.values(weights, plan).var(axis=0))
    shares = shares_of(np.stack(closed))
    shares.first[depend], shares.total[depend] = np.nan, np.nan
    return shares


def _by_pair(
    weights: WeightSet,
    roots: Sequence[Root],
    quantities: Quantities,
    pair: Sequence[Mapping[str, IntArray]],
) -> FloatArray:
    """Return what each pair of draws tells of the variances that groups of roots explain.

    Stars of another sample under weights that are at hand cost next to nothing beside the weights:
    which sample was observed is not drawn, all are looked at.
    """
    keys = [r.key for r in roots if r.key != SAMPLE]
    crossed = len(keys) < len(roots)
    corners, size = 1 << len(keys), len(pair[0][roots[0].key])
    samples = len(quantities.scored()) if crossed else 1
    step = max(1, _MOST_VALUES // (corners * samples * len(quantities.targets)))
    out = []
    for start in range(0, size, step):
        k = min(step, size - start)
        plan: Plan = {
            key: np.concatenate([
                pair[0 if corner >> i & 1 else 1][key][start : start + k]
                for corner in range(corners)
            ])
            for i, key in enumerate(keys)
        } or {"": np.zeros(k, dtype=np.int64)}  # fmt: skip
        of = quantities.in_every_sample if crossed else quantities.values
        found = of(weights, plan)
        out.append(explained_by_pair(found.reshape(corners, k, *found.shape[1:])))
    return np.concatenate(out, axis=1)


def _balanced(size: int, n: int, rng: np.random.Generator) -> IntArray:
    """Draw ``n`` of ``size`` replicates, none more than once oftener than another."""
    turns = [rng.permutation(size) for _ in range(-(-n // size))]
    return np.concatenate(turns)[:n]


def _sizes(weights: WeightSet, roots: Sequence[Root], quantities: Quantities) -> dict[str, int]:
    """Return how many replicates there are of each root."""
    out: dict[str, int] = {}
    for known in (weights, quantities.baseline):
        if known is not None and known.uncertainty is not None:
            for key in known.uncertainty.roots:
                out[key] = min(known.uncertainty.size, out.get(key, known.uncertainty.size))
    if any(r.key == SAMPLE for r in roots):
        out[SAMPLE] = len(quantities.scored())
    if any(r.key == IMPUTATION for r in roots):
        out[IMPUTATION] = quantities.imputations
    return out


def _groups(roots: Sequence[Root], together: Sequence[Sequence[str]]) -> list[list[Root]]:
    """Return the roots in groups that are drawn by one number."""
    kinds = [r.kind for r in roots]
    by_name = {r.kind: r for r in roots if kinds.count(r.kind) == 1} | {r.key: r for r in roots}
    known = [r.kind if kinds.count(r.kind) == 1 else r.key for r in roots]
    taken: list[Root] = []
    for name in (name for group in together for name in group):
        if name not in by_name or by_name[name] in taken:
            raise InputError(message("outcomes.drivers.no_root", key=repr(name), known=known))
        taken.append(by_name[name])
    return [[by_name[k] for k in g] for g in together] + [[r] for r in roots if r not in taken]
