"""The smallest shift in total variation that meets linear conditions, for many enterprises at once.

Weights ``g`` on the simplex, conditions ``c · g' >= 0``. One condition is met by moving mass from
the columns with the smallest ``c`` to one with the largest. Several are met by a dual simplex on
small dense tableaux, all enterprises abreast: each step does for every unfinished enterprise what
the textbook does for one. Long steps (several bounds passed in one ratio test) keep the number of
steps near the number of conditions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray
from calib.errors import ConvergenceError
from calib.words import message

__all__ = ["nearest_tv", "nearest_tv_jointly"]

TOLERANCE = 1e-11
PIVOT = 1e-10


def nearest_tv(c: FloatArray, g: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Move the least mass so that one condition is met.

    Parameters
    ----------
    c : (n, u) condition of each enterprise
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
    # A condition with c >= 0 nowhere is met nowhere on the simplex.
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


@dataclass
class _State:
    """Tableaux of ``a`` enterprises with ``q`` rows: q-1 conditions and the balance of mass.

    Columns: ``u`` for mass leaving, ``r`` for mass arriving, q-1 for what a condition exceeds.
    """

    columns: FloatArray  # (a, q, N)
    upper: FloatArray  # (a, N)
    reduced: FloatArray  # (a, N) reduced costs
    at_upper: BoolArray  # (a, N)
    inverse: FloatArray  # (a, q, q) of the basis
    basis: IntArray  # (a, q) column in each row
    value: FloatArray  # (a, q) of the basic columns

    def take(self, keep: BoolArray | IntArray) -> _State:
        return _State(
            self.columns[keep], self.upper[keep], self.reduced[keep], self.at_upper[keep],
            self.inverse[keep], self.basis[keep], self.value[keep],
        )  # fmt: skip


def nearest_tv_jointly(
    conditions: FloatArray,
    g: FloatArray,
    *,
    receivers: IntArray | None = None,
    max_steps: int = 200,
) -> tuple[FloatArray, FloatArray]:
    """Move the least mass so that all conditions are met.

    Parameters
    ----------
    conditions : (n, J, u) coefficients; condition j is ``conditions[:, j] · g' >= 0``
    g : (u,) weights, non-negative, summing to 1
    receivers : (n, r) columns that may take mass, where it is known that no other need to;
        all columns if None

    Returns
    -------
    distance : (n,) total variation ½ Σ |g' - g|, inf where no weights meet all conditions
    weights : (n, u) nearest weights; ``g`` where there are none

    Raises
    ------
    ConvergenceError
        When the steps run out.

    Notes
    -----
    min Σ out  s.t.  Σ_l (in_l - out_l) c_jl >= -c_j · g,  Σ in = Σ out,  0 <= out <= g, in >= 0.
    Starting with no mass moved is dual feasible, so the dual simplex needs no first phase.
    """
    n, _, u = conditions.shape
    distance = np.full(n, np.inf)
    weights = np.broadcast_to(g, (n, u)).copy()
    scale = np.maximum(np.abs(conditions).max(axis=2, keepdims=True), 1e-300)
    c = conditions / scale
    if receivers is None:
        receivers = np.broadcast_to(np.arange(u), (n, u))
    state = _start(c, g, receivers)
    rows = np.arange(n)
    for _ in range(max_steps):
        if not len(rows):
            return distance, weights
        leaving, short, sign = _leaving(state)
        done = short <= TOLERANCE
        if done.any():
            who = rows[done]
            moved = _solution(state.take(done), receivers[who], u)
            weights[who] = g + moved
            distance[who] = np.clip(-moved, 0, None).sum(axis=1)
        rows, state = rows[~done], state.take(~done)
        stuck = _step(state, leaving[~done], short[~done], sign[~done])
        if stuck.any():  # no column can help: no weights meet the conditions
            rows, state = rows[~stuck], state.take(~stuck)
    if len(rows):
        raise ConvergenceError(
            message("outcomes.stability.unfinished", n=len(rows), of=n, steps=max_steps)
        )
    return distance, weights


def _start(c: FloatArray, g: FloatArray, receivers: IntArray) -> _State:
    n, j, u = c.shape
    r = receivers.shape[1]
    q, width = j + 1, u + r + j
    taking = np.take_along_axis(c, receivers[:, None, :], axis=2)
    columns = np.zeros((n, q, width))
    columns[:, :j, :u] = -c
    columns[:, j, :u] = -1
    columns[:, :j, u : u + r] = taking
    columns[:, j, u : u + r] = 1
    columns[:, np.arange(j), u + r + np.arange(j)] = -1
    upper = np.full((n, width), np.inf)
    upper[:, :u] = g
    reduced = np.zeros((n, width))
    reduced[:, :u] = 1
    basis = np.empty((n, q), dtype=np.int64)
    basis[:, :j] = u + r + np.arange(j)
    first = taking[:, 0].argmax(axis=1)  # mass arriving in the column best for condition 0
    basis[:, j] = u + first
    inverse = np.zeros((n, q, q))
    inverse[:, np.arange(j), np.arange(j)] = -1
    inverse[:, :j, j] = taking[np.arange(n), :, first]
    inverse[:, j, j] = 1
    value = np.zeros((n, q))
    value[:, :j] = c @ g  # what each condition exceeds with nothing moved; negative where unmet
    return _State(columns, upper, reduced, np.zeros((n, width), dtype=bool), inverse, basis, value)


def _leaving(state: _State) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return the row furthest outside its bounds, by how much, and the direction it must go."""
    rows = np.arange(len(state.value))
    ceiling = state.upper[rows[:, None], state.basis]
    below, above = -state.value, state.value - ceiling
    short = np.maximum(below, above)
    leaving = short.argmax(axis=1)
    amount = short[rows, leaving]
    sign = np.where(below[rows, leaving] >= above[rows, leaving], 1.0, -1.0)
    return leaving, amount, sign


def _step(state: _State, leaving: IntArray, short: FloatArray, sign: FloatArray) -> BoolArray:
    """Pivot once in every tableau, in place; return where no pivot exists."""
    rows = np.arange(len(leaving))
    row = state.inverse[rows, leaving]
    alpha = np.matmul(row[:, None, :], state.columns)[:, 0]
    alpha[rows[:, None], state.basis] = 0.0
    toward = np.where(state.at_upper, alpha, -alpha) * sign[:, None]
    usable = toward > PIVOT
    ratio = np.divide(np.abs(state.reduced), toward, out=np.full(alpha.shape, np.inf), where=usable)
    order = ratio.argsort(axis=1)
    room = np.multiply(toward, state.upper, out=np.zeros(alpha.shape), where=usable)
    relief = np.cumsum(np.take_along_axis(room, order, axis=1), axis=1)
    passed = (relief < short[:, None] * (1 - 1e-12)).sum(axis=1)
    count = usable.sum(axis=1)
    stuck = np.asarray(passed >= count, dtype=bool)
    passed = np.minimum(passed, np.maximum(count - 1, 0))
    entering = order[rows, passed]
    # Columns passed in the ratio test go from one bound to the other.
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.broadcast_to(np.arange(order.shape[1]), order.shape), axis=1)
    flip = (rank < passed[:, None]) & usable & ~stuck[:, None]
    change = np.where(flip, np.where(state.at_upper, -state.upper, state.upper), 0.0)
    state.at_upper ^= flip
    shift = np.matmul(state.columns, change[:, :, None])[:, :, 0]
    state.value -= np.matmul(state.inverse, shift[:, :, None])[:, :, 0]
    _pivot(state, leaving, entering, sign, alpha, ~stuck)
    return stuck


def _pivot(
    state: _State,
    leaving: IntArray,
    entering: IntArray,
    sign: FloatArray,
    alpha: FloatArray,
    ok: BoolArray,
) -> None:
    rows = np.arange(len(leaving))
    column = state.columns[rows, :, entering]
    direction = np.matmul(state.inverse, column[:, :, None])[:, :, 0]
    pivot = np.where(ok, direction[rows, leaving], 1.0)
    out = state.basis[rows, leaving]
    bound = np.where(sign > 0, 0.0, state.upper[rows, out])
    bound = np.where(ok, bound, 0.0)
    step = (state.value[rows, leaving] - bound) / pivot
    start = np.where(state.at_upper[rows, entering], state.upper[rows, entering], 0.0)
    state.value -= direction * step[:, None]
    state.value[rows, leaving] = start + step
    price = state.reduced[rows, entering] / pivot
    state.reduced -= price[:, None] * alpha
    state.reduced[rows, entering] = 0.0
    state.reduced[rows, out] = -price
    state.at_upper[rows, out] = sign < 0
    state.at_upper[rows, entering] = False
    state.basis[rows, leaving] = entering
    pivot_row = state.inverse[rows, leaving] / pivot[:, None]
    state.inverse -= direction[:, :, None] * pivot_row[:, None, :]
    state.inverse[rows, leaving] = pivot_row


def _solution(state: _State, receivers: IntArray, u: int) -> FloatArray:
    """Return the net change of each column's weight."""
    rows, r = np.arange(len(state.value)), receivers.shape[1]
    level = np.where(state.at_upper & np.isfinite(state.upper), state.upper, 0.0)
    level[rows[:, None], state.basis] = state.value
    change = -level[:, :u]
    change[rows[:, None], receivers] += level[:, u : u + r]
    return np.asarray(change, dtype=float)
