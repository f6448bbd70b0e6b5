"""One adjustment under many draws at once: Newton steps on the optimality conditions, in one batch.

Draws differ in the enterprises' moments and in the starting weights, little enough that most of
them hold back the same constraints as the weights adjusted on all enterprises. From there a few
Newton steps on the Karush-Kuhn-Tucker conditions, all draws together, find the answer and its
active constraints. A draw counts as solved only where the residual of these conditions is small;
the rest is left to the search of :mod:`calib.adjustment.solve`, one by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray
from calib.adjustment.adjust_request import ResolvedRequest
from calib.adjustment.constraints import Rows
from calib.adjustment.solve import demand_rows, spec_for
from calib.adjustment.variables import Space
from calib.outcomes.dominance.moments import Moments

__all__ = ["solve_many"]

_SETTLED = 1e-9
"""Largest residual of the optimality conditions at which a draw counts as solved."""
_STEPS = 16
_LONGEST = 0.25
"""Longest Newton step, in global weights."""


@dataclass(frozen=True)
class Many:
    """Draws of one adjustment: constraints a z <= b, equal z = value, and caps on shares.

    Parameters
    ----------
    start : (B, q) starting weights
    a, b : (B, r, q), (B, r) linear constraints
    equal, value : (B, e, q), (B, e)
    spans : the variables of each capped track
    cov : by capped track, (B, q_t, q_t) covariance of the scores of the variables' nodes
    under : by capped track, (c, q_t) which variables lie under each capped node
    cap : on variance shares; one, or (B, 1)
    """

    start: FloatArray
    a: FloatArray
    b: FloatArray
    equal: FloatArray
    value: FloatArray
    spans: tuple[slice, ...]
    cov: tuple[FloatArray, ...]
    under: tuple[FloatArray, ...]
    cap: float | FloatArray

    def pick(self, which: BoolArray | IntArray) -> Many:
        """Keep some draws."""
        return replace(
            self, start=self.start[which], a=self.a[which], b=self.b[which],
            equal=self.equal[which], value=self.value[which],
            cov=tuple(c[which] for c in self.cov),
            cap=self.cap[which] if isinstance(self.cap, np.ndarray) else self.cap,
        )  # fmt: skip

    def excess(self, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return by how much constraints are broken, (B, m), and the derivatives, (B, m, q)."""
        parts = [np.einsum("brq,bq->br", self.a, z) - self.b]
        slopes = [self.a]
        for span, cov, under in zip(self.spans, self.cov, self.under, strict=True):
            own = z[:, span]
            s = np.einsum("bij,bj->bi", cov, own)
            v = np.maximum(np.einsum("bi,bi->b", own, s), 1e-300)
            share = (own * s) @ under.T / v[:, None]
            parts.append(share - self.cap)
            rise = under * s[:, None, :] + (under * own[:, None, :]) @ cov
            slope = np.zeros((len(z), len(under), z.shape[1]))
            slope[:, :, span] = (rise - 2.0 * share[:, :, None] * s[:, None, :]) / v[:, None, None]
            slopes.append(slope)
        return np.concatenate(parts, axis=1), np.concatenate(slopes, axis=1)

    def curvature(self, z: FloatArray, price: FloatArray, slope: FloatArray) -> FloatArray:
        """Return the second derivatives of the Lagrangian, (B, q, q), from those of the excess."""
        out = np.tile(np.eye(z.shape[1]), (len(z), 1, 1))
        at = self.b.shape[1]
        for span, cov, under in zip(self.spans, self.cov, self.under, strict=True):
            own, p = z[:, span], price[:, at : at + len(under)]
            s = np.einsum("bij,bj->bi", cov, own)
            v = np.maximum(np.einsum("bi,bi->b", own, s), 1e-300)
            share = (own * s) @ under.T / v[:, None]
            w = p @ under
            cross = np.einsum("bc,bcq->bq", p, slope[:, at : at + len(under), span])
            cross = cross[:, :, None] * s[:, None, :]
            form = w[:, :, None] * cov
            form = form + form.transpose(0, 2, 1)
            form -= 2.0 * np.einsum("bc,bc->b", p, share)[:, None, None] * cov
            form -= 2.0 * (cross + cross.transpose(0, 2, 1))
            out[:, span, span] += form / v[:, None, None]
            at += len(under)
        return out


def solve_many(
    spaces: Sequence[Space],
    spec: ResolvedRequest,
    moments: Sequence[Mapping[str, Moments]],
    near: Mapping[str, FloatArray],
) -> list[dict[str, FloatArray]]:
    """Solve a request under many draws.

    Parameters
    ----------
    spaces : variables of each draw, from its starting weights
    spec : the request
    moments : of each draw, by track
    near : local weights by track from which the search starts, beside the starting weights

    Returns
    -------
    local weights of every draw, by track; without the tracks where the search did not settle within
    1e-9, and without any for a request that is not for the nearest weights in Euclidean distance
    """
    if spec.request.problem != "caps" or spec.request.distance != "euclidean" or not spaces:
        return [{} for _ in spaces]
    parts = [list(spaces)]
    if len(spaces[0].blocks) > 1 and 1 not in spec.depths:  # nothing ties the tracks together
        parts = [list(p) for p in zip(*(s.parts for s in spaces), strict=True)]
    every = [b.track for b in spaces[0].blocks]
    out: list[dict[str, FloatArray]] = [{} for _ in spaces]
    for part in parts:
        own = spec_for(spec, [b.track for b in part[0].blocks], every)
        for local, found in zip(out, _solve_part(part, own, moments, near), strict=True):
            local |= found
    return out


def _solve_part(
    spaces: Sequence[Space],
    spec: ResolvedRequest,
    moments: Sequence[Mapping[str, Moments]],
    near: Mapping[str, FloatArray],
) -> list[dict[str, FloatArray]]:
    out: list[dict[str, FloatArray]] = [{} for _ in spaces]
    rows = [demand_rows(s, spec, m) for s, m in zip(spaces, moments, strict=True)]
    tracks = [b.track.code for b in spaces[0].blocks]
    groups: dict[object, list[int]] = {}
    for i, (space, row) in enumerate(zip(spaces, rows, strict=True)):
        if "variance" not in spec.caps or all(moments[i][t].cov.any() for t in tracks):
            groups.setdefault((row.labels, space.equal.shape), []).append(i)
    for which in groups.values():
        own = [spaces[i] for i in which]
        many = _gather(own, [rows[i] for i in which], spec, [moments[i] for i in which])
        warm = np.concatenate(
            [b.track.global_weights(near[b.track.code])[b.nodes] for b in own[0].blocks]
        )
        z, solved = nearest_many(many, [many.start, np.tile(warm, (len(own), 1))])
        for k in np.flatnonzero(solved):
            out[which[k]] = own[k].local_weights(z[k])
    return out


def _gather(
    spaces: Sequence[Space],
    rows: Sequence[Rows],
    spec: ResolvedRequest,
    moments: Sequence[Mapping[str, Moments]],
) -> Many:
    """Return draws that have the same constraints as arrays."""
    spans, cov, under = [], [], []
    if "variance" in spec.caps:
        for k, block in enumerate(spaces[0].blocks):
            track = block.track
            spans.append(block.span)
            cov.append(np.array([
                s.blocks[k].inside.T @ m[track.code].cov @ s.blocks[k].inside
                for s, m in zip(spaces, moments, strict=True)
            ]))  # fmt: skip
            under.append(np.array([block.cover(int(i)) for i in track.at_depth(spec.on)]))
    return Many(
        np.array([s.start for s in spaces]),
        np.array([r.a for r in rows]),
        np.array([r.b for r in rows]),
        np.array([s.equal for s in spaces]),
        np.array([s.value for s in spaces]),
        tuple(spans), tuple(cov), tuple(under), spec.caps.get("variance", 1.0),
    )  # fmt: skip


def nearest_many(many: Many, starts: Sequence[FloatArray]) -> tuple[FloatArray, BoolArray]:
    """Find the nearest weights of every draw from several starting points.

    Parameters
    ----------
    starts : each (B, q)

    Returns
    -------
    (B, q) weights, and (B,) whether they meet the optimality conditions within 1e-9; of several
    such points the nearest
    """
    best = many.start.copy()
    distance = np.full(len(best), np.inf)
    for point in starts:
        z, solved = _newton(many, point)
        far = np.where(solved, np.sum((z - many.start) ** 2, axis=1), np.inf)
        better = far < distance - 1e-15
        best[better], distance[better] = z[better], far[better]
    left = ~np.isfinite(distance)
    if left.any() and many.spans:
        best[left], distance[left] = _lowering_caps(many.pick(left))
    return best, np.isfinite(distance)


def _lowering_caps(many: Many) -> tuple[FloatArray, FloatArray]:
    """Lower the caps from where the starting weights meet them, and follow the answer.

    Returns
    -------
    (B, q) weights, (B,) squared distances from the start, infinite where the search did not settle
    """
    z = many.start.copy()
    excess, _ = many.excess(z)
    above = np.maximum(excess[:, many.b.shape[1] :].max(axis=1), 0.0)
    price = np.zeros(excess.shape)
    for share in np.linspace(0.9, 0.0, 10):
        there = replace(many, cap=many.cap + share * above[:, None])
        for _ in range(6):
            excess, slope = there.excess(z)
            step, price, _ = _step(there, z, price, excess, slope, price + excess > 0)
            z = _moved(z, step)
    z, solved = _newton(many, z)
    return z, np.where(solved, np.sum((z - many.start) ** 2, axis=1), np.inf)


def _moved(z: FloatArray, step: FloatArray) -> FloatArray:
    size = np.abs(step).max(axis=1)
    return np.asarray(z + step * np.minimum(1.0, _LONGEST / np.maximum(size, 1e-300))[:, None])


def _newton(many: Many, point: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Take Newton steps on the conditions of all draws that have not settled yet."""
    count, m = len(point), many.b.shape[1] + sum(len(u) for u in many.under)
    z_all, solved = point.copy(), np.zeros(count, dtype=bool)
    price_all = np.zeros((count, m))
    active_all = np.zeros((count, m), dtype=bool)
    open_ = np.arange(count)
    for _ in range(_STEPS):
        part = many if len(open_) == count else many.pick(open_)
        z, price = z_all[open_], price_all[open_]
        excess, slope = part.excess(z)
        active = price + excess > 0
        step, price, equal_price = _step(part, z, price, excess, slope, active)
        size = np.abs(step).max(axis=1)
        z = _moved(z, step)
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
    part: Many,
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
    answer = np.linalg.solve(matrix, right[:, :, None])[:, :, 0]
    out = np.zeros_like(price)
    np.put_along_axis(out, order, np.where(used, answer[:, q + e :], 0.0), axis=1)
    return answer[:, :q], out, answer[:, q : q + e]


def _residual(part: Many, z: FloatArray, price: FloatArray, equal_price: FloatArray) -> FloatArray:
    """Return the largest residual of the Karush-Kuhn-Tucker conditions, (B,)."""
    excess, slope = part.excess(z)
    pull = z - part.start + np.einsum("bm,bmq->bq", price, slope)
    pull += np.einsum("be,beq->bq", equal_price, part.equal)
    off = np.einsum("beq,bq->be", part.equal, z) - part.value
    terms = (np.abs(pull), np.abs(off), np.abs(np.minimum(price, -excess)))
    return np.asarray(np.max([t.max(axis=1, initial=0.0) for t in terms], axis=0), dtype=float)
