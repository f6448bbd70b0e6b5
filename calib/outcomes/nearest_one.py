"""The nearest weights that meet one linear demand, for many enterprises at once.

Weights ``g`` on the simplex, demand ``c · g' >= 0``. Both distances are exact: total variation
by moving mass from the columns with the smallest ``c`` to one with the largest, least squares by
the breakpoints of its one multiplier.
"""

from __future__ import annotations

import numpy as np

from calib._types import FloatArray

__all__ = ["move_least_mass", "move_least_squares"]


def move_least_mass(c: FloatArray, g: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Move the least mass so that one demand is met.

    Parameters
    ----------
    c : (n, u) demand of each enterprise
    g : (u,) weights, non-negative, summing to 1

    Returns
    -------
    distance : (n,) total variation ½ Σ |g' - g|; 0 where met already, inf where no weights meet it
    weights : (n, u) nearest weights; ``g`` where there is nothing to move or no way

    Notes
    -----
    A unit of mass moved from column l to the best column gains ``max c - c_l``, whatever else
    moves, so the columns are emptied in rising order of ``c`` until the deficit is gained; the
    last one in part. This is the fractional knapsack argument, and exact.
    """
    rows = np.arange(len(c))
    deficit = -(c @ g)
    best = c.argmax(axis=1)
    top = c[rows, best]
    order = c.argsort(axis=1)
    mass = g[order]
    gain = top[:, None] - np.take_along_axis(c, order, axis=1)
    got = np.cumsum(mass * gain, axis=1)
    emptied = (got < deficit[:, None]).sum(axis=1)
    todo = deficit > 0
    # A demand with c >= 0 nowhere is met nowhere on the simplex.
    impossible = todo & (top <= 0)
    todo &= ~impossible
    last = np.minimum(emptied, c.shape[1] - 1)
    before = np.where(last > 0, got[rows, np.maximum(last - 1, 0)], 0.0)
    step = gain[rows, last]
    part = np.divide(deficit - before, step, out=np.zeros(len(c)), where=todo & (step > 0))
    part = np.clip(part, 0.0, mass[rows, last])
    out = np.where(np.arange(c.shape[1]) < last[:, None], mass, 0.0)
    out[rows, last] = part
    out[~todo] = 0.0
    moved = out.sum(axis=1)
    weights = np.broadcast_to(g, c.shape).copy()
    taken = np.empty_like(out)
    np.put_along_axis(taken, order, out, axis=1)
    weights -= taken
    weights[rows, best] += moved
    # Mass taken from the best column itself (ties in c) returns to it: no move at all.
    distance = moved - taken[rows, best]
    return np.where(impossible, np.inf, distance), weights


def move_least_squares(c: FloatArray, g: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Project on the weights that meet one demand.

    Parameters
    ----------
    c : (n, u) demand of each enterprise
    g : (u,) weights, non-negative, summing to 1

    Returns
    -------
    distance : (n,) Euclidean distance; 0 where met already, inf where no weights meet it
    weights : (n, u) nearest weights

    Notes
    -----
    The projection is ``max(0, g + t c - μ(t))`` with ``t >= 0`` such that ``c · g' = 0`` and μ
    restoring the sum. As t grows columns only leave the support: on the simplex, the column with
    the smallest g_l + t c_l relative to μ drops out and stays out, because c_l is below the mean
    of c over the support and that mean only rises. So at most u steps of one linear solve each.
    """
    n, u = c.shape
    value = c @ g
    top = c.max(axis=1)
    todo = value < 0
    impossible = todo & (top <= 0)
    active = np.flatnonzero(todo & ~impossible)
    weights = np.broadcast_to(g, (n, u)).copy()
    if len(active):
        weights[active] = _project(c[active], weights[active])
    distance = np.sqrt(((weights - g) ** 2).sum(axis=1))
    return np.where(impossible, np.inf, distance), weights


def _project(c: FloatArray, g: FloatArray) -> FloatArray:
    """Follow the projection path from ``g`` until the demand is met."""
    current, support = g.copy(), np.ones(c.shape, dtype=bool)
    moving = np.arange(len(c))
    # Zero weights with c under the mean leave the support at once, one after another.
    for _ in range(2 * c.shape[1] + 2):
        cc, inside, at = c[moving], support[moving], current[moving]
        size = inside.sum(axis=1)
        mean = np.where(inside, cc, 0.0).sum(axis=1) / size
        slope = np.where(inside, cc - mean[:, None], 0.0)
        rise = (slope * cc).sum(axis=1)
        need = -(at * cc).sum(axis=1)
        full = np.divide(need, rise, out=np.full(len(cc), np.inf), where=rise > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            room = np.where(slope < 0, at / -slope, np.inf)
        leaver = room.argmin(axis=1)
        first = room[np.arange(len(cc)), leaver]
        step = np.minimum(full, first)
        current[moving] = np.maximum(at + step[:, None] * slope, 0.0)
        blocked = first < full
        who = moving[blocked]
        current[who, leaver[blocked]] = 0.0
        support[who, leaver[blocked]] = False
        moving = who
        if not len(moving):
            break
    return current
