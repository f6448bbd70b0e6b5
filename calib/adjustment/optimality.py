"""Newton steps on the optimality conditions of many draws at once, from near their answers.

The constraints that hold an answer back are guessed at every step from multipliers and excess; a
draw counts as solved only where the residual of the Karush-Kuhn-Tucker conditions is small.
"""

from __future__ import annotations

import numpy as np

from calib._types import BoolArray, FloatArray
from calib.adjustment.batch import Batch, solve_each

__all__ = ["settle"]

_SETTLED = 1e-9
"""Largest residual of the optimality conditions at which a draw counts as solved."""
_STEPS = 12
_LONGEST = 0.25
"""Longest Newton step, in global weights."""


def settle(
    batch: Batch, point: FloatArray, guess: FloatArray | None = None
) -> tuple[FloatArray, BoolArray]:
    """Take Newton steps on the conditions of all draws that have not settled yet.

    Parameters
    ----------
    batch : draws of one adjustment
    point : (B, q) where the steps start
    guess : (B, m) of the multipliers; 0 by default

    Returns
    -------
    (B, q) weights, and (B,) whether they meet the optimality conditions within 1e-9
    """
    count, m = len(point), batch.linear + sum(len(u) for u in batch.under)
    z_all, solved = point.copy(), np.zeros(count, dtype=bool)
    price_all = np.zeros((count, m)) if guess is None else guess.copy()
    active_all = np.zeros((count, m), dtype=bool)
    open_ = np.arange(count)
    for _ in range(_STEPS):
        part = batch if len(open_) == count else batch.pick(open_)
        z, price = z_all[open_], price_all[open_]
        excess, slope = part.excess(z)
        active = price + excess > 0
        step, price, equal_price = _step(part, z, price, excess, slope, active)
        size = np.abs(step).max(axis=1)
        z = z + step * np.minimum(1.0, _LONGEST / np.maximum(size, 1e-300))[:, None]
        z_all[open_], price_all[open_] = z, price
        calm = (size < 1e-7) & (active == active_all[open_]).all(axis=1)
        active_all[open_] = active
        if calm.any():
            at = np.flatnonzero(calm)
            near = part.pick(calm)
            residual = _residual(near, z[at], price[at], equal_price[at])
            solved[open_[at[residual <= _SETTLED]]] = True
        lost = ~np.isfinite(z).all(axis=1) | (np.abs(z) > 10).any(axis=1)
        open_ = open_[~solved[open_] & ~lost]
        if len(open_) == 0:
            break
    return z_all, solved


def _step(
    part: Batch,
    z: FloatArray,
    price: FloatArray,
    excess: FloatArray,
    slope: FloatArray,
    active: BoolArray,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Solve the linearised conditions with the active constraints held at their bounds."""
    count, q = z.shape
    e, k = part.equal.shape[1], int(active.sum(axis=1).max())
    size = q + e + k
    matrix = np.zeros((count, size, size))
    right = np.zeros((count, size))
    matrix[:, :q, :q] = part.curvature(z, np.where(active, np.maximum(price, 0.0), 0.0), slope)
    matrix[:, q : q + e, :q] = part.equal
    matrix[:, :q, q : q + e] = part.equal.transpose(0, 2, 1)
    right[:, :q] = part.start - z
    right[:, q : q + e] = part.value - np.einsum("beq,bq->be", part.equal, z)
    # Active constraints first; places that a draw does not need hold a multiplier of 0.
    order = np.argsort(~active, axis=1, kind="stable")[:, :k]
    used = np.take_along_axis(active, order, axis=1)
    held = np.take_along_axis(slope, order[:, :, None], axis=1) * used[:, :, None]
    matrix[:, q + e :, :q] = held
    matrix[:, :q, q + e :] = held.transpose(0, 2, 1)
    number = np.arange(k)
    matrix[:, q + e + number, q + e + number] = np.where(used, -1e-12, 1.0)
    right[:, q + e :] = np.where(used, -np.take_along_axis(excess, order, axis=1), 0.0)
    answer = solve_each(matrix, right)
    out = np.zeros_like(price)
    np.put_along_axis(out, order, np.where(used, answer[:, q + e :], 0.0), axis=1)
    return answer[:, :q], out, answer[:, q : q + e]


def _residual(part: Batch, z: FloatArray, price: FloatArray, equal_price: FloatArray) -> FloatArray:
    """Return the largest residual of the Karush-Kuhn-Tucker conditions, (B,)."""
    excess, slope = part.excess(z)
    pull = z - part.start + np.einsum("bm,bmq->bq", price, slope)
    pull += np.einsum("be,beq->bq", equal_price, part.equal)
    off = np.einsum("beq,bq->be", part.equal, z) - part.value
    terms = (np.abs(pull), np.abs(off), np.abs(np.minimum(price, -excess)))
    return np.asarray(np.max([t.max(axis=1, initial=0.0) for t in terms], axis=0), dtype=float)
