"""Nearest weights under caps from any start, many draws at once: a primal-dual interior point.

Newton steps on the conditions themselves settle only near the answer. This search comes there from
afar. It lets all caps be exceeded by one amount t >= 0 at a price, so that it has somewhere to go
where no weights meet the caps: there it ends at weights from where no small change lowers the
largest excess. Steps follow the barrier trajectory (Nocedal and Wright 2006, chapter 19); where the
caps bend the wrong way, the Hessian is shifted until it is positive definite.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray
from calib.adjustment.batch import Batch, solve_each

__all__ = ["Inside", "interior_point"]

_STEPS = 60
_CENTRING = 0.2
"""By which factor a step lowers the mean product of slack and multiplier."""
_SETTLED, _HOPELESS = 1e-9, 1e-5
"""Residuals at which a search ends: under the caps, and where it stays above them."""
_ABOVE = 1e-4
"""Excess that counts as above the caps long before the search has settled."""
_ROOM = 1e-3
"""Least slack at the start, and the first product of slack and multiplier."""
_LONGEST = 0.3
"""Longest step, in global weights."""
_CURVED = 1e-2
"""Least eigenvalue of the Hessian, constraints included."""


@dataclass(frozen=True)
class Inside:
    """Where searches ended.

    Parameters
    ----------
    z : (B, q) weights
    price : (B, m) multipliers of linear constraints and caps
    above : (B,) by how much the largest share exceeds the caps
    """

    z: FloatArray
    price: FloatArray
    above: FloatArray


@dataclass(frozen=True)
class _State:
    """Variables x = (z, t), slacks and multipliers of m constraints and of t >= 0."""

    x: FloatArray
    slack: FloatArray
    price: FloatArray
    equal_price: FloatArray

    def pick(self, which: BoolArray) -> _State:
        return _State(*(getattr(self, f.name)[which] for f in fields(self)))


def interior_point(batch: Batch, point: FloatArray, penalty: FloatArray) -> Inside:
    """Search for the nearest weights under caps.

    Parameters
    ----------
    batch : draws of one adjustment
    point : (B, q) where the search starts; it need not meet any constraint
    penalty : (B,) price of exceeding the caps. Weights under the caps are found as the nearest ones
        where the caps' multipliers at them sum to less

    Returns
    -------
    Inside
    """
    state = _begin(batch, point, penalty)
    out = Inside(point.copy(), np.zeros((len(point), state.price.shape[1] - 1)),
                 np.full(len(point), np.inf))  # fmt: skip
    open_: IntArray = np.arange(len(point))
    for turn in range(_STEPS + 1):
        slope, residual = _conditions(batch, state, penalty)
        size = _largest(*residual, state.price * state.slack)
        above = state.x[:, -1]
        lost = ~(size < 1e8) | (np.abs(state.x).max(axis=1) > 10)
        ended = (size < np.where(above > _ABOVE, _HOPELESS, _SETTLED)) | (turn == _STEPS)
        put, kept = ended & ~lost, ~(ended | lost)
        at = open_[put]
        out.z[at], out.price[at] = state.x[put, :-1], state.price[put, :-1]
        out.above[at] = above[put]
        open_ = open_[kept]
        if len(open_) == 0:
            break
        if not kept.all():
            batch, state, penalty = batch.pick(kept), state.pick(kept), penalty[kept]
            slope, residual = slope[kept], tuple(r[kept] for r in residual)
        state = _stepped(batch, state, slope, residual)
    return out


def _begin(batch: Batch, point: FloatArray, penalty: FloatArray) -> _State:
    excess, _ = batch.excess(point)
    capped = np.arange(excess.shape[1]) >= batch.linear
    above = np.maximum(excess[:, capped].max(axis=1), 0.0) + 10 * _ROOM
    slack = np.column_stack([np.maximum(above[:, None] * capped - excess, _ROOM), above])
    price = _ROOM / slack
    price[:, -1] = np.maximum(price[:, -1], penalty - price[:, :-1][:, capped].sum(axis=1))
    x = np.column_stack([point, above])
    return _State(x, slack, price, np.zeros(batch.value.shape))


def _conditions(
    batch: Batch, state: _State, penalty: FloatArray
) -> tuple[FloatArray, tuple[FloatArray, FloatArray, FloatArray]]:
    """Return derivatives in x, and the residuals: stationarity, slacks, equalities."""
    z, above = state.x[:, :-1], state.x[:, -1]
    own, own_slope = batch.excess(z)
    count, m, q = own_slope.shape
    slope = np.zeros((count, m + 1, q + 1))
    slope[:, :m, :q] = own_slope
    slope[:, batch.linear :, q] = -1.0
    excess = np.column_stack([own, np.zeros(count)]) + slope[:, :, q] * above[:, None]
    pull = np.column_stack([z - batch.start, penalty])
    pull += (state.price[:, None, :] @ slope)[:, 0]
    pull[:, :q] += np.einsum("be,beq->bq", state.equal_price, batch.equal)
    off = np.einsum("beq,bq->be", batch.equal, z) - batch.value
    return slope, (pull, excess + state.slack, off)


def _largest(*residuals: FloatArray) -> FloatArray:
    return np.asarray(np.max([np.abs(r).max(axis=1, initial=0.0) for r in residuals], axis=0))


def _stepped(
    batch: Batch,
    state: _State,
    slope: FloatArray,
    residual: tuple[FloatArray, FloatArray, FloatArray],
) -> _State:
    """Take one Newton step towards slack * price = a part of their mean."""
    pull, gap, off = residual
    n, e = state.x.shape[1], batch.equal.shape[1]
    goal = _CENTRING * (state.slack * state.price).mean(axis=1)[:, None]
    ratio = np.clip(state.price / state.slack, 1e-14, 1e14)
    change = goal / state.slack - state.price + ratio * gap
    matrix = np.zeros((len(state.x), n + e, n + e))
    matrix[:, :n, :n] = _hessian(batch, state, slope, ratio)
    matrix[:, n:, : n - 1] = batch.equal
    matrix[:, : n - 1, n:] = batch.equal.transpose(0, 2, 1)
    right = np.concatenate([-pull - (change[:, None, :] @ slope)[:, 0], -off], axis=1)
    step = solve_each(matrix, right)
    rise = (slope @ step[:, :n, None])[:, :, 0]
    slack, price = -gap - rise, change + ratio * rise
    longest = _LONGEST / np.maximum(np.abs(step[:, : n - 1]).max(axis=1), 1e-300)
    first = np.minimum(longest, _room(state.slack, slack))[:, None]
    second = _room(state.price, price)[:, None]
    return _State(
        state.x + first * step[:, :n],
        state.slack + first * slack,
        state.price + second * price,
        state.equal_price + second * step[:, n:],
    )


def _hessian(batch: Batch, state: _State, slope: FloatArray, ratio: FloatArray) -> FloatArray:
    """Return the Hessian with that of the barrier, positive definite along the equalities."""
    n = state.x.shape[1]
    out = slope.transpose(0, 2, 1) @ (slope * ratio[:, :, None])
    own = slope[:, :-1, :-1]
    out[:, :-1, :-1] += batch.curvature(state.x[:, :-1], state.price[:, :-1], own)
    # Directions that the equalities forbid do not count.
    free = out.copy()
    free[:, :-1, :-1] += 10 * batch.equal.transpose(0, 2, 1) @ batch.equal
    least = np.linalg.eigvalsh(free)[:, 0]
    out[:, np.arange(n), np.arange(n)] += np.maximum(_CURVED - least, 0.0)[:, None]
    return np.asarray(out)


def _room(value: FloatArray, change: FloatArray) -> FloatArray:
    """Return the longest step, 1 at most, that keeps positive numbers positive."""
    ratio = np.max(-change / value, axis=1)
    return np.asarray(np.minimum(1.0, 0.99 / np.maximum(ratio, 1e-300)))
