"""The least mass to move, compiled: the same algorithms as the array versions, row by row."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from calib._compiled import numba_njit
from calib._types import FloatArray, IntArray
from calib.errors import ConvergenceError
from calib.rating.regions import Standing
from calib.words import message

__all__ = ["change_stars", "nearest_tv", "nearest_tv_jointly"]

TOLERANCE = 1e-11
PIVOT = 1e-10


@lru_cache(maxsize=4)
def _compiled(which: str) -> Any:
    compiled = numba_njit(message("extras.stability"))(nogil=True, error_model="numpy")
    if which == "one":
        return compiled(_one)
    if which == "joint":
        return compiled(_jointly(*map(compiled, (_begin, _leave, _rank, _swap, _read))))
    if which == "up":
        return compiled(_rises(_compiled("joint")))
    return compiled(_falls(_compiled("one")))


def nearest_tv(c: FloatArray, g: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Move the least mass to meet one condition; see :mod:`calib.outcomes.nearest_tv`."""
    distance = np.empty(len(c))
    weights = np.empty(c.shape)
    _compiled("one")(np.ascontiguousarray(c), np.ascontiguousarray(g), distance, weights)
    return distance, weights


def nearest_tv_jointly(
    conditions: FloatArray, g: FloatArray, *, receivers: IntArray | None = None
) -> tuple[FloatArray, FloatArray]:
    """Move the least mass to meet all conditions; see :mod:`calib.outcomes.nearest_tv`."""
    n, _, u = conditions.shape
    if receivers is None:
        receivers = np.broadcast_to(np.arange(u), (n, u))
    distance = np.empty(n)
    weights = np.empty((n, u))
    scale = np.maximum(np.abs(conditions).max(axis=2, keepdims=True), 1e-300)
    unfinished = _compiled("joint")(
        conditions / scale,
        np.ascontiguousarray(g),
        np.ascontiguousarray(receivers),
        distance,
        weights,
    )
    if unfinished:
        raise ConvergenceError(
            message("outcomes.stability.unfinished", n=unfinished, of=n, steps=200)
        )
    return distance, weights


def change_stars(
    at: Standing, up: bool, distance: FloatArray, weights: FloatArray, binding: IntArray
) -> None:
    """Find the smallest shifts of some enterprises, all in one pass; the rule is highest-met.

    Parameters
    ----------
    at : the enterprises as they stand
    distance, weights, binding : filled in place, as `SmallestShift` has them
    """
    groups = np.array([-1, *at.gated_groups()], dtype=np.int64)
    names = np.array([-1, *(int(at.folded.gates[p]) for p in groups[1:])], dtype=np.int64)
    unfinished = _compiled("up" if up else "down")(
        at.x, at.g, at.folded.edges, groups, names, at.star, at.caps, at.rule.band,
        at.folded.shared_gate,
        at.margin, distance, weights, binding,
    )  # fmt: skip
    if unfinished:
        raise ConvergenceError(
            message("outcomes.stability.unfinished", n=unfinished, of=len(at.x), steps=200)
        )


def _rises(joint: Any) -> Any:
    def rises(
        x: Any, g: Any, edges: Any, groups: Any, names: Any, star: Any, caps: Any, band: Any,
        gate: Any, margin: float, distance: Any, weights: Any, binding: Any,
    ) -> int:  # fmt: skip
        n, u = x.shape
        conditions, runs, size = len(groups), len(edges) - 1, 128
        c, taker = np.zeros((size, conditions, u)), np.zeros((size, runs), np.int64)
        near, there, who = np.empty(size), np.empty((size, u)), np.empty(size, np.int64)
        unfinished, have = 0, 0
        for i in range(n):
            if star[i] < len(band) and caps[i] > star[i]:
                hopeless = False
                for d in range(conditions):
                    p = groups[d]
                    edge = margin + (band[star[i]] if p < 0 else gate[star[i]])
                    first = 0 if p < 0 else edges[p]
                    last = u if p < 0 else edges[p + 1]
                    top, size_of = -1.0, 1e-300
                    for a in range(u):
                        c[have, d, a] = 0.0
                    for a in range(first, last):
                        c[have, d, a] = x[i, a] - edge
                        top = max(top, c[have, d, a])
                        size_of = max(size_of, abs(c[have, d, a]))
                    hopeless |= top <= 0
                    for a in range(first, last):
                        c[have, d, a] /= size_of
                for p in range(runs):
                    taker[have, p] = edges[p]
                    for a in range(edges[p], edges[p + 1]):
                        if x[i, a] > x[i, taker[have, p]]:
                            taker[have, p] = a
                if not hopeless:
                    who[have] = i
                    have += 1
            if have == size or (i == n - 1 and have > 0):
                unfinished += joint(c[:have], g, taker[:have], near, there)
                for k in range(have):
                    if not np.isfinite(near[k]):
                        continue
                    r = who[k]
                    distance[r] = near[k]
                    weights[r] = there[k]
                    binding[r] = -2
                    tight = 0
                    for d in range(conditions):
                        now, then = 0.0, 0.0
                        for a in range(u):
                            now += c[k, d, a] * g[a]
                            then += c[k, d, a] * there[k, a]
                        if now <= 0 and then < 1e-10:
                            tight += 1
                            binding[r] = names[d]
                    if tight != 1:
                        binding[r] = -2
                have = 0
        return unfinished

    return rises


def _falls(one: Any) -> Any:
    def falls(
        x: Any, g: Any, edges: Any, groups: Any, names: Any, star: Any, caps: Any, band: Any,
        gate: Any, margin: float, distance: Any, weights: Any, binding: Any,
    ) -> int:  # fmt: skip
        n, u = x.shape
        c, near, there = np.zeros((1, u)), np.empty(1), np.empty((1, u))
        for i in range(n):
            if star[i] == 0:
                continue
            for d in range(len(groups)):
                p = groups[d]
                edge = (band[star[i] - 1] if p < 0 else gate[star[i] - 1]) - margin
                if not np.isfinite(edge):
                    continue
                c[:] = 0.0
                value, low, top = 0.0, 0.0, 0.0
                for a in range(0 if p < 0 else edges[p], u if p < 0 else edges[p + 1]):
                    c[0, a] = edge - x[i, a]
                    value += c[0, a] * g[a]
                    low, top = min(low, c[0, a]), max(top, c[0, a])
                # The distance is at least the deficit over the largest gain of a unit of mass.
                if top <= 0 or -value > distance[i] * (top - low):
                    continue
                one(c, g, near, there)
                if near[0] < distance[i]:
                    distance[i] = near[0]
                    weights[i] = there[0]
                    binding[i] = names[d]
        return 0

    return falls


def _one(c: Any, g: Any, distance: Any, weights: Any) -> None:
    n, u = c.shape
    order = np.empty(u, np.int64)
    for i in range(n):
        value, best = 0.0, 0
        for a in range(u):
            weights[i, a] = g[a]
            value += c[i, a] * g[a]
            if c[i, a] > c[i, best]:
                best = a
            b = a  # insertion sort, rising
            while b > 0 and c[i, order[b - 1]] > c[i, a]:
                order[b] = order[b - 1]
                b -= 1
            order[b] = a
        distance[i] = 0.0
        need = -value
        if need <= 0:
            continue
        if c[i, best] <= 0:
            distance[i] = np.inf
            continue
        moved = 0.0
        for k in range(u):
            a = order[k]
            gain = c[i, best] - c[i, a]
            if gain <= 0:
                break
            take = min(g[a], need / gain)
            weights[i, a] -= take
            moved += take
            need -= take * gain
            if take < g[a] or need <= 0:
                break
        weights[i, best] += moved
        distance[i] = moved


def _jointly(begin: Any, leave: Any, rank: Any, swap: Any, read: Any) -> Any:
    """Return the dual simplex with long steps, put together from its compiled steps.

    Columns are the mass that each weight gives (bounded by the weight), the mass that each
    receiver takes, and the slack of each condition. A step passes on

    - the problem: columns (width, q), upper bounds, reduced costs, which columns stand at their
      upper bound, which are basic, the inverse of the basis (q, q), values and columns of the basis
    - room to work in: the leaving row, what each column does for it, ratios, their order, the
      entering column, and the sum of the columns that go from one bound to the other
    """

    def joint(c: Any, g: Any, receivers: Any, distance: Any, weights: Any) -> int:
        n, conditions, u = c.shape
        q, width = conditions + 1, u + receivers.shape[1] + conditions
        problem = (
            np.zeros((width, q)), np.empty(width), np.empty(width), np.empty(width, np.bool_),
            np.empty(width, np.bool_), np.empty((q, q)), np.empty(q), np.empty(q, np.int64),
        )  # fmt: skip
        room = (
            np.empty(width), np.empty(width), np.empty(width), np.empty(width, np.int64),
            np.empty(q), np.empty(q),
        )  # fmt: skip
        unfinished = 0
        for i in range(n):
            begin(c[i], g, receivers[i], problem)
            distance[i], weights[i, :], working = np.inf, g, True
            for _ in range(200):
                leaving, short, sign = leave(problem)
                if short <= TOLERANCE:
                    distance[i] = read(g, receivers[i], problem, weights[i])
                    working = False
                    break
                usable = rank(leaving, sign, problem, room)
                if not swap(leaving, sign, short, usable, problem, room):
                    working = False  # no weights meet the conditions
                    break
            unfinished += working
        return unfinished

    return joint


def _begin(c: Any, g: Any, receivers: Any, problem: Any) -> None:
    """Set up one row: nothing has moved, one receiver and the slacks are basic."""
    column, upper, reduced, at_upper, basic, inverse, value, basis = problem
    conditions, u = c.shape
    r = len(receivers)
    column[:] = 0.0
    for a in range(u):
        for j in range(conditions):
            column[a, j] = -c[j, a]
        column[a, conditions] = -1.0
        upper[a], reduced[a] = g[a], 1.0
    best = 0
    for k in range(r):
        for j in range(conditions):
            column[u + k, j] = c[j, receivers[k]]
        column[u + k, conditions] = 1.0
        upper[u + k], reduced[u + k] = np.inf, 0.0
        if c[0, receivers[k]] > c[0, receivers[best]]:
            best = k
    at_upper[:] = False
    basic[:] = False
    inverse[:] = 0.0
    for j in range(conditions):
        column[u + r + j, j] = -1.0
        upper[u + r + j], reduced[u + r + j] = np.inf, 0.0
        basis[j] = u + r + j
        basic[u + r + j] = True
        inverse[j, j] = -1.0
        inverse[j, conditions] = c[j, receivers[best]]
        value[j] = 0.0
        for a in range(u):
            value[j] += c[j, a] * g[a]
    basis[conditions] = u + best
    basic[u + best] = True
    inverse[conditions, conditions] = 1.0
    value[conditions] = 0.0


def _leave(problem: Any) -> Any:
    """Return the row furthest outside its bounds, by how much, and on which side (1 below)."""
    _, upper, _, _, _, _, value, basis = problem
    leaving, short, sign = 0, -1.0, 1.0
    for k in range(len(value)):
        if -value[k] > short:
            leaving, short, sign = k, -value[k], 1.0
        if value[k] - upper[basis[k]] > short:
            leaving, short, sign = k, value[k] - upper[basis[k]], -1.0
    return leaving, short, sign


def _rank(leaving: int, sign: float, problem: Any, room: Any) -> int:
    """Order the columns that bring the row back, the cheapest first; return how many there are."""
    column, _, reduced, at_upper, basic, inverse, value, _ = problem
    alpha, toward, ratio, order, _, _ = room
    usable = 0
    for a in range(len(reduced)):
        alpha[a] = 0.0
        if basic[a]:
            continue
        for k in range(len(value)):
            alpha[a] += inverse[leaving, k] * column[a, k]
        toward[a] = sign * (alpha[a] if at_upper[a] else -alpha[a])
        if toward[a] > PIVOT:
            ratio[a] = abs(reduced[a]) / toward[a]
            b = usable
            while b > 0 and ratio[order[b - 1]] > ratio[a]:
                order[b] = order[b - 1]
                b -= 1
            order[b] = a
            usable += 1
    return usable


def _swap(leaving: int, sign: float, short: float, usable: int, problem: Any, room: Any) -> bool:
    """Pass columns from bound to bound while the row stays outside; let the next one enter.

    Returns False where all of them together do not bring the row back.
    """
    column, upper, reduced, at_upper, basic, inverse, value, basis = problem
    alpha, toward, _, order, direction, shift = room
    q = len(value)
    passed, relief = 0, 0.0
    while passed < usable:
        relief += toward[order[passed]] * upper[order[passed]]
        if relief >= short * (1 - 1e-12):
            break
        passed += 1
    if passed >= usable:
        return False
    entering = order[passed]
    shift[:] = 0.0
    for p in range(passed):
        a = order[p]
        step = -upper[a] if at_upper[a] else upper[a]
        at_upper[a] = not at_upper[a]
        for k in range(q):
            shift[k] += column[a, k] * step
    for k in range(q):
        direction[k] = 0.0
        for m in range(q):
            if passed:
                value[k] -= inverse[k, m] * shift[m]
            direction[k] += inverse[k, m] * column[entering, m]
    out = basis[leaving]
    bound = 0.0 if sign > 0 else upper[out]
    step = (value[leaving] - bound) / direction[leaving]
    start = upper[entering] if at_upper[entering] else 0.0
    for k in range(q):
        value[k] -= direction[k] * step
    value[leaving] = start + step
    price = reduced[entering] / direction[leaving]
    for a in range(len(reduced)):
        reduced[a] -= price * alpha[a]
    reduced[entering], reduced[out] = 0.0, -price
    at_upper[out], at_upper[entering] = sign < 0, False
    basic[out], basic[entering] = False, True
    basis[leaving] = entering
    for m in range(q):
        inverse[leaving, m] /= direction[leaving]
    for k in range(q):
        if k != leaving:
            for m in range(q):
                inverse[k, m] -= direction[k] * inverse[leaving, m]
    return True


def _read(g: Any, receivers: Any, problem: Any, weights: Any) -> float:
    """Move the mass as the optimum says; return how much moved."""
    _, upper, _, at_upper, basic, _, value, basis = problem
    u, r = len(g), len(receivers)
    for a in range(u):
        if at_upper[a] and not basic[a]:
            weights[a] -= upper[a]
    for k in range(len(value)):
        a = basis[k]
        if a < u:
            weights[a] -= value[k]
        elif a < u + r:
            weights[receivers[a - u]] += value[k]
    moved = 0.0
    for a in range(u):
        moved += max(0.0, g[a] - weights[a])
    return moved
