"""The least mass to move, compiled: the same algorithms as the array versions, row by row."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from calib._types import FloatArray, IntArray
from calib.errors import ConvergenceError, MissingExtraError
from calib.rating.regions import Standing
from calib.words import message

__all__ = ["available", "change_stars", "nearest_tv", "nearest_tv_jointly"]

TOLERANCE = 1e-11
PIVOT = 1e-10


@lru_cache(maxsize=1)
def available() -> bool:
    """Return whether numba is installed."""
    from importlib.util import find_spec

    return find_spec("numba") is not None


@lru_cache(maxsize=4)
def _compiled(which: str) -> Any:
    if not available():
        raise MissingExtraError("compiled stability", "fast")
    from numba import njit

    compiled = njit(nogil=True, error_model="numpy")
    if which in ("one", "joint"):
        return compiled({"one": _one, "joint": _joint}[which])
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


def _joint(c: Any, g: Any, receivers: Any, distance: Any, weights: Any) -> int:
    """Run the dual simplex with long steps on each row; returns how many did not finish."""
    n, conditions, u = c.shape
    r = receivers.shape[1]
    q, width = conditions + 1, u + r + conditions
    column = np.zeros((width, q))
    upper, reduced = np.empty(width), np.empty(width)
    at_upper, basic = np.empty(width, np.bool_), np.empty(width, np.bool_)
    toward, ratio, alpha = np.empty(width), np.empty(width), np.empty(width)
    inverse, value, basis = np.empty((q, q)), np.empty(q), np.empty(q, np.int64)
    order, direction, shift = np.empty(width, np.int64), np.empty(q), np.empty(q)
    unfinished = 0
    for i in range(n):
        column[:] = 0.0
        for a in range(u):
            for j in range(conditions):
                column[a, j] = -c[i, j, a]
            column[a, conditions] = -1.0
            upper[a], reduced[a] = g[a], 1.0
            weights[i, a] = g[a]
        best = 0
        for k in range(r):
            for j in range(conditions):
                column[u + k, j] = c[i, j, receivers[i, k]]
            column[u + k, conditions] = 1.0
            upper[u + k], reduced[u + k] = np.inf, 0.0
            if c[i, 0, receivers[i, k]] > c[i, 0, receivers[i, best]]:
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
            inverse[j, conditions] = c[i, j, receivers[i, best]]
            value[j] = 0.0
            for a in range(u):
                value[j] += c[i, j, a] * g[a]
        basis[conditions] = u + best
        basic[u + best] = True
        inverse[conditions, conditions] = 1.0
        value[conditions] = 0.0
        state = 0  # 0 working, 1 optimal, 2 no weights meet the conditions
        for _ in range(200):
            leaving, short, sign = 0, -1.0, 1.0
            for k in range(q):
                if -value[k] > short:
                    leaving, short, sign = k, -value[k], 1.0
                if value[k] - upper[basis[k]] > short:
                    leaving, short, sign = k, value[k] - upper[basis[k]], -1.0
            if short <= TOLERANCE:
                state = 1
                break
            usable = 0
            for a in range(width):
                alpha[a] = 0.0
                if basic[a]:
                    continue
                for k in range(q):
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
            passed, relief = 0, 0.0
            while passed < usable:
                relief += toward[order[passed]] * upper[order[passed]]
                if relief >= short * (1 - 1e-12):
                    break
                passed += 1
            if passed >= usable:
                state = 2
                break
            entering = order[passed]
            shift[:] = 0.0
            for p in range(passed):  # these go from one bound to the other
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
            for a in range(width):
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
        distance[i] = np.inf
        if state == 0:
            unfinished += 1
        if state != 1:
            continue
        for a in range(u):
            if at_upper[a] and not basic[a]:
                weights[i, a] -= upper[a]
        for k in range(q):
            a = basis[k]
            if a < u:
                weights[i, a] -= value[k]
            elif a < u + r:
                weights[i, receivers[i, a - u]] += value[k]
        distance[i] = 0.0
        for a in range(u):
            distance[i] += max(0.0, g[a] - weights[i, a])
    return unfinished
