"""Projection onto a polytope by the dual active-set method of Goldfarb and Idnani (1983).

The method starts from the unconstrained optimum and takes in violated demands one by one, each
step staying optimal for the demands held. It ends after finitely many steps with the exact set
of active demands and their multipliers, or with a proof that the demands contradict each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib._types import FloatArray
from calib.adjustment.rows import independent_rows
from calib.errors import ConvergenceError

__all__ = ["Conflict", "Projection", "project"]

_TOLERANCE = 1e-12


@dataclass(frozen=True, slots=True)
class Projection:
    """Nearest point of a polytope.

    Parameters
    ----------
    z : (q,) the point
    multipliers : (r,) of the demands a @ z <= b, >= 0, zero where a demand is slack
    equal_multipliers : (e,) of the equalities
    steps : int
        Demands taken in or let go.
    """

    z: FloatArray
    multipliers: FloatArray
    equal_multipliers: FloatArray
    steps: int


@dataclass(frozen=True, slots=True)
class Conflict:
    """Proof that the demands cannot all hold: these rows already contradict each other."""

    rows: tuple[int, ...]


def project(
    target: FloatArray,
    metric: FloatArray,
    a: FloatArray,
    b: FloatArray,
    equal: FloatArray,
    value: FloatArray,
) -> Projection | Conflict:
    """Minimise ½ Σ metric_j (z_j - target_j)² subject to a z <= b and equal z = value.

    Parameters
    ----------
    target : (q,)
    metric : (q,) positive
    a, b : (r, q), (r,)
    equal, value : (e, q), (e,); dependent rows are allowed when they agree

    Returns
    -------
    Projection or Conflict

    Raises
    ------
    ConvergenceError
        The active set did not settle (numerical trouble).
    """
    root = np.sqrt(metric)
    # In u = sqrt(metric) (z - target) the point sought is the one nearest to the origin.
    normal = -(a / root)
    length = np.linalg.norm(normal, axis=1)
    length = np.where(length > 0, length, 1.0)
    normal = normal / length[:, None]
    bound = (a @ target - b) / length
    equal_u = equal / root
    equal_value = value - equal @ target
    keep = independent_rows(equal_u)
    held = equal_u[keep].T
    u = _nearest(held, equal_value[keep])
    if np.abs(equal_u @ u - equal_value).max(initial=0.0) > 1e-9:
        return Conflict(())
    found = _active_set(u, held, normal, bound)
    if isinstance(found, Conflict):
        return found
    active, steps = found
    n_all = np.concatenate([held, normal[active].T], axis=1)
    u = _nearest(n_all, np.concatenate([equal_value[keep], bound[active]]))
    lam = np.linalg.lstsq(n_all, u, rcond=None)[0] if n_all.size else np.zeros(0)
    multipliers = np.zeros(len(b))
    multipliers[active] = np.maximum(lam[held.shape[1] :], 0.0) / length[active]
    equal_multipliers = np.zeros(len(value))
    equal_multipliers[keep] = -lam[: held.shape[1]]
    return Projection(target + u / root, multipliers, equal_multipliers, steps)


def _nearest(normals: FloatArray, values: FloatArray) -> FloatArray:
    """Return the shortest u with normals' u = values."""
    if normals.shape[1] == 0:
        return np.zeros(normals.shape[0])
    return np.asarray(np.linalg.lstsq(normals.T, values, rcond=None)[0], dtype=float)


def _active_set(
    u: FloatArray, held: FloatArray, normal: FloatArray, bound: FloatArray
) -> tuple[list[int], int] | Conflict:
    """Find the active demands by dual steps."""
    fixed = held.shape[1]
    active: list[int] = []
    lam = np.zeros(0)
    steps = 0
    limit = 50 * (len(bound) + normal.shape[1] + 10)
    scale = 1.0 + np.abs(bound)
    while True:
        gap = (normal @ u - bound) / scale
        gap[active] = 0.0
        p = int(np.argmin(gap)) if len(gap) else -1
        if p < 0 or gap[p] >= -_TOLERANCE:
            return active, steps
        price = 0.0
        while True:
            steps += 1
            if steps > limit:
                raise ConvergenceError("the active set of the projection did not settle")
            n_all = np.concatenate([held, normal[active].T], axis=1)
            r, z = _split(n_all, normal[p])
            r = r[fixed:]
            full = np.inf
            size = float(z @ normal[p])
            if size > 1e-11:
                full = (bound[p] - float(normal[p] @ u)) / size
            partial, drop = _first_to_vanish(lam, r)
            step = min(full, partial)
            if not np.isfinite(step):
                return Conflict((*active, p))
            if np.isfinite(full):
                u = u + step * z
            lam = np.maximum(lam - step * r, 0.0)
            price += step
            if step == full:
                active.append(p)
                lam = np.append(lam, price)
                break
            active.pop(drop)
            lam = np.delete(lam, drop)


def _split(normals: FloatArray, direction: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Split a direction into its part in the span of the normals (coefficients) and the rest."""
    if normals.shape[1] == 0:
        return np.zeros(0), direction
    basis, corner = np.linalg.qr(normals)
    size = np.abs(np.diag(corner))
    if corner.shape[0] == corner.shape[1] and size.min() > 1e-9 * size.max():
        part = basis.T @ direction
        rest = direction - basis @ part
        return np.linalg.solve(corner, part), rest - basis @ (basis.T @ rest)
    r = np.linalg.lstsq(normals, direction, rcond=None)[0]
    return np.asarray(r, dtype=float), direction - normals @ r


def _first_to_vanish(lam: FloatArray, r: FloatArray) -> tuple[float, int]:
    """Return the step at which the first multiplier reaches zero, and which one."""
    falling = r > 1e-12
    if not falling.any():
        return np.inf, -1
    ratio = np.full(len(r), np.inf)
    ratio[falling] = lam[falling] / r[falling]
    drop = int(np.argmin(ratio))
    return float(ratio[drop]), drop
