"""How far the weights are from changing an enterprise's star: the smallest shift, exactly."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np

from calib._compiled import numba_available
from calib._types import BoolArray, FloatArray, IntArray
from calib.errors import InputError
from calib.framework import Thresholds, Track
from calib.outcomes import _nearest_tv_numba
from calib.outcomes.nearest_l2 import nearest_l2, nearest_l2_jointly
from calib.outcomes.nearest_tv import nearest_tv, nearest_tv_jointly
from calib.rating.collapse import Folded
from calib.rating.kernel import single_threaded_blas
from calib.rating.regions import (
    Condition,
    Standing,
    conditions_down,
    conditions_up,
    standing,
    unit_weights,
    weight_space,
)
from calib.words import message

__all__ = ["Direction", "Engine", "Norm", "SmallestShift", "smallest_shift"]

Norm = Literal["tv", "l2"]
Direction = Literal["down", "up"]

Engine = Literal["auto", "numpy", "numba"]

CHUNK = 2048
WORTH_COMPILING = 300_000
"""Enterprises above which some seconds of compiling pay."""


@dataclass(frozen=True, eq=False)
class SmallestShift:
    """The smallest shift of weights that changes each enterprise's star.

    Attributes
    ----------
    units : (u,) nodes whose global weights move; everything inside them stays
    baseline : (u,) their weights now
    distance : (n,) size of the shift, inf where no shift of these weights does it. Total
        variation ½ Σ |Δ| is the share of all weight that must move; l2 is √ Σ Δ²
    weights : (n, u) weights at the boundary; the star changes there (down) or just beyond (up)
    star : (n,) star now, from 0
    binding : (n,) position of the gated node whose gate alone decides, -1 for the total,
        -2 for several conditions at once, -3 where there is no shift
    folded, X : the space of the weights, and the leaf scores (n, L)
    """

    track: Track
    local: FloatArray
    units: IntArray
    baseline: FloatArray
    norm: Norm
    direction: Direction
    distance: FloatArray
    weights: FloatArray
    star: IntArray
    binding: IntArray
    folded: Folded
    X: FloatArray

    def at(self, i: int, *, part: float = 1.0) -> FloatArray:
        """Return local weights (m,) of a shift, to be rated again.

        Parameters
        ----------
        i : enterprise
        part : how much of the shift is made, 0 to 1

        Raises
        ------
        InputError
            When no shift changes the star of enterprise ``i``.
        """
        if not np.isfinite(self.distance[i]):
            raise InputError(
                message("outcomes.stability.no_shift", row=i, direction=self.direction)
            )
        moved = self.baseline + part * (self.weights[i] - self.baseline)
        moved = np.where(moved > 1e-12, moved, 0.0)  # rounding is not weight
        moved = moved / moved.sum()
        leaf = moved @ self.track.within(self.local, self.units)
        fallback = self.local
        if self.direction == "up":
            fallback = self._best_inside(i, leaf)
        return self.track.local_weights(leaf, fallback)

    def _best_inside(self, i: int, leaf: FloatArray) -> FloatArray:
        """Give emptied nodes the inner weights that the limit has: all on their best unit.

        A shift upward may empty a gated node except for a vanishing rest on its best unit.
        """
        track, fallback = self.track, np.array(self.local)
        total = track.membership(np.arange(len(track.nodes))).astype(float) @ leaf
        scores = self.folded.scores(self.X[i : i + 1])
        for column in _takers(self.folded, scores)[0]:
            node = int(self.units[column])
            while track.parent[node] >= 0 and total[track.parent[node]] <= 0:
                above = int(track.parent[node])
                fallback[track.parent == above] = 0.0
                fallback[node] = 1.0
                node = above
        return fallback

    def reason(self, i: int) -> str:
        """Say what decides: ``total``, ``gate <code>``, ``several`` or ``none``."""
        code = int(self.binding[i])
        words = {-1: "total", -2: "several", -3: "none"}
        return words[code] if code in words else f"gate {self.track.codes[code]}"


def smallest_shift(
    track: Track,
    X: FloatArray,
    local: FloatArray,
    thresholds: Thresholds,
    *,
    direction: Direction,
    norm: Norm = "tv",
    depth: int | None = None,
    margin: float = 0.0,
    workers: int | None = None,
    engine: Engine = "auto",
) -> SmallestShift:
    """Find the smallest shift of weights that lowers or raises each enterprise's star.

    Parameters
    ----------
    X : (n, L) complete leaf scores
    local : (m,) local weights now
    thresholds : effective thresholds of the rating rule
    direction : ``"down"`` or ``"up"``, by one star or more
    norm : ``"tv"`` total variation, or ``"l2"``
    depth : level whose global weights move: 1 pillars, 2 capabilities …; the leaves if None
    margin : points by which the thresholds must be passed. With 0 the weights lie exactly on
        the boundary; with 1e-6, say, rating again under them shows the other star
    workers : threads; all cores if None
    engine : ``"numba"`` (extra ``fast``, total variation only), ``"numpy"``, or whichever is
        there and worth compiling

    Notes
    -----
    Losing a star takes one condition (the total down to its band, or one gate failed): the nearest
    of these. Gaining one takes all at once: a linear program for total variation, a projection
    for l2. An optimum of one unmet condition that happens to meet the others is optimal for all.
    Distances are infima: a star is lost at the boundary and gained just beyond it.
    """
    units = track.leaves if depth is None else track.at_depth(depth)
    folded = weight_space(track, local, thresholds, units)
    n, u, g = len(X), len(folded.nodes), unit_weights(folded)
    distance, weights = np.full(n, np.inf), np.empty((n, u))
    binding, star = np.full(n, -3, dtype=np.int64), np.empty(n, dtype=np.int64)
    ways = conditions_down if direction == "down" else conditions_up
    compiled = _compile(norm, engine, n)
    solvers = _solvers(norm, compiled)

    def solve(start: int) -> None:
        rows = slice(start, min(n, start + CHUNK))
        part = standing(folded, X[rows], margin)
        star[rows], weights[rows] = part.star, g
        found = distance[rows], weights[rows], binding[rows]  # views, filled in place
        if compiled and not thresholds.one_star and folded.shared_gate is not None:
            _nearest_tv_numba.change_stars(part, direction == "up", *found)
            return
        for possible, conditions in ways(part):
            _nearest(part, np.flatnonzero(possible), conditions, solvers, *found)

    starts = range(0, n, CHUNK)
    with single_threaded_blas(), ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        list(pool.map(solve, starts))
    return SmallestShift(
        track, np.asarray(local, dtype=float), folded.nodes, g, norm, direction,
        distance, weights, star, binding, folded, X,
    )  # fmt: skip


@dataclass(frozen=True)
class _Solvers:
    """How one condition, and how several, are met."""

    norm: Norm
    single: Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]
    joint: Callable[[FloatArray, FloatArray, IntArray | None], tuple[FloatArray, FloatArray]]


def _compile(norm: Norm, engine: Engine, rows: int) -> bool:
    """Decide whether to use the compiled solvers; there are none for least squares."""
    if engine not in ("auto", "numpy", "numba"):
        raise InputError(message("outcomes.stability.no_engine", engine=repr(engine)))
    if norm == "l2" or engine == "numpy":
        return False
    return engine == "numba" or (rows > WORTH_COMPILING and numba_available())


def _solvers(norm: Norm, compiled: bool) -> _Solvers:
    if norm == "l2":
        return _Solvers(norm, nearest_l2, lambda c, g, takers: nearest_l2_jointly(c, g))
    if compiled:
        return _Solvers(
            norm, _nearest_tv_numba.nearest_tv,
            lambda c, g, takers: _nearest_tv_numba.nearest_tv_jointly(c, g, receivers=takers),
        )  # fmt: skip
    return _Solvers(
        norm, nearest_tv,
        lambda c, g, takers: nearest_tv_jointly(c, g, receivers=takers),
    )  # fmt: skip


def _nearest(
    at: Standing,
    rows: IntArray,
    conditions: list[Condition],
    solvers: _Solvers,
    distance: FloatArray,
    weights: FloatArray,
    binding: IntArray,
) -> None:
    """Improve distance, weights and binding of some rows by one way to change the star."""
    if not len(rows):
        return
    if len(conditions) == 1:
        rows = rows[_worth(at, rows, conditions[0], distance[rows], solvers.norm)]
    c = np.stack([at.coefficients(d, rows) for d in conditions], axis=1)
    found, moved, why = _solve(at, at.x[rows], c, conditions, solvers)
    better = found < distance[rows]
    who = rows[better]
    distance[who], weights[who], binding[who] = found[better], moved[better], why[better]


def _worth(
    at: Standing, rows: IntArray, condition: Condition, best: FloatArray, norm: Norm
) -> BoolArray:
    """Return which rows one condition could still serve better, by a bound on its distance."""
    c = at.coefficients(condition, rows)
    low, high = c.min(axis=1), c.max(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        bound = -(c @ at.g) / (high - low)
    if norm == "l2":
        # ½ Σ|Δ| <= ½ √u ‖Δ‖, so the l2 distance is at least twice the bound over √u.
        bound = bound * 2 / np.sqrt(at.x.shape[1])
    return np.asarray((high > 0) & ~(bound > best), dtype=bool)


def _takers(folded: Folded, x: FloatArray) -> IntArray:
    """Return the best column of each group: where only rises are required, no other takes mass."""
    runs = zip(folded.edges[:-1], folded.edges[1:], strict=True)
    return np.stack([a + x[:, a:b].argmax(axis=1) for a, b in runs], axis=1)


def _solve(
    at: Standing, x: FloatArray, c: FloatArray, conditions: list[Condition], solvers: _Solvers
) -> tuple[FloatArray, FloatArray, IntArray]:
    names = np.array([-1 if d.group < 0 else int(at.folded.gates[d.group]) for d in conditions])
    count, count_conditions, u = c.shape
    if count_conditions == 1:
        found, moved = solvers.single(c[:, 0], at.g)
        return found, moved, np.full(count, names[0])
    unmet = np.matmul(c, at.g) <= 0
    found, why = np.full(count, np.inf), np.full(count, -2, dtype=np.int64)
    moved = np.broadcast_to(at.g, (count, u)).copy()
    open_ = (c.max(axis=2) > 0).all(axis=1)  # a condition that no column can meet is hopeless
    # Unmet conditions one at a time: an optimum of the relaxation that meets the rest is optimal.
    for j in range(count_conditions):
        alone = np.flatnonzero(open_ & unmet[:, j])
        if not len(alone):
            continue
        near, to = solvers.single(c[alone, j], at.g)
        level = np.einsum("nju,nu->nj", c[alone], to)
        level[:, j] = 0.0
        fits = np.isfinite(near) & (level >= 0).all(axis=1)
        who = alone[fits]
        found[who], moved[who], why[who] = near[fits], to[fits], names[j]
        open_[who] = False
    rest = np.flatnonzero(open_)
    if len(rest):
        takers = _takers(at.folded, x[rest]) if all(d.above for d in conditions) else None
        found[rest], moved[rest] = solvers.joint(c[rest], at.g, takers)
    return found, moved, np.where(np.isfinite(found), why, -3)
